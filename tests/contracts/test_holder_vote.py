"""The full holder vote, whatever the token remembers: propose, vote, queue, execute, and who cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from web3.contract.contract import Contract

from contracts.artifacts import load_any_artifact
from core.errors import GovernanceError
from governance.client import ChainClient
from governance.devchain.chain import Genesis
from governance.founding.dao import TIMELOCK_SECONDS, ascending_addresses
from governance.founding.voting_power import ERC20VOTES, TokenKind, VotingPower
from governance.rehearsal import DAY, ETHER, GENESIS_TIME, HOUR, known_key
from governance.signing import LocalSigner, keccak
from tests.chains import open_chain

OWNER, HOLDER, SMALL, TREASURY = (known_key(f"vote {n}") for n in ("owner", "holder", "small", "treasury"))
SUPPLY = 1_000 * ETHER
THRESHOLD = 10 * ETHER
QUORUM_PERCENT = 4
VOTES = {HOLDER: 100, SMALL: 39, TREASURY: 500}
DESCRIPTION = "a longer delay"
FOR = 1
POWERS = {
    "erc20votes": ERC20VOTES,
    "comp": VotingPower(TokenKind.COMP, 6 * HOUR * 1_000),
    "aave": VotingPower(TokenKind.AAVE, 6 * HOUR * 1_000),
    "escrow": VotingPower(TokenKind.ESCROW),
}


@dataclass(frozen=True, slots=True)
class Holders:
    """A holder governor with its timelock and its token; the vote asks the timelock to lengthen its delay."""

    client: ChainClient
    governor: Contract
    timelock: Contract
    token: Contract
    power: Contract

    @property
    def action(self) -> tuple[list[str], list[int], list[str]]:
        """Return what is voted on."""
        call = self.timelock.functions.updateDelay(2 * TIMELOCK_SECONDS)._encode_transaction_data()
        return [self.timelock.address], [0], [call]

    @property
    def proposal(self) -> int:
        """Return its number."""
        asked = self.governor.functions.hashProposal(*self.action, keccak(DESCRIPTION.encode()))
        return int(self.client.call(asked))

    def propose(self, who: LocalSigner) -> None:
        """Propose it."""
        self.client.send(who, self.governor.functions.propose(*self.action, DESCRIPTION))

    def wait(self, seconds: int) -> None:
        """Let time pass in blocks of six hours, as the powers are told."""
        for _ in range(-(-seconds // (6 * HOUR))):
            self.client.advance(6 * HOUR)

    def vote(self, who: LocalSigner) -> None:
        """Vote for it."""
        self.client.send(who, self.governor.functions.castVote(self.proposal, FOR))

    def by_hash(self, name: str) -> None:
        """Queue or execute it; anyone may."""
        function = self.governor.get_function_by_signature(f"{name}(address[],uint256[],bytes[],bytes32)")
        self.client.send(OWNER, function(*self.action, keccak(DESCRIPTION.encode())))


@pytest.fixture(params=list(POWERS))
def holders(request: pytest.FixtureRequest) -> Iterator[Holders]:
    """Shares of 1,000 votes, each delegated to its holder, and deposited where only that votes."""
    balances = {bytes.fromhex(k.address[2:]): 10**3 * ETHER for k in (OWNER, *VOTES)}
    with open_chain(Genesis(GENESIS_TIME, balances)) as chain:
        yield founded(ChainClient(chain.url, artifacts=load_any_artifact), POWERS[request.param])


def founded(client: ChainClient, power: VotingPower) -> Holders:
    kind = "GovernanceToken" if power.kind is TokenKind.ERC20VOTES else "BlockVotesToken"
    arguments = (OWNER.address, SUPPLY) if power.kind is TokenKind.ERC20VOTES else (SUPPLY,)
    token = client.contract(kind, client.deploy(OWNER, kind, *arguments))
    treasuries = ascending_addresses([TREASURY.address])
    counted = client.deploy(OWNER, power.contract, *power.arguments(token.address, treasuries))
    source = client.contract(power.contract, counted)
    for person, votes in VOTES.items():
        client.send(OWNER, token.functions.transfer(person.address, votes * ETHER))
        client.send(person, token.functions.delegate(person.address))
        if power.kind is TokenKind.ESCROW and person is not TREASURY:
            client.send(person, token.functions.approve(counted, votes * ETHER))
            client.send(person, source.functions.deposit(votes * ETHER))
    lock = client.contract(
        "TribunateTimelock", client.deploy(OWNER, "TribunateTimelock", TIMELOCK_SECONDS, OWNER.address)
    )
    address = client.deploy(OWNER, "HolderGovernor", counted, lock.address, THRESHOLD, QUORUM_PERCENT)
    for role in ("PROPOSER_ROLE", "EXECUTOR_ROLE"):
        client.send(OWNER, lock.functions.grantRole(keccak(role.encode()), address))
    client.advance(HOUR)
    return Holders(client, client.contract("HolderGovernor", address), lock, token, source)


def test_holders_decide(holders: Holders) -> None:
    holders.propose(HOLDER)
    holders.wait(12 * HOUR + 1)
    holders.vote(HOLDER)
    holders.wait(5 * DAY)
    holders.by_hash("queue")
    holders.wait(TIMELOCK_SECONDS)
    holders.by_hash("execute")
    assert holders.client.call(holders.timelock.functions.getMinDelay()) == 2 * TIMELOCK_SECONDS


def test_a_quorum_is_a_share_of_the_whole_supply(holders: Holders) -> None:
    """39 of 1,000 are no 4 %, however few others have deposited."""
    holders.propose(HOLDER)
    holders.wait(12 * HOUR + 1)
    holders.vote(SMALL)
    holders.wait(5 * DAY)
    with pytest.raises(GovernanceError, match="GovernorUnexpectedProposalState"):
        holders.by_hash("queue")


def test_who_has_no_votes_cannot_propose(holders: Holders) -> None:
    with pytest.raises(GovernanceError, match="GovernorInsufficientProposerVotes"):
        holders.propose(OWNER)


def test_votes_are_those_of_the_snapshot(holders: Holders) -> None:
    """What is delegated after the snapshot does not vote."""
    holders.propose(HOLDER)
    holders.wait(12 * HOUR + 6 * HOUR)
    holders.client.send(OWNER, holders.token.functions.delegate(OWNER.address))
    holders.wait(6 * HOUR)
    holders.vote(OWNER)
    votes = holders.client.call(holders.governor.functions.proposalVotes(holders.proposal))
    assert tuple(votes) == (0, 0, 0)


@pytest.mark.parametrize("name", ["queue", "execute"])
def test_nothing_happens_while_the_vote_is_open(holders: Holders, name: str) -> None:
    holders.propose(HOLDER)
    holders.wait(12 * HOUR + 1)
    holders.vote(HOLDER)
    with pytest.raises(GovernanceError, match="GovernorUnexpectedProposalState"):
        holders.by_hash(name)
