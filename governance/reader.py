"""What agents and people read of the DAO: the adapter of ``core.ports.GovernanceReader``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eth_abi.abi import encode

from core.evidence import merkle_root
from core.guardrails import Change, Cut, FieldLimits, cuttable, negotiable, restores
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
        self._gate = client.contract("UpdateGate", addresses["gate"])
        self._limits = client.contract("LimitBook", addresses["limits"])
        self._directory = AgentDirectory(client, deployment)
        self._seats = self._directory.seats

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
        functions, call = self._seats.functions, self._client.call
        number = call(functions.seatVersion()) if version is None else version
        seats = tuple(self._seat(_plain(row)) for row in call(functions.seatsOf(number)))
        return SeatTable(number, bytes(call(functions.seatTableHash(number))), seats)

    def epoch_consumed(self, epoch: int) -> bool:
        """Return whether an update of ``epoch`` and this market has been let in, in either lane."""
        function = self._gate.functions.epochConsumed(epoch, self._deployment.market)
        return bool(self._client.call(function))

    def mandate_hash(self) -> bytes:
        """Return the hash of the mandate that the DAO has given."""
        return bytes(self._client.call(self._gate.functions.mandateHash()))

    def limits(self, block: int | None = None) -> dict[Scalar, FieldLimits]:
        """Return the limits of every field at ``block``."""
        return {
            Scalar(name): limits_from(self._client.call(call, block=block))
            for name, call in self._by_field(self._limits.functions.limitsOf)
        }

    def changes(self, block: int | None = None) -> tuple[Change, ...]:
        """Return every change executed until ``block``, oldest first, as the budgets count them."""
        found = []
        for name, call in self._by_field(self._limits.functions.changesOf):
            for time, amount in self._client.call(call, block=block):
                found.append(Change(Scalar(name), time, amount))
        return tuple(sorted(found, key=lambda change: change.time))

    def cut(self, scalar: Scalar, block: int | None = None) -> Cut | None:
        """Return the newest emergency cut of a field at ``block``, or ``None``."""
        number = PARAMETER_FIELDS.index(scalar.value)
        call = self._limits.functions.cutOf(self._deployment.market, number)
        time, restored, before = self._client.call(call, block=block)
        return Cut(time, before, restored) if time else None

    def last_cut_time(self, block: int | None = None) -> int:
        """Return when the market was last cut; zero when it never was."""
        call = self._limits.functions.lastCutAt(self._deployment.market)
        return int(self._client.call(call, block=block))

    def _by_field(self, function: Any) -> Iterator[tuple[str, Any]]:
        for number, name in enumerate(PARAMETER_FIELDS):
            yield name, function(self._deployment.market, number)

    def negotiable(self, scalar: Scalar, block: int | None = None, *, fast: bool = False) -> tuple[int, int]:
        """Return the lowest and highest value that an epoch may move ``scalar`` to at ``block``.

        ``fast``: what an emergency epoch may do.
        """
        number = self._client.block_number() if block is None else block
        current, now = self.parameters(number), self._client.timestamp(number)
        if fast:
            supplied = self._client.call(self._market.functions.totalCollateral(), block=number)
            return cuttable(current, scalar, supplied=supplied)
        cut = self.cut(scalar, number)
        return negotiable(
            current,
            scalar,
            limits=self.limits(number),
            changes=self.changes(number),
            now=now,
            margin_bps=self._margin(number),
            restorable=cut.before
            if cut is not None and restores(cut, cut.before - 1, cut.before, now)
            else 0,
        )

    def _margin(self, block: int) -> Bps:
        rules = self._client.call(self._adapter.functions.rulesOf(self._deployment.market), block=block)
        return Bps(_plain(rules)[0])

    def directory_entry(self, uagent: str) -> DirectoryEntry | None:
        """Return the agent that claims ``uagent``, a seat holder before others."""
        found = self._directory.find(uagent)
        return found[0] if found else None

    def _seat(self, row: tuple[Any, ...]) -> Seat:
        agent_id, wallet, uagent_hash, *attested = row
        claimed = self._client.call(self._directory.contract.functions.getMetadata(agent_id, UAGENT))
        uagent = claimed.decode(errors="replace") if keccak(claimed) == uagent_hash else ""
        operator, family, source = (text.rstrip(b"\0").decode(errors="replace") for text in attested)
        return Seat(agent_id, wallet, uagent, operator, family, source)


def _parameters(values: tuple[int, ...]) -> Parameters:
    return parameters_from(dict(zip(PARAMETER_FIELDS, values, strict=True)))


_LIMIT_FIELDS = (
    "enabled",
    "relative_up",
    "relative_down",
    "unit_decimals",
    "floor",
    "step_up",
    "step_down",
    "min_delay_seconds",
    "ceiling",
    "budget_up",
    "budget_down",
)
"""In the order of Solidity's struct."""


def limits_from(row: Any) -> FieldLimits:
    """Return Solidity's packed struct as core's record."""
    return FieldLimits(**dict(zip(_LIMIT_FIELDS, _plain(row), strict=True)))


def limits_tuple(limits: FieldLimits) -> tuple[bool | int, ...]:
    """Return core's record in the order of Solidity's struct."""
    return tuple(getattr(limits, name) for name in _LIMIT_FIELDS)


def _plain(row: Any) -> tuple[Any, ...]:
    """Return a decoded struct as a tuple, whatever web3 made of it."""
    return tuple(row)
