"""Monte Carlo over candidate values, with common random numbers: one set of paths for all of them.

Declared assumptions about borrowers: when the threshold moves, every borrower moves its debt
``relever_share`` of the way to the health factor that it had before.  What an LTV allows is drawn: every
borrower below it draws ``relever_share`` of the way up to it, and nobody repays because it falls: at 0 bad
debt is the book's own, and in a healthy book it never falls as the LTV rises.

Liquidators are limited by slippage (core/cascade.py).  Bad debt is what was written off, plus debt that
at the horizon is worth more than its collateral.

Statistics: expected shortfall is the mean of the worst 2.5 % of paths; its standard error follows
Manistre and Hancock 2005 (variance of the tail plus the uncertainty of the quantile).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.cascade import WAD_DECIMALS, CascadeTerms, Liquidity
from core.errors import SimulationError
from core.lending import Decimals, LiquidationRules
from core.mandate import SimulatedOutcome, StressScenario
from core.market import Parameters, Scalar, with_scalar
from core.recommendation import Observation
from core.units import BPS_ONE, NANO, PRICE_ONE, WAD
from simulations import engine

TAIL_SHARE = 0.025
DEBT_TO_WAD = 10 ** (18 - Decimals().debt)
"""A snapshot's debt amounts are base units (USDC, six decimals); simulated amounts are wad."""

SIMULATED_SCALARS = (Scalar.LIQUIDATION_THRESHOLD, Scalar.LTV, Scalar.LIQUIDATION_BONUS)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What borrowers are assumed to do when their limits move; hashed in every run."""

    relever_share: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.relever_share <= 1:
            raise SimulationError(f"relever_share was {self.relever_share}", allowed="0 to 1")


@dataclass(frozen=True, slots=True, eq=False)
class CandidateSample:
    """Bad debt of every path for every candidate, shape (candidate, path), as a share of supply."""

    values: tuple[int, ...]
    bad_debt_share: NDArray[np.float64]
    liquidated_share: NDArray[np.float64]
    outcomes: tuple[SimulatedOutcome, ...]

    def standard_errors(self) -> NDArray[np.float64]:
        """Return the standard error of each candidate's expected shortfall, as a share of supply."""
        return np.array([shortfall_error(row) for row in self.bad_debt_share])


def expected_shortfall(losses: NDArray[np.float64]) -> float:
    """Return the mean of the worst 2.5 % of ``losses`` (at least one).

    >>> expected_shortfall(np.array([0.0] * 38 + [1.0, 3.0]))
    3.0
    """
    count = max(1, int(len(losses) * TAIL_SHARE))
    return float(np.sort(losses)[-count:].mean())


def shortfall_error(losses: NDArray[np.float64]) -> float:
    """Return the standard error of :func:`expected_shortfall`."""
    count = max(1, int(len(losses) * TAIL_SHARE))
    tail = np.sort(losses)[-count:]
    share = count / len(losses)
    spread = float(tail.var()) + (1 - share) * float(tail.mean() - tail[0]) ** 2
    return float((spread / count) ** 0.5)


def simulate_candidates(
    observation: Observation,
    log_returns: NDArray[np.float64],
    candidates: Sequence[int],
    *,
    behaviour: Behaviour | None = None,
) -> tuple[SimulatedOutcome, ...]:
    """Return one outcome per candidate, all along the same paths.

    Args:
        observation: The market, its borrowers and the mandate.
        log_returns: Per step of one hour, shape (path, step); the horizon is the mandate's.
        candidates: Values of ``observation.scalar``, strictly ascending.
        behaviour: How borrowers react.

    Raises:
        SimulationError: candidates do not ascend, the scalar is not simulated, or the paths are too
            few or too short.
    """
    return sample_candidates(observation, log_returns, candidates, behaviour=behaviour).outcomes


def sample_candidates(
    observation: Observation,
    log_returns: NDArray[np.float64],
    candidates: Sequence[int],
    *,
    behaviour: Behaviour | None = None,
) -> CandidateSample:
    """Return the outcomes together with the paths' losses; see :func:`simulate_candidates`."""
    reaction = behaviour or Behaviour()
    _check(observation, log_returns, candidates)
    horizon = observation.mandate.horizon_hours
    start = observation.snapshot.oracle_price / PRICE_ONE
    prices = start * np.exp(np.cumsum(log_returns[:, :horizon], axis=1))  # (path, step)
    prices = np.maximum(np.rint(prices * PRICE_ONE), 1.0) / PRICE_ONE
    parameters = [candidate_parameters(observation, value) for value in candidates]
    book = reacted_book(observation, parameters, behaviour=reaction)
    result = _cascade(observation, prices, parameters, book=book, liquidity=observation.liquidity)
    supply = observation.snapshot.total_debt_supply * DEBT_TO_WAD / WAD
    losses = (result.bad_debt + result.uncovered) / supply  # (candidate, path)
    liquidated = result.liquidated_value / supply
    failures = _stress_failures(observation, parameters, book=book)
    outcomes = tuple(
        _outcome(observation, value, losses[row], liquidated=liquidated[row], failures=failures[row])
        for row, value in enumerate(candidates)
    )
    return CandidateSample(tuple(candidates), losses, liquidated, outcomes)


def candidate_parameters(observation: Observation, value: int) -> Parameters:
    """Return the whole vector that ``value`` of the observation's scalar leads to."""
    current = observation.snapshot.parameters
    return with_scalar(current, observation.scalar, value, margin_bps=observation.mandate.margin_bps)


def reacted_book(
    observation: Observation, parameters: Sequence[Parameters], *, behaviour: Behaviour
) -> engine.Book:
    """Return the book after borrowers have reacted, one row per candidate."""
    book = engine.book_from(observation.positions)
    wanted = _wanted_debt(observation, book, parameters)  # (candidate, position)
    debt = book.debt + behaviour.relever_share * (wanted - book.debt)
    return engine.Book(np.broadcast_to(book.collateral, debt.shape), debt)


def _wanted_debt(
    observation: Observation, book: engine.Book, parameters: Sequence[Parameters]
) -> NDArray[np.float64]:
    """Return the debts that borrowers go towards, shape (candidate, position)."""
    if observation.scalar is Scalar.LIQUIDATION_THRESHOLD:
        now = float(observation.snapshot.parameters.liquidation_threshold_bps)
        moves = np.array([p.liquidation_threshold_bps / now for p in parameters])
        return np.asarray(book.debt * moves[:, None])
    if observation.scalar is Scalar.LTV:
        worth = book.collateral * (observation.snapshot.oracle_price / PRICE_ONE)
        limits = np.array([p.ltv_bps / BPS_ONE for p in parameters])
        return np.asarray(np.maximum(book.debt, worth * limits[:, None]))
    return np.repeat(book.debt, len(parameters), axis=0)


def _check(observation: Observation, log_returns: NDArray[np.float64], candidates: Sequence[int]) -> None:
    if list(candidates) != sorted(set(candidates)) or not candidates:
        raise SimulationError("candidates do not ascend strictly", allowed="each value once, ascending")
    if observation.scalar not in SIMULATED_SCALARS:
        raise SimulationError(
            f"{observation.scalar.value} is not simulated",
            allowed=", ".join(scalar.value for scalar in SIMULATED_SCALARS),
        )
    horizon = observation.mandate.horizon_hours
    if log_returns.ndim != 2 or log_returns.shape[1] < horizon:
        raise SimulationError(f"returns had shape {log_returns.shape}", allowed=f"(path, at least {horizon})")
    if len(log_returns) < 1 / TAIL_SHARE:
        raise SimulationError(f"there were {len(log_returns)} paths", allowed="at least 40 (a tail of one)")


def _cascade(
    observation: Observation,
    prices: NDArray[np.float64],
    parameters: Sequence[Parameters],
    *,
    book: engine.Book,
    liquidity: Liquidity,
) -> engine.EngineResult:
    rules = LiquidationRules(
        parameters[0].liquidation_threshold_bps,
        parameters[0].liquidation_bonus_bps,
        observation.close_factor_bps,
        WAD_DECIMALS,
    )
    terms = CascadeTerms(rules, liquidity, observation.snapshot.total_debt_supply * DEBT_TO_WAD)
    return engine.run(
        book,
        prices,
        thresholds_bps=np.array([int(p.liquidation_threshold_bps) for p in parameters]),
        bonuses_bps=np.array([int(p.liquidation_bonus_bps) for p in parameters]),
        terms=terms,
    )


def _stress_failures(
    observation: Observation, parameters: Sequence[Parameters], *, book: engine.Book
) -> list[tuple[str, ...]]:
    """Return, per candidate, the names of the scenarios whose bad debt exceeds the reserves."""
    failures: list[list[str]] = [[] for _ in parameters]
    reserves = observation.snapshot.reserves * DEBT_TO_WAD / WAD
    for scenario in observation.mandate.stress:
        prices = _stress_path(observation, scenario)
        depth = observation.liquidity.depth * int(scenario.depth_bps) // BPS_ONE
        liquidity = Liquidity(depth, observation.liquidity.resilience)
        result = _cascade(observation, prices, parameters, book=book, liquidity=liquidity)
        for row, loss in enumerate((result.bad_debt + result.uncovered)[:, 0]):
            if loss > reserves:
                failures[row].append(scenario.name)
    return [tuple(names) for names in failures]


def _stress_path(observation: Observation, scenario: StressScenario) -> NDArray[np.float64]:
    start = observation.snapshot.oracle_price / PRICE_ONE
    fallen = start * (1 - int(scenario.price_fall_bps) / BPS_ONE)
    return np.full((1, observation.mandate.horizon_hours), fallen)


def _outcome(
    observation: Observation,
    value: int,
    losses: NDArray[np.float64],
    *,
    liquidated: NDArray[np.float64],
    failures: tuple[str, ...],
) -> SimulatedOutcome:
    snapshot = observation.snapshot
    parameters = candidate_parameters(observation, value)
    reserves = snapshot.reserves / snapshot.total_debt_supply
    power = parameters.ltv_bps / snapshot.parameters.ltv_bps - 1
    return SimulatedOutcome(
        value=value,
        bad_debt_es_975_nano=round(expected_shortfall(losses) * NANO),
        reserve_breach_nano=round(float((losses > reserves).mean()) * NANO),
        newly_liquidatable_nano=_newly_liquidatable(observation, parameters),
        borrowing_power_nano=round(power * NANO),
        liquidated_nano=round(float(liquidated.mean()) * NANO),
        stress_failures=failures,
    )


def _newly_liquidatable(observation: Observation, parameters: Parameters) -> int:
    """Return the share of debt that the change alone makes liquidatable, before anyone reacts."""
    price, now = observation.snapshot.oracle_price, observation.snapshot.parameters.liquidation_threshold_bps
    if parameters.liquidation_threshold_bps >= now:
        return 0
    total = sum(position.debt for position in observation.positions)
    struck = 0
    for position in observation.positions:
        value = position.collateral * price // PRICE_ONE
        after = value * parameters.liquidation_threshold_bps < position.debt * BPS_ONE
        before = value * now < position.debt * BPS_ONE
        struck += position.debt if after and not before else 0
    return struck * NANO // total if total else 0
