"""What a study says: each candidate's tail figures, and its paired difference to the market as it stands.

Names with quantile and horizon: LaR is the value liquidated, VaR and ES are bad debt (written off, and debt
that its collateral no longer covers at the end).  Every figure carries its Monte Carlo interval; what the
model leaves out is another error (``model_error.py``), which no number of paths makes smaller.

The intervals of the differences hold for all candidates together (Bonferroni), so that the best of many does
not look good by chance alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.errors import SimulationError
from core.market import Parameters
from simulations.candidates.objective import (
    Sample,
    Scales,
    ScoreWeights,
    harm_of,
    outcome_of,
    revenue_of,
    scales_of,
    score_per_path,
)
from simulations.candidates.reaction import borrowing_power
from simulations.statistics.tail import (
    CONFIDENCE,
    Estimate,
    expected_shortfall,
    mean,
    probability,
    value_at_risk,
)
from simulations.studies.lending import LendingStudy, scene_book
from simulations.studies.scenes import Scene

Array = NDArray[np.float64]

FEWEST_LOSING = 30
THIN = (
    "Few or no paths leave bad debt: its intervals are too narrow here; importance sampling sees more of it."
)


@dataclass(frozen=True, slots=True)
class CandidateFigures:
    """One candidate; amounts in USD over the study's horizon, ``score`` in shares (see ``objective``)."""

    name: str
    parameters: Parameters
    lar_95: Estimate
    lar_99: Estimate
    var_95: Estimate
    var_99: Estimate
    es_975: Estimate
    any_bad_debt: Estimate
    beyond_reserves: Estimate
    revenue: Estimate
    borrowing_power: float
    bonus_paid: Estimate
    collateral_sold: Estimate
    harm: Estimate
    liquidations: Estimate
    bad_debt_less_current: Estimate
    score: Estimate

    @property
    def verdict(self) -> str:
        """What the score says: "no change" while its interval holds zero."""
        if self.score.holds_zero:
            return "no change"
        return "better" if self.score.value > 0 else "worse"


@dataclass(frozen=True, slots=True, eq=False)
class SceneRows:
    """The rows of one scene as arrays of shape (candidate, path); ``weights`` of shape (path,) or none."""

    columns: dict[str, Array]
    weights: Array | None
    start_price: float

    @property
    def bad_debt(self) -> Array:
        """Written off, and uncovered at the horizon."""
        return self.columns["bad_debt"] + self.columns["uncovered"]

    @property
    def bonus_paid(self) -> Array:
        """What borrowers lost to liquidators and protocol."""
        return self.columns["liquidated_value"] - self.columns["repaid"]

    @property
    def harm(self) -> Array:
        """What liquidations cost borrowers; see ``objective.harm_of``."""
        columns = self.columns
        return harm_of(
            columns["repaid"],
            columns["liquidated_value"],
            coins=columns["seized"],
            last_price=columns["last_price"],
            start_price=self.start_price,
        )

    def samples(self, power: Array) -> list[Sample]:
        """Return what the objective needs of every candidate; ``power`` of shape (candidate,)."""
        columns = self.columns
        revenue = revenue_of(columns["interest"], columns["repaid"], columns["liquidated_value"])
        lost, harm = self.bad_debt, self.harm
        return [
            Sample(revenue[row], lost[row], harm[row], float(power[row]), self.weights)
            for row in range(len(lost))
        ]


def scene_rows(study: LendingStudy, table: pa.Table, scene: Scene) -> SceneRows:
    """Return one scene's rows, paths ascending, whatever their order in the table.

    Raises:
        SimulationError: they are not the rows of this study, such as those of another version.
    """
    number = study.scenes.index(scene)
    part = table.filter(pc.equal(table.column("scene"), number))
    part = part.sort_by([("candidate", "ascending"), ("path", "ascending")])
    shape = (len(study.candidates), study.paths_of(scene))
    if part.num_rows != shape[0] * shape[1]:
        raise SimulationError(
            f"scene {scene.name} has {part.num_rows} rows",
            allowed=f"{shape[0]} candidates x {shape[1]} paths",
            hint="the run is of another version: run it again",
        )
    columns = {
        name: part.column(name).to_numpy().astype(np.float64).reshape(shape)
        for name in part.column_names
        if name not in ("scene", "candidate")
    }
    weights = columns["weight"][0] if study.is_tilted(scene) else None
    return SceneRows(columns, weights, study.start_price)


def study_figures(
    study: LendingStudy,
    table: pa.Table,
    *,
    scene: Scene | None = None,
    weights: ScoreWeights | None = None,
    scales: Scales | None = None,
) -> tuple[CandidateFigures, ...]:
    """Return the figures of every candidate in one scene (the base), in the study's order.

    ``scales`` are those of the scene's current parameters unless given.
    """
    chosen, kind = scene or study.base, weights or ScoreWeights()
    rows = scene_rows(study, table, chosen)
    vectors = [candidate.parameters for candidate in study.candidates]
    power = borrowing_power(scene_book(study, chosen, vectors), vectors, price=study.start_price)
    samples = rows.samples(power)
    ruler = scales or scales_of(outcome_of(samples[0]), supply_usd=study.supply_usd)
    comparisons = max(1, len(vectors) - 1)
    found = []
    for row, candidate in enumerate(study.candidates):
        scores = score_per_path(samples[row], samples[0], scales=ruler, weights=kind)
        found.append(
            CandidateFigures(
                name=candidate.name,
                parameters=candidate.parameters,
                **_tails(study, rows, row),
                revenue=mean(samples[row].revenue, weights=rows.weights),
                borrowing_power=float(power[row]),
                bad_debt_less_current=_joint(rows.bad_debt[row] - rows.bad_debt[0], rows, comparisons),
                score=_joint(scores, rows, comparisons),
            )
        )
    return tuple(found)


def _tails(study: LendingStudy, rows: SceneRows, row: int) -> dict[str, Estimate]:
    weights, lost = rows.weights, rows.bad_debt[row]
    sold = rows.columns["liquidated_value"][row]
    return {
        "lar_95": value_at_risk(sold, 0.95, weights=weights),
        "lar_99": value_at_risk(sold, 0.99, weights=weights),
        "var_95": value_at_risk(lost, 0.95, weights=weights),
        "var_99": value_at_risk(lost, 0.99, weights=weights),
        "es_975": expected_shortfall(lost, 0.975, weights=weights),
        "any_bad_debt": probability(lost > 0, weights=weights),
        "beyond_reserves": probability(lost > study.reserves_usd, weights=weights),
        "bonus_paid": mean(rows.bonus_paid[row], weights=weights),
        "collateral_sold": mean(sold, weights=weights),
        "harm": mean(rows.harm[row], weights=weights),
        "liquidations": mean(rows.columns["liquidations"][row], weights=weights),
    }


def _joint(differences: Array, rows: SceneRows, comparisons: int) -> Estimate:
    """Return a mean difference with an interval that holds for all comparisons together (Bonferroni)."""
    if not differences.any():
        return Estimate(0.0, 0.0, 0.0)
    confidence = 1 - (1 - CONFIDENCE) / comparisons
    found = mean(differences, weights=rows.weights, confidence=confidence)
    return replace(found, low=2 * found.value - found.high)


def figures_record(figures: tuple[CandidateFigures, ...]) -> list[dict[str, Any]]:
    """Return what ``--json`` prints."""
    return [
        {**asdict(found), "parameters": found.parameters.as_dict(), "verdict": found.verdict}
        for found in figures
    ]


def figures_table(figures: tuple[CandidateFigures, ...]) -> pa.Table:
    """Return one row a candidate, each figure as three columns: value, low, high."""
    rows = []
    for found in figures:
        flat: dict[str, Any] = {"name": found.name, **found.parameters.as_dict(), "verdict": found.verdict}
        for name, value in asdict(found).items():
            if name in ("name", "parameters"):
                continue
            if isinstance(value, dict):
                flat |= {name: value["value"], f"{name}_low": value["low"], f"{name}_high": value["high"]}
            else:
                flat[name] = value
        rows.append(flat)
    return pa.Table.from_pylist(rows)


def figures_text(study: LendingStudy, figures: tuple[CandidateFigures, ...]) -> str:
    """Return the page: the verdict first, then one row a candidate."""
    lines = [
        f"{study.asset}, {study.paths:,} paths of {study.hours:g} h in {study.steps} steps, "
        f"seed {study.seed}, tail {study.tail}",
        f"book: {study.borrowers:,} borrowers, {study.debt_usd:,} USD of debt, {study.base.book}; "
        f"reserves {study.reserves_usd:,.0f} USD",
        "routes: one collateral and one debt each, so 100 % of accounts are sorted and none is watched",
        "",
        f"{'candidate':<14}{'LTV / threshold / bonus':>26}{'LaR 95':>14}{'ES 97.5 of bad debt':>36}"
        f"{'P(bad debt)':>26}{'revenue':>10}{'harm':>12}  against now",
    ]
    lines += [_text_row(found) for found in figures]
    lines += [""]
    if is_thin(study, figures[0]):
        lines += [THIN]
    lines += [
        "USD over the horizon; 95 % Monte Carlo intervals, the last column's for all candidates together.",
        "Model error comes on top: the book is assumed; `--html` has the spread over models and assumptions.",
    ]
    return "\n".join(lines)


def is_thin(study: LendingStudy, now: CandidateFigures) -> bool:
    """Return whether so few plain paths lose that the interval of their shortfall cannot be trusted."""
    return not study.is_tilted(study.base) and now.any_bad_debt.value * study.paths < FEWEST_LOSING


def vector_text(parameters: Parameters) -> str:
    """Return LTV, threshold and bonus in percent.

    >>> from core.units import Bps
    >>> vector_text(Parameters(Bps(70_00), Bps(75_50), Bps(5_00), 0, 0))
    '70.00 / 75.50 / 5.00 %'
    """
    values = (parameters.ltv_bps, parameters.liquidation_threshold_bps, parameters.liquidation_bonus_bps)
    return " / ".join(f"{int(value) / 100:.2f}" for value in values) + " %"


def _text_row(found: CandidateFigures) -> str:
    es, likely = found.es_975, found.any_bad_debt
    return (
        f"{found.name:<14.14}{vector_text(found.parameters):>26}{found.lar_95.value:>14,.0f}"
        f"{es.value:>14,.0f} [{es.low:>8,.0f}, {es.high:>9,.0f}]"
        f"{likely.value:>9.2%} [{likely.low:.2%}, {likely.high:.2%}]"
        f"{found.revenue.value:>10,.0f}{found.harm.value:>12,.0f}  "
        f"{found.verdict} {found.score.value:+.3f} [{found.score.low:+.3f}, {found.score.high:+.3f}]"
    )
