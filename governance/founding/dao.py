"""The DAO itself, whatever protocol it governs: one order of deployment for the demo and for a file.

timelock ─► token, veto power ─► registries ─► gate ─► governors, fast lane ─► adapter with its markets
         ─► settlement ─► roles                                (then seats, and governance.founding.sealing)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from web3.contract.contract import Contract, ContractFunction

from core.guardrails import FieldLimits
from core.mandate import FreshnessBands, Mandate
from core.market import PARAMETER_FIELDS, Scalar
from core.units import Bps
from governance.founding.site import Site, standing
from governance.founding.voting_power import ERC20VOTES, VotingPower
from governance.reader import limits_tuple
from governance.signing import keccak

TIMELOCK_SECONDS = 24 * 3600
VOTES_ONE = 10**18
TIMELOCK_ROLES = ("PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE")
GOVERNORS = ("governor", "holder_governor")


@dataclass(frozen=True, slots=True)
class Charter:
    """What the DAO is; votes and bonds in base units of their tokens.

    ``token`` is one that stands already, of the kind that ``power`` says; without it a new ERC20Votes token
    of ``total_votes`` goes to the deployer.  ``mandate_hash`` is the Keccak hash of the mandate's canonical
    bytes.
    """

    mandate_hash: bytes
    spread_limit_bps: Bps
    guardian: str
    veto_threshold_bps: Bps
    holder_proposal_votes: int
    holder_quorum_percent: int
    challenge_bond: int
    score_bond: int
    treasuries: tuple[str, ...] = ()
    token: str | None = None
    total_votes: int = 0
    delegate: str | None = None
    power: VotingPower = ERC20VOTES


Naming = Callable[[Contract, "GovernedMarket"], ContractFunction | None]
"""The call that tells an adapter what stands for a market; ``None`` where the market's key says it."""


@dataclass(frozen=True, slots=True)
class GovernedMarket:
    """One market of an adapter; ``limits`` only where they are not the default.

    ``watched`` is (collateral, debt asset), for adapters that are told what stands for a market.
    """

    key: str
    margin_bps: Bps
    newly_liquidatable_bps: Bps
    bands: FreshnessBands
    limits: Mapping[Scalar, FieldLimits] = field(default_factory=dict)
    is_emode: bool = False
    watched: tuple[str, str] | None = None

    def rules(self) -> tuple[int, int, tuple[int, ...]]:
        """Return Solidity's ``MarketRules``."""
        bands = self.bands
        widths = (
            bands.price_fall_bps,
            bands.utilisation_rise_bps,
            bands.supply_rise_bps,
            bands.borrow_rise_bps,
        )
        return int(self.margin_bps), int(self.newly_liquidatable_bps), tuple(int(w) for w in widths)


def governed(mandate: Mandate, key: str) -> GovernedMarket:
    """Return a market under the rules of the mandate, with the default limits."""
    return GovernedMarket(key, mandate.margin_bps, mandate.newly_liquidatable_bps, mandate.freshness)


def lay_dao(site: Site, charter: Charter) -> None:
    """Deploy in the order in which contracts need one another, then tell each who its neighbours are."""
    owner = site.owner
    timelock = site.put("timelock", "TribunateTimelock", TIMELOCK_SECONDS, owner)
    if charter.token is None:
        site.put("governance_token", "GovernanceToken", owner, charter.total_votes)
    else:
        site.addresses["governance_token"] = charter.token
    token = site.addresses["governance_token"]
    counted = charter.power.arguments(token, ascending_addresses(charter.treasuries))
    power = site.put("veto_power", charter.power.contract, *counted)
    registry = site.put("registry", "AgentRegistry", owner)
    seats = site.put("seats", "SeatRegistry", owner, registry.address)
    models = site.put("models", "ModelRegistry", owner)
    gate = site.put("gate", "UpdateGate", owner, seats.address, models.address)
    neighbours = (power.address, timelock.address, gate.address)
    veto_threshold = int(charter.veto_threshold_bps)
    governor = site.put("governor", "ParameterGovernor", *neighbours, charter.guardian, veto_threshold)
    fast_lane = site.put("fast_lane", "FastLane", gate.address)
    holders = (charter.holder_proposal_votes, charter.holder_quorum_percent)
    site.put("holder_governor", "HolderGovernor", power.address, timelock.address, *holders)
    site.send(registry.functions.setSeatWatch(seats.address))
    site.send(seats.functions.setGuardian(charter.guardian))
    site.send(gate.functions.setEntrances(governor.address, fast_lane.address))
    site.send(gate.functions.setMandate(charter.mandate_hash, int(charter.spread_limit_bps)))


def lay_adapter(
    site: Site,
    kind: str,
    protocol: Sequence[object],
    *,
    markets: Sequence[GovernedMarket],
    delegate: str | None = None,
    naming: Naming | None = None,
) -> None:
    """Deploy an adapter for a protocol (its constructor's first arguments), and take its markets."""
    limits = site.put("limits", "LimitBook", site.owner)
    sample = site.put("sample", "PositionSample")
    adapter = site.put("adapter", kind, *protocol, site.owner, limits.address, sample.address)
    site.send(adapter.functions.setEntrances(site.addresses["governor"], site.addresses["fast_lane"]))
    for market in markets:
        named = None if naming is None else naming(adapter, market)
        if named is not None:
            site.send(named)
        _take(site, kind, market)
    if delegate is not None:
        site.send(limits.functions.setDelegate(delegate))


def _take(site: Site, kind: str, market: GovernedMarket) -> None:
    adapter, limits = standing(site, kind, "adapter"), standing(site, "LimitBook", "limits")
    gate = standing(site, "UpdateGate", "gate")
    site.send(adapter.functions.listMarket(market.key, market.rules()))
    site.send(limits.functions.open(market.key, adapter.address, market.is_emode))
    for number, name in enumerate(PARAMETER_FIELDS):
        chosen = market.limits.get(Scalar(name))
        if chosen is not None:
            site.send(limits.functions.setLimits(market.key, number, limits_tuple(chosen)))
    site.send(gate.functions.setAdapter(market.key, adapter.address))


def lay_settlement(site: Site, bond_token: str, *, challenge_bond: int, score_bond: int) -> None:
    """Deploy what holds bonds and pays; both bonds in base units of the token."""
    at, owner = site.addresses, site.owner
    site.put("bonds", "Bonds", owner, bond_token, at["registry"], at["gate"], challenge_bond)
    site.put("scores", "ScoreBoard", owner, bond_token, score_bond, at["seats"], at["registry"])


def grant_timelock_roles(site: Site) -> None:
    """Let the two governors propose to the timelock, execute and cancel."""
    timelock = standing(site, "TribunateTimelock", "timelock")
    for role in TIMELOCK_ROLES:
        for governor in GOVERNORS:
            site.send(timelock.functions.grantRole(keccak(role.encode()), site.addresses[governor]))


def ascending_addresses(addresses: Sequence[str]) -> list[str]:
    """Return addresses in the order that the contracts want."""
    return sorted(addresses, key=lambda address: int(address, 16))
