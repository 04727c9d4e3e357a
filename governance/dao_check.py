"""Whether what stands on chain is what a plan says: every value read back, line by line.

code ─► owners and roles ─► governors and votes ─► gate ─► adapter, markets, limits ─► settlement ─► seats
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from web3.contract.contract import Contract

from contracts.artifacts import load_artifact
from core.errors import ConfigError
from core.guardrails import DEFAULT_LIMITS, EMODE_LIMITS
from core.market import PARAMETER_FIELDS, Scalar
from governance.client import ChainClient
from governance.comparison import Line
from governance.deploy import DemoStart
from governance.deploy_dao import (
    GOVERNORS,
    TIMELOCK_ROLES,
    TIMELOCK_SECONDS,
    GovernedMarket,
    ascending_addresses,
)
from governance.deploy_protocol import DeploymentPlan, resolved_markets
from governance.deployed_code import runs_the_code
from governance.deployment import Deployment
from governance.reader import limits_from
from governance.sealing import ADMIN, NOBODY
from governance.signing import keccak
from governance.voting_power import require_token, treasury_delegate

DEMO_KINDS = (
    ("market", "DemoLendingMarket"),
    ("oracle", "DemoOracle"),
    ("collateral_token", "DemoToken"),
    ("debt_token", "DemoToken"),
)
DEMO_DECIMALS = (("collateral_token", 18), ("debt_token", 6))
DAO_KINDS = (
    ("timelock", "TribunateTimelock"),
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

RULES = (
    "margin_bps",
    "newly_liquidatable_bps",
    "price_fall_bps",
    "utilisation_rise_bps",
    "supply_rise_bps",
    "borrow_rise_bps",
)


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
    if isinstance(plan.protocol, DemoStart):
        return ()
    return tuple(plan.protocol.powers(client, deployment.addresses["adapter"], plan.markets))


class _Check:
    """Reads one deployment back."""

    def __init__(self, client: ChainClient, deployment: Deployment, plan: DeploymentPlan) -> None:
        self._client = client
        self._deployment = deployment
        self._plan = plan
        self._at = deployment.addresses
        self._kinds = {
            **dict(DAO_KINDS),
            "veto_power": plan.charter.power.contract,
            "adapter": plan.adapter_kind,
            "governance_token": "GovernanceToken",
        }
        if isinstance(plan.protocol, DemoStart):
            self._kinds.update(DEMO_KINDS)

    def _ask(self, role: str, name: str, *arguments: object) -> Any:
        contract = self._client.contract(self._kinds[role], self._at[role])
        return self._client.call(contract.functions[name](*arguments))

    @property
    def _adapter_contract(self) -> Contract:
        return self._client.contract(self._kinds["adapter"], self._at["adapter"])

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
        yield from self._votes()
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
        yield self._line(_HOLDERS_DELAY_SECONDS, "holder_governor", "votingDelay")
        yield self._line(_HOLDERS_PERIOD_SECONDS, "holder_governor", "votingPeriod")
        yield self._line(at["veto_power"], "holder_governor", "token")

    def _votes(self) -> Iterator[Line]:
        charter, at = self._plan.charter, self._at
        power, token = charter.power, charter.token or at["governance_token"]
        yield Line("governance_token of the deployment record", token, at["governance_token"])
        yield self._line(token, "veto_power", power.token_getter)
        if power.block_milliseconds is not None:
            yield self._line(power.block_milliseconds, "veto_power", "blockMilliseconds")
        yield self._line(ascending_addresses(charter.treasuries), "veto_power", "treasuries")
        if charter.token is not None:
            try:
                require_token(self._client, token, power)
            except ConfigError as error:
                yield Line("the token that the file names", power.kind.value, error.found)
                return
        for treasury in charter.treasuries:
            escrow = at["veto_power"]
            found = treasury_delegate(self._client, power, token=token, escrow=escrow, treasury=treasury)
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
        if not isinstance(start, DemoStart):
            try:
                start.require_ready(self._client, self._plan.markets)
            except ConfigError as error:
                yield Line("the protocol that the file names", "stands", error.found)
                return
            for role, address in start.record(self._client, self._plan.markets).items():
                yield Line(f"{role} of the deployment record", address, at[role])
            yield from start.adapter_lines(self._client, self._adapter_contract)
            for market in self._plan.markets:
                yield from start.lines(self._client, self._adapter_contract, market)
            return
        yield self._line(at["adapter"], "market", "configurator")
        yield self._line(at["oracle"], "market", "oracle")
        yield self._line(at["collateral_token"], "market", "collateralToken")
        yield self._line(at["debt_token"], "market", "debtToken")
        yield self._line(int(start.close_factor_bps), "market", "closeFactorBps")
        yield self._line(start.reporter, "oracle", "reporter")
        for role, decimals in DEMO_DECIMALS:
            yield self._line(decimals, role, "decimals")
        yield self._line(at["market"], "adapter", "market")
        values = dict(zip(PARAMETER_FIELDS, _plain(self._ask("market", "parameters")), strict=True))
        for name, value in start.parameters.as_dict().items():
            yield Line(f"market {name}", int(value), values[name])

    def _adapter(self) -> Iterator[Line]:
        at, plan = self._at, self._plan
        for name, role in (("limits", "limits"), ("sample", "sample"), *_ENTRANCES):
            yield self._line(at[role], "adapter", name)
        keys = [market.key for market in resolved_markets(plan, dict(at))]
        yield self._line(keys, "adapter", "markets")
        for role, event, name in (
            ("gate", "AdapterSet", "adapterOf"),
            ("limits", "MarketOpened", "recorderOf"),
        ):
            found = self._set_since("market", role, event, name)
            yield Line(f"markets of the {role}", sorted(keys), [key for key in found if found[key] != NOBODY])
        yield self._line(plan.charter.delegate or NOBODY, "limits", "delegate")

    def _set_since(self, argument: str, role: str, event: str, getter: str) -> dict[str, Any]:
        """Return what a mapping holds now, by the keys that the contract's events have named."""
        contract = self._client.contract(self._kinds[role], self._at[role])
        logs = contract.events[event]().get_logs(from_block=self._deployment.block)
        keys = sorted({str(log["args"][argument]) for log in logs})
        return {key: self._ask(role, getter, key) for key in keys}

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
        yield self._line(NOBODY, "bonds", "verifier")
        yield self._line(token, "scores", "bondToken")
        yield self._line(charter.score_bond, "scores", "bond")
        yield self._line(at["seats"], "scores", "seats")
        yield self._line(at["registry"], "scores", "identities")
        allotted = self._set_since("token", "scores", "AllotmentSet", "allotment")
        yield Line("tokens that scores may pay", [], [token for token, most in allotted.items() if most])

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
            if agent in wanted:
                yield Line(
                    f"agent {agent} has a voice", True, self._ask("seats", "isActive", wanted[agent][0])
                )


_HOLDERS_DELAY_SECONDS = 12 * 3600
_HOLDERS_PERIOD_SECONDS = 5 * 24 * 3600
_ENTRANCES = (("governor", "governor"), ("fastLane", "fast_lane"))


def _seat_text(row: tuple[Any, ...]) -> tuple[str, ...]:
    _, wallet, _, *texts = row
    return (str(wallet), *(bytes(text).rstrip(b"\0").decode(errors="replace") for text in texts))


def _plain(row: Any) -> tuple[Any, ...]:
    return tuple(row)
