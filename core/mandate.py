"""What the DAO asks of its agents: one typed record, and the arithmetic that answers it.

The record's hash is on chain.  A candidate is *safe* for an agent if the agent's own simulation of it
breaks none of the mandate's limits (MECHANISM.md, Mandate).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from core.errors import SimulationError
from core.market import Scalar
from core.units import BPS_ONE, NANO, Bps


@dataclass(frozen=True, slots=True)
class StressScenario:
    """An instantaneous fall of the collateral's price that the market must survive.

    ``depth_bps`` is the share of the usual market depth that is left while it falls.
    """

    name: str
    price_fall_bps: Bps
    depth_bps: Bps


@dataclass(frozen=True, slots=True)
class PhaseSeconds:
    """Lengths of an epoch's phases, in seconds of the chain's clock."""

    announce: int = 600
    commit: int = 600
    reveal: int = 600
    certificate: int = 600
    counter: int = 600
    agree: int = 600
    submit: int = 600


FAST_PHASES = PhaseSeconds(240, 120, 120, 120, 120, 120, 120)
"""Phases of an extraordinary epoch: an emergency does not wait for an hour of talk.

The announce takes longer than the rest: a keeper's turn is a share of it, and two announces split the seats.
"""


@dataclass(frozen=True, slots=True)
class FreshnessBands:
    """How far the chain may have moved, on the risky side only, since the snapshot."""

    price_fall_bps: Bps = Bps(10_00)
    utilisation_rise_bps: Bps = Bps(10_00)
    supply_rise_bps: Bps = Bps(30_00)
    borrow_rise_bps: Bps = Bps(30_00)
    max_data_age_seconds: int = 6 * 3600


@dataclass(frozen=True, slots=True)
class Mandate:
    """The DAO's request.

    Shares are of the debt asset's supply unless the name says otherwise.  ``spread_limit_bps`` bounds
    the distance of the (f+1)-th lowest from the (f+1)-th highest bound before the window is extended.
    ``fast_price_fall_bps`` is the fall from the highest price of the trailing 24 h that an agent may
    call an extraordinary epoch for.
    """

    market: str
    schedule: tuple[Scalar, ...] = (Scalar.LIQUIDATION_THRESHOLD,)
    epoch_seconds: int = 24 * 3600
    horizon_hours: int = 24
    bad_debt_es_975_bps: Bps = Bps(5)
    reserve_breach_probability_bps: Bps = Bps(1_00)
    newly_liquidatable_bps: Bps = Bps(50)
    borrowing_power_loss_bps: Bps = Bps(10_00)
    margin_bps: Bps = Bps(5_00)
    spread_limit_bps: Bps = Bps(15_00)
    stress: tuple[StressScenario, ...] = (
        StressScenario("gap_15", Bps(15_00), Bps(BPS_ONE)),
        StressScenario("gap_10_half_depth", Bps(10_00), Bps(50_00)),
    )
    data_sources: tuple[str, ...] = ("exchange", "oracle")
    phases: PhaseSeconds = PhaseSeconds()
    freshness: FreshnessBands = FreshnessBands()
    fast_price_fall_bps: Bps = Bps(15_00)
    fast_phases: PhaseSeconds = FAST_PHASES

    def canonical(self) -> bytes:
        """Return the record as canonical JSON, the bytes whose hash is on chain."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    def scalar_of(self, epoch: int) -> Scalar:
        """Return the scalar that ``epoch`` negotiates."""
        return self.schedule[epoch % len(self.schedule)]


class Limit(StrEnum):
    """A line of the mandate; its value names it in messages and evidence."""

    BAD_DEBT_ES = "bad_debt_es_975"
    RESERVE_BREACH = "reserve_breach_probability"
    NEWLY_LIQUIDATABLE = "newly_liquidatable"
    BORROWING_POWER_LOSS = "borrowing_power_loss"
    STRESS = "stress"


@dataclass(frozen=True, slots=True)
class SimulatedOutcome:
    """What one agent's simulation says of one candidate; shares in parts per thousand million.

    ``bad_debt_es_975_nano`` is the mean of the worst 2.5 % of paths, as a share of supply;
    ``borrowing_power_nano`` the change of borrowing power, as a share of today's (negative: a loss);
    ``newly_liquidatable_nano`` debt that the change alone makes liquidatable, as a share of debt;
    ``stress_failures`` the names of scenarios with bad debt above the reserves.
    """

    value: int
    bad_debt_es_975_nano: int
    reserve_breach_nano: int
    newly_liquidatable_nano: int
    borrowing_power_nano: int
    liquidated_nano: int
    stress_failures: tuple[str, ...] = ()


def breaches(outcome: SimulatedOutcome, mandate: Mandate) -> tuple[Limit, ...]:
    """Return the limits that ``outcome`` breaks; none means that its candidate is safe.

    >>> calm = SimulatedOutcome(75_00, 0, 0, 0, 0, 0)
    >>> breaches(calm, Mandate("WETH"))
    ()
    >>> breaches(SimulatedOutcome(75_00, 600_000, 0, 0, 0, 0), Mandate("WETH"))
    (<Limit.BAD_DEBT_ES: 'bad_debt_es_975'>,)
    """
    tests = (
        (Limit.BAD_DEBT_ES, outcome.bad_debt_es_975_nano, mandate.bad_debt_es_975_bps),
        (Limit.RESERVE_BREACH, outcome.reserve_breach_nano, mandate.reserve_breach_probability_bps),
        (Limit.NEWLY_LIQUIDATABLE, outcome.newly_liquidatable_nano, mandate.newly_liquidatable_bps),
        (Limit.BORROWING_POWER_LOSS, -outcome.borrowing_power_nano, mandate.borrowing_power_loss_bps),
    )
    broken = [limit for limit, found, allowed in tests if found * BPS_ONE > int(allowed) * NANO]
    if outcome.stress_failures:
        broken.append(Limit.STRESS)
    return tuple(broken)


def safe_bound(outcomes: Sequence[SimulatedOutcome], mandate: Mandate) -> SimulatedOutcome | None:
    """Return the outcome with the largest value that meets the mandate, or ``None`` if none does.

    Raises:
        SimulationError: the values do not ascend strictly.
    """
    values = [outcome.value for outcome in outcomes]
    if values != sorted(set(values)):
        raise SimulationError("candidate values do not ascend strictly", allowed="each value once, ascending")
    safe = [outcome for outcome in outcomes if not breaches(outcome, mandate)]
    return safe[-1] if safe else None
