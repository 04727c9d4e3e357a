"""Whether what stands on chain is what a plan says: every value read back, line by line.

code ─► owners and roles ─► governors and votes ─► gate ─► adapter, markets, limits ─► settlement ─► seats
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts.artifacts import load_artifact
from core.guardrails import DEFAULT_LIMITS, EMODE_LIMITS
from core.market import PARAMETER_FIELDS, Scalar
from governance.client import ChainClient
from governance.deploy import DemoStart
from governance.deploy_dao import (
    GOVERNORS,
    TIMELOCK_ROLES,
    TIMELOCK_SECONDS,
    GovernedMarket,
    ascending_addresses,
)
from governance.deploy_protocol import (
    AAVE_ADAPTER,
    AaveProtocol,
    DeploymentPlan,
    aave_addresses,
    is_risk_admin,
    resolved_markets,
)
from governance.deployment import Deployment
from governance.reader import limits_from
from governance.sealing import ADMIN, NOBODY
from governance.signing import keccak

DEMO_KINDS = (
    ("market", "DemoLendingMarket"),
    ("oracle", "DemoOracle"),
    ("collateral_token", "DemoToken"),
    ("debt_token", "DemoToken"),
)
DAO_KINDS = (
    ("timelock", "TribunateTimelock"),
    ("veto_power", "VotesPower"),
    ("registry", "AgentRegistry"),
    ("seats", "SeatRegistry"),
    ("models", "ModelRegistry"),
    ("gate", "UpdateGate"),
    ("governor", "ParameterGovernor"),
    ("fast_lane", "FastLane"),
    ("holder_governor", "HolderGovernor"),
    ("limits", "LimitBook"),
    ("sample", "PositionSample"),
    ("bonds", "Bonds"),
    ("scores", "ScoreBoard"),
)

TAIL_BYTES = 40
WORD = 32
IMMUTABLE = b"\x7f" + bytes(WORD)
RULES = (
    "margin_bps",
    "newly_liquidatable_bps",
    "price_fall_bps",
    "utilisation_rise_bps",
    "supply_rise_bps",
    "borrow_rise_bps",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One value: what the file wants of it, and what the chain has."""

    what: str
    wanted: object
    found: object

    @property
    def holds(self) -> bool:
        """Whether they are the same."""
        return self.wanted == self.found


def check_deployment(client: ChainClient, deployment: Deployment, plan: DeploymentPlan) -> tuple[Line, ...]:
    """Return every value that the plan says, with what the chain has.

    Raises:
        ChainError: the end point does not answer.
    """
    check = _Check(client, deployment, plan)
    first = tuple(check.code())
    if not all(line.holds for line in first):
        return first
    return (*first, *check.everything())


def check_powers(client: ChainClient, deployment: Deployment, plan: DeploymentPlan) -> tuple[Line, ...]:
    """Return whether the protocol lets the adapter write, where its own governance decides that."""
    if not isinstance(plan.protocol, AaveProtocol):
        return ()
    found = is_risk_admin(client, plan.protocol.provider, deployment.addresses["adapter"])
    return (Line("adapter holds Aave's RISK_ADMIN", True, found),)


def differences(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Return the lines that do not hold."""
    return tuple(line for line in lines if not line.holds)


def runs_the_code(creation: bytes, runtime: bytes) -> bool:
    """Whether ``runtime`` is what ``creation`` leaves on chain, immutable values aside.

    Creation code holds the runtime code, with ``PUSH32 0`` where the constructor writes an immutable value.
    Its end (the compiler's metadata) has none, and says where it lies.

    >>> creation = bytes.fromhex("6001aa7f" + 32 * "00" + 40 * "bb")
    >>> runs_the_code(creation, bytes.fromhex("aa7f" + 32 * "07" + 40 * "bb"))
    True
    >>> runs_the_code(creation, bytes.fromhex("ab7f" + 32 * "07" + 40 * "bb"))
    False
    """
    tail = runtime[-TAIL_BYTES:]
    end = creation.rfind(tail) + len(tail)
    if not runtime or tail not in creation or len(runtime) > end:
        return False
    written = creation[end - len(runtime) : end]
    return _without(written, written) == _without(runtime, written)


def _without(code: bytes, written: bytes) -> bytes:
    """Return ``code`` with zeros wherever ``written`` leaves room for an immutable value."""
    blanked, start = bytearray(code), written.find(IMMUTABLE)
    while start >= 0:
        end = start + len(IMMUTABLE)
        blanked[start + 1 : end] = bytes(WORD)
        start = written.find(IMMUTABLE, end)
    return bytes(blanked)


class _Check:
    """Reads one deployment back."""

    def __init__(self, client: ChainClient, deployment: Deployment, plan: DeploymentPlan) -> None:
        self._client = client
        self._deployment = deployment
        self._plan = plan
        self._at = deployment.addresses
        self._kinds = {**dict(DAO_KINDS), "adapter": plan.adapter_kind, "governance_token": "GovernanceToken"}
        if isinstance(plan.protocol, DemoStart):
            self._kinds.update(DEMO_KINDS)

    def _ask(self, role: str, name: str, *arguments: object) -> Any:
        contract = self._client.contract(self._kinds[role], self._at[role])
        return self._client.call(contract.functions[name](*arguments))

    def _line(self, wanted: object, role: str, name: str, *arguments: object) -> Line:
        return Line(f"{role}.{name}", wanted, self._ask(role, name, *arguments))

    def code(self) -> Iterator[Line]:
        """The chain, and which code stands where."""
        yield Line("chain_id", self._plan.chain_id, self._client.chain_id)
        yield Line("chain_id of the deployment record", self._plan.chain_id, self._deployment.chain_id)
        for role, kind in self._kinds.items():
            if role == "governance_token" and self._plan.charter.token is not None:
                continue
            code = self._client.request("eth_getCode", self._at[role], "latest")
            ours = runs_the_code(load_artifact(kind).bytecode, bytes.fromhex(code.removeprefix("0x")))
            yield Line(f"code of {role}", kind, kind if ours else "other code")

    def everything(self) -> Iterator[Line]:
        """All that the file says, in its order."""
        yield from self._owners()
        yield from self._roles()
        yield from self._governors()
        yield from self._gate()
        yield from self._protocol()
        yield from self._adapter()
        for market in resolved_markets(self._plan, dict(self._at)):
            yield from self._market(market)
        yield from self._settlement()
        yield from self._seats()

    def _owners(self) -> Iterator[Line]:
        for _, role in self._plan.owned:
            yield self._line(self._at["timelock"], role, "owner")

    def _roles(self) -> Iterator[Line]:
        """Every account that was ever granted a role of the timelock, and holds it still."""
        yield self._line(TIMELOCK_SECONDS, "timelock", "getMinDelay")
        timelock = self._client.contract("TribunateTimelock", self._at["timelock"])
        logs = timelock.events.RoleGranted().get_logs(from_block=self._deployment.block)
        granted = {(bytes(log["args"]["role"]), str(log["args"]["account"])) for log in logs}
        own = (ADMIN, self._at["timelock"])
        yield Line("the record's block is before the timelock's creation", True, own in granted)
        governors = sorted(self._at[name] for name in GOVERNORS)
        wanted = dict.fromkeys(TIMELOCK_ROLES, governors) | {"DEFAULT_ADMIN_ROLE": [self._at["timelock"]]}
        for role, holders in wanted.items():
            name = ADMIN if role == "DEFAULT_ADMIN_ROLE" else keccak(role.encode())
            accounts = {account for known, account in granted if known == name} | {NOBODY, *holders}
            held = sorted(a for a in accounts if self._ask("timelock", "hasRole", name, a))
            yield Line(f"timelock {role}", holders, held)

    def _governors(self) -> Iterator[Line]:
        charter, at = self._plan.charter, self._at
        yield self._line(int(charter.veto_threshold_bps), "governor", "vetoThresholdBps")
        yield self._line(charter.guardian, "governor", "guardian")
        yield self._line(charter.guardian, "seats", "guardian")
        yield self._line(at["veto_power"], "governor", "vetoPower")
        for role in GOVERNORS:
            yield self._line(at["timelock"], role, "timelock")
        yield self._line(at["gate"], "governor", "gate")
        yield self._line(at["gate"], "fast_lane", "gate")
        yield self._line(charter.holder_proposal_votes, "holder_governor", "proposalThreshold")
        quorum = "quorumNumerator()"
        yield Line(
            "holder_governor.quorumNumerator",
            charter.holder_quorum_percent,
            self._client.call(
                self._client.contract("HolderGovernor", at["holder_governor"]).get_function_by_signature(
                    quorum
                )()
            ),
        )
        yield self._line(charter.token or at["governance_token"], "holder_governor", "token")
        yield self._line(charter.token or at["governance_token"], "veto_power", "votes")
        yield self._line(ascending_addresses(charter.treasuries), "veto_power", "treasuries")
        for treasury in charter.treasuries:
            found = self._ask("governance_token", "delegates", treasury)
            yield Line(f"delegate of treasury {treasury}", treasury, found)
        if charter.token is None:
            yield self._line(charter.total_votes, "governance_token", "totalSupply")

    def _gate(self) -> Iterator[Line]:
        charter, at = self._plan.charter, self._at
        for name, role in (("seats", "seats"), ("models", "models"), *_ENTRANCES):
            yield self._line(at[role], "gate", name)
        yield Line(
            "mandate's hash", charter.mandate_hash.hex(), bytes(self._ask("gate", "mandateHash")).hex()
        )
        yield self._line(int(charter.spread_limit_bps), "gate", "spreadLimitBps")
        yield self._line(at["registry"], "seats", "identities")
        yield self._line(at["seats"], "registry", "seatWatch")

    def _protocol(self) -> Iterator[Line]:
        start, at = self._plan.protocol, self._at
        if isinstance(start, AaveProtocol):
            yield from self._aave(start)
            return
        yield self._line(at["adapter"], "market", "configurator")
        yield self._line(at["oracle"], "market", "oracle")
        yield self._line(at["collateral_token"], "market", "collateralToken")
        yield self._line(int(start.close_factor_bps), "market", "closeFactorBps")
        yield self._line(start.reporter, "oracle", "reporter")
        yield self._line(at["market"], "adapter", "market")
        values = dict(zip(PARAMETER_FIELDS, _plain(self._ask("market", "parameters")), strict=True))
        for name, value in start.parameters.as_dict().items():
            yield Line(f"market {name}", int(value), values[name])

    def _aave(self, start: AaveProtocol) -> Iterator[Line]:
        yield self._line(start.provider, "adapter", "provider")
        for role, address in aave_addresses(self._client, self._plan).items():
            yield Line(f"{role} of the deployment record", address, self._at[role])
        yield self._line(self._at["market"], "adapter", "pool")

    def _adapter(self) -> Iterator[Line]:
        at, plan = self._at, self._plan
        for name, role in (("limits", "limits"), ("sample", "sample"), *_ENTRANCES):
            yield self._line(at[role], "adapter", name)
        keys = [market.key for market in resolved_markets(plan, dict(at))]
        yield self._line(keys, "adapter", "markets")
        yield self._line(plan.charter.delegate or NOBODY, "limits", "delegate")

    def _market(self, market: GovernedMarket) -> Iterator[Line]:
        key, adapter = market.key, self._at["adapter"]
        yield Line(f"adapter of {key}", adapter, self._ask("gate", "adapterOf", key))
        yield Line(f"recorder of {key}", adapter, self._ask("limits", "recorderOf", key))
        margin, newly, bands = market.rules()
        found_margin, found_newly, found_bands = _plain(self._ask("adapter", "rulesOf", key))
        pairs = zip((margin, newly, *bands), (found_margin, found_newly, *_plain(found_bands)), strict=True)
        for name, (wanted, found) in zip(RULES, pairs, strict=True):
            yield Line(f"{name} of {key}", wanted, found)
        yield Line(f"ceiling of {key}", NOBODY, self._ask("adapter", "ceilingOf", key))
        if self._plan.adapter_kind == AAVE_ADAPTER and market.watched is not None:
            yield Line(
                f"collateral of {key}", market.watched[0], _plain(self._ask("adapter", "watchedOf", key))[0]
            )
        yield from self._limits(market)

    def _limits(self, market: GovernedMarket) -> Iterator[Line]:
        defaults = EMODE_LIMITS if market.is_emode else DEFAULT_LIMITS
        for number, name in enumerate(PARAMETER_FIELDS):
            wanted = market.limits.get(Scalar(name), defaults[Scalar(name)])
            found = limits_from(self._ask("limits", "limitsOf", market.key, number))
            for part in wanted.__dataclass_fields__:
                yield Line(f"{name}.{part} of {market.key}", getattr(wanted, part), getattr(found, part))

    def _settlement(self) -> Iterator[Line]:
        charter, at = self._plan.charter, self._at
        token = self._plan.bond_token or at["debt_token"]
        yield self._line(token, "bonds", "token")
        yield self._line(at["registry"], "bonds", "identities")
        yield self._line(at["gate"], "bonds", "gate")
        yield self._line(charter.challenge_bond, "bonds", "challengeBond")
        yield self._line(token, "scores", "bondToken")
        yield self._line(charter.score_bond, "scores", "bond")
        yield self._line(at["seats"], "scores", "seats")
        yield self._line(at["registry"], "scores", "identities")

    def _seats(self) -> Iterator[Line]:
        rows = self._ask("seats", "seatsOf", self._ask("seats", "seatVersion"))
        found = {int(row[0]): _seat_text(_plain(row)) for row in rows}
        wanted = {
            seat.attestation.agent_id: (
                seat.wallet,
                seat.attestation.operator,
                seat.attestation.family,
                seat.attestation.data_source,
            )
            for seat in self._plan.seats
        }
        for agent in sorted(wanted.keys() | found.keys()):
            yield Line(f"seat of agent {agent}", wanted.get(agent), found.get(agent))


_ENTRANCES = (("governor", "governor"), ("fastLane", "fast_lane"))


def _seat_text(row: tuple[Any, ...]) -> tuple[str, ...]:
    _, wallet, _, *texts = row
    return (str(wallet), *(bytes(text).rstrip(b"\0").decode(errors="replace") for text in texts))


def _plain(row: Any) -> tuple[Any, ...]:
    return tuple(row)
