"""Where votes come from, by the token's kind: which contract counts them, and what the token must answer.

erc20votes ─► VotesPower    counts time (ERC-6372)
comp       ─► CompPower     counts blocks: COMP, UNI and their kin
aave       ─► AavePower     counts blocks, with a history: AAVE before its version 3 and its kin
escrow     ─► VotesEscrow   keeps no history: what is deposited votes (AAVE version 3)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from web3.contract.contract import Contract, ContractFunction

from core.errors import ConfigError
from governance.client import ChainClient
from governance.founding.foreign import NOBODY, answer, foreign, function, require_code

TIMESTAMP_CLOCK = "mode=timestamp"
VOTING_POWER = 0
"""Aave's ``DelegationType`` of votes."""

TOKEN_ABI = [
    function("CLOCK_MODE", answers=["string"]),
    function("totalSupply", answers=["uint256"]),
    function("balanceOf", "address", answers=["uint256"]),
    function("delegates", "address", answers=["address"]),
    function("getPastVotes", "address", "uint256", answers=["uint256"]),
    function("getPriorVotes", "address", "uint256", answers=["uint96"]),
    function("getPowerAtBlock", "address", "uint256", "uint8", answers=["uint256"]),
    function("totalSupplyAt", "uint256", answers=["uint256"]),
    function("getDelegateeByType", "address", "uint8", answers=["address"]),
]


class TokenKind(StrEnum):
    """What a token remembers."""

    ERC20VOTES = "erc20votes"
    COMP = "comp"
    AAVE = "aave"
    ESCROW = "escrow"


CONTRACTS = {
    TokenKind.ERC20VOTES: "VotesPower",
    TokenKind.COMP: "CompPower",
    TokenKind.AAVE: "AavePower",
    TokenKind.ESCROW: "VotesEscrow",
}
COUNTS_BLOCKS = frozenset({TokenKind.COMP, TokenKind.AAVE})


@dataclass(frozen=True, slots=True)
class VotingPower:
    """How a token's votes are counted; ``block_milliseconds`` for tokens that count blocks, and no others.

    >>> VotingPower(TokenKind.COMP, 12_000).contract
    'CompPower'
    """

    kind: TokenKind = TokenKind.ERC20VOTES
    block_milliseconds: int | None = None

    def __post_init__(self) -> None:
        """Refuse a block time that is missing, or that nothing would use."""
        if (self.kind in COUNTS_BLOCKS) != (self.block_milliseconds is not None):
            raise ConfigError(
                f"block time was {self.block_milliseconds} ms for a token of kind {self.kind}",
                allowed="milliseconds for comp and aave, none for the others",
            )

    @property
    def contract(self) -> str:
        """Our contract that counts."""
        return CONTRACTS[self.kind]

    @property
    def token_getter(self) -> str:
        """What that contract calls the token."""
        return "token" if self.kind is TokenKind.ESCROW else "votes"

    def arguments(self, token: str, treasuries: Sequence[str]) -> tuple[object, ...]:
        """Return the arguments of its constructor; treasuries ascend."""
        blocks = () if self.block_milliseconds is None else (self.block_milliseconds,)
        return token, list(treasuries), *blocks


ERC20VOTES = VotingPower()
"""Tokens that count time stamps: the usual kind."""


def recent_block_milliseconds(client: ChainClient, *, blocks: int = 1_000) -> int:
    """Return what a block has taken on average of late, rounded down; 0 on a chain of one block."""
    last = client.block_number()
    first = max(0, last - blocks)
    if first == last:
        return 0
    return (client.timestamp(last) - client.timestamp(first)) * 1_000 // (last - first)


def require_token(client: ChainClient, address: str, power: VotingPower) -> None:
    """Check that a token is of the kind that a file says.

    Raises:
        ConfigError: no contract stands there, or it does not answer as that kind does.
    """
    require_code(client, address, "token.address")
    token = foreign(client, address, TOKEN_ABI)
    if power.kind is TokenKind.ERC20VOTES:
        _require_clock(client, token)
        return
    for call in _asked(token, power.kind, max(0, client.block_number() - 1)):
        if answer(client, call) is None:
            raise ConfigError(
                f"token.kind was {power.kind}, but {address} does not answer {call.fn_name}",
                allowed=f"a token that {CONTRACTS[power.kind]} can read",
                hint="see token.kind in docs/deployment.md",
            )


def _require_clock(client: ChainClient, token: Contract) -> None:
    mode = answer(client, token.functions.CLOCK_MODE()) or "none"
    if mode != TIMESTAMP_CLOCK:
        raise ConfigError(
            f"token.address: the clock of {token.address} was {mode}",
            allowed=f"ERC20Votes with {TIMESTAMP_CLOCK} (ERC-6372)",
            hint="a token that counts blocks or keeps no history has another token.kind: comp, aave, escrow",
        )


def _asked(token: Contract, kind: TokenKind, block: int) -> list[ContractFunction]:
    """Return calls that every token of a kind answers."""
    ask = token.functions
    calls: Mapping[TokenKind, list[ContractFunction]] = {
        TokenKind.COMP: [ask.getPriorVotes(NOBODY, block), ask.totalSupply(), ask.delegates(NOBODY)],
        TokenKind.AAVE: [
            ask.getPowerAtBlock(NOBODY, block, VOTING_POWER),
            ask.totalSupplyAt(block),
            ask.getDelegateeByType(NOBODY, VOTING_POWER),
        ],
        TokenKind.ESCROW: [ask.totalSupply(), ask.balanceOf(NOBODY)],
    }
    return calls[kind]


def treasury_delegate(
    client: ChainClient, power: VotingPower, *, token: str, escrow: str, treasury: str
) -> str:
    """Return who votes with a treasury's tokens; must be itself, so that nobody does.

    Args:
        client: The chain.
        power: The token's kind.
        token: The token's address.
        escrow: The veto power's address, asked where deposits vote: who has named nobody there is itself.
        treasury: Whose tokens.
    """
    ask = foreign(client, token, TOKEN_ABI).functions
    if power.kind is TokenKind.AAVE:
        return str(client.call(ask.getDelegateeByType(treasury, VOTING_POWER)))
    if power.kind is TokenKind.ESCROW:
        named = client.call(foreign(client, escrow, TOKEN_ABI).functions.delegates(treasury))
        return treasury if named == NOBODY else str(named)
    return str(client.call(ask.delegates(treasury)))
