"""What agents and people read of the DAO: the adapter of ``core.ports.GovernanceReader``."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import encode

from core.evidence import merkle_root
from core.guardrails import Change, FieldLimits, negotiable
from core.market import PARAMETER_FIELDS, MarketSnapshot, Parameters, Scalar, parameters_from
from core.ports import Seat, SeatTable
from core.position import Position
from core.units import Bps
from governance.client import ChainClient
from governance.deployment import Deployment
from governance.registry import UAGENT, AgentDirectory, DirectoryEntry
from governance.signing import keccak

PAGE = 200


def position_value(position: Position) -> bytes:
    """Return the 32 bytes that stand for a position in the positions root.

    Keccak-256 of ``abi.encode(account, collateral, debt)``; the tree hashes it twice more.
    """
    words = encode(["address", "uint256", "uint256"], [position.account, position.collateral, position.debt])
    return keccak(words)


def positions_root(positions: tuple[Position, ...]) -> bytes:
    """Return the root over all borrowers; 32 zero bytes when there is none."""
    if not positions:
        return bytes(32)
    return merkle_root((position_value(p) for p in positions), keccak)


class ChainReader:
    """Reads one deployment.  A block number gives the state after that block, at that block's time."""

    def __init__(self, client: ChainClient, deployment: Deployment) -> None:
        self._client = client
        self._deployment = deployment
        addresses = deployment.addresses
        self._market = client.contract("DemoLendingMarket", addresses["market"])
        self._adapter = client.contract("DemoMarketAdapter", addresses["adapter"])
        self._governor = client.contract("ParameterGovernor", addresses["governor"])
        self._directory = AgentDirectory(client, deployment)
        self._registry = self._directory.contract

    def chain_time(self) -> int:
        """Return the newest block's time."""
        return self._client.timestamp()

    def now(self) -> int:
        """Return the newest block's time (``core.ports.Clock``)."""
        return self._client.timestamp()

    def market_snapshot(self, block: int | None = None) -> MarketSnapshot:
        """Return the market at ``block``, interest until then included."""
        number = self._client.block_number() if block is None else block
        state = self._client.call(self._market.functions.marketState(), block=number)
        values, price, collateral, supply, borrow, reserves, *_ = _plain(state)
        return MarketSnapshot(
            market=self._deployment.market,
            block_number=number,
            timestamp=self._client.timestamp(number),
            parameters=_parameters(values),
            oracle_price=price,
            total_collateral=collateral,
            total_debt_supply=supply,
            total_borrow=borrow,
            reserves=reserves,
            positions_root=positions_root(self.positions(number)),
        )

    def positions(self, block: int | None = None) -> tuple[Position, ...]:
        """Return all borrowers at ``block``, ascending by account."""
        number = self._client.block_number() if block is None else block
        found: list[Position] = []
        while True:
            page = self._client.call(self._market.functions.borrowers(len(found), PAGE), block=number)
            found += [Position(*_plain(row)) for row in page]
            if len(page) < PAGE:
                return tuple(sorted(found, key=lambda p: p.account.lower()))

    def parameters(self, block: int | None = None) -> Parameters:
        """Return the governed fields at ``block``."""
        return _parameters(_plain(self._client.call(self._market.functions.parameters(), block=block)))

    def oracle(self) -> tuple[int, int]:
        """Return the oracle's price (eight decimals) and when it was observed."""
        oracle = self._client.contract("DemoOracle", self._deployment.addresses["oracle"])
        return self._client.call(oracle.functions.price()), self._client.call(oracle.functions.observedAt())

    def seat_table(self, version: int | None = None) -> SeatTable:
        """Return the seats of ``version``.

        A seat's ``uagent`` is empty when the agent has changed it since it was seated.
        """
        functions, call = self._registry.functions, self._client.call
        number = call(functions.seatVersion()) if version is None else version
        seats = tuple(self._seat(_plain(row)) for row in call(functions.seatsOf(number)))
        return SeatTable(number, bytes(call(functions.seatTableHash(number))), seats)

    def epoch_consumed(self, epoch: int) -> bool:
        """Return whether the governor has taken a proposal for ``epoch`` and this market."""
        function = self._governor.functions.epochConsumed(epoch, self._deployment.market)
        return bool(self._client.call(function))

    def mandate_hash(self) -> bytes:
        """Return the hash of the mandate that the DAO has given."""
        return bytes(self._client.call(self._governor.functions.mandateHash()))

    def limits(self, block: int | None = None) -> dict[Scalar, FieldLimits]:
        """Return the limits of every field at ``block``."""
        call, limits_of = self._client.call, self._adapter.functions.limitsOf
        return {
            Scalar(name): FieldLimits(*_plain(call(limits_of(n), block=block)))
            for n, name in enumerate(PARAMETER_FIELDS)
        }

    def changes(self, block: int | None = None) -> tuple[Change, ...]:
        """Return every change executed until ``block``, oldest first, as the budgets count them."""
        found = []
        for number, name in enumerate(PARAMETER_FIELDS):
            for time, amount in self._client.call(self._adapter.functions.changesOf(number), block=block):
                found.append(Change(Scalar(name), time, amount))
        return tuple(sorted(found, key=lambda change: change.time))

    def negotiable(self, scalar: Scalar, block: int | None = None) -> tuple[int, int]:
        """Return the lowest and highest value that an epoch may move ``scalar`` to at ``block``."""
        number = self._client.block_number() if block is None else block
        margin = self._client.call(self._adapter.functions.marginBps(), block=number)
        return negotiable(
            self.parameters(number),
            scalar,
            limits=self.limits(number),
            changes=self.changes(number),
            now=self._client.timestamp(number),
            margin_bps=Bps(margin),
        )

    def directory_entry(self, uagent: str) -> DirectoryEntry | None:
        """Return the agent that claims ``uagent``, a seat holder before others; check its binding."""
        found = self._directory.find(uagent)
        return found[0] if found else None

    def _seat(self, row: tuple[Any, ...]) -> Seat:
        agent_id, wallet, uagent_hash, *attested = row
        claimed = self._client.call(self._registry.functions.getMetadata(agent_id, UAGENT))
        uagent = claimed.decode(errors="replace") if keccak(claimed) == uagent_hash else ""
        operator, family, source = (text.rstrip(b"\0").decode(errors="replace") for text in attested)
        return Seat(agent_id, wallet, uagent, operator, family, source)


def _parameters(values: tuple[int, ...]) -> Parameters:
    return parameters_from(dict(zip(PARAMETER_FIELDS, values, strict=True)))


def _plain(row: Any) -> tuple[Any, ...]:
    """Return a decoded struct as a tuple, whatever web3 made of it."""
    return tuple(row)
