"""What a study says: each candidate's tail figures, and its paired difference to the current value.

Names with quantile and horizon: LaR is the value liquidated, VaR and ES are bad debt (written off, and debt
that its collateral no longer covers at the end).  Every figure carries its Monte Carlo interval; what the
model leaves out is another error, which no number of paths makes smaller.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulations.statistics.tail import Estimate, expected_shortfall, mean, probability, value_at_risk
from simulations.studies.lending import LendingStudy


@dataclass(frozen=True, slots=True)
class CandidateFigures:
    """One candidate; amounts in USD over the study's horizon."""

    threshold_bps: int
    lar_95: Estimate
    lar_99: Estimate
    var_95: Estimate
    var_99: Estimate
    es_975: Estimate
    any_bad_debt: Estimate
    beyond_reserves: Estimate
    interest: Estimate
    borrowers_loss: Estimate
    liquidations: Estimate
    bad_debt_less_current: Estimate

    @property
    def verdict(self) -> str:
        """What the paired difference of mean bad debt says: "no change" while its interval holds zero."""
        if self.bad_debt_less_current.holds_zero:
            return "no change"
        return "more bad debt" if self.bad_debt_less_current.value > 0 else "less bad debt"


def study_figures(study: LendingStudy, table: pa.Table) -> tuple[CandidateFigures, ...]:
    """Return the figures of every candidate, in the study's order."""
    rows = np.stack(_rows_by_candidate(study, table))  # (candidate, path)
    columns = {name: table.column(name).to_numpy().astype(np.float64)[rows] for name in table.column_names}
    lost = columns["bad_debt"] + columns["uncovered"]
    paid = columns["liquidated_value"] - columns["repaid"]
    current = lost[study.candidates_bps.index(study.current_bps)]
    return tuple(
        CandidateFigures(
            threshold_bps=threshold,
            lar_95=value_at_risk(columns["liquidated_value"][i], 0.95),
            lar_99=value_at_risk(columns["liquidated_value"][i], 0.99),
            var_95=value_at_risk(lost[i], 0.95),
            var_99=value_at_risk(lost[i], 0.99),
            es_975=expected_shortfall(lost[i], 0.975),
            any_bad_debt=probability(lost[i] > 0),
            beyond_reserves=probability(lost[i] > study.reserves_usd),
            interest=mean(columns["interest"][i]),
            borrowers_loss=mean(paid[i]),
            liquidations=mean(columns["liquidations"][i]),
            bad_debt_less_current=mean(lost[i] - current),
        )
        for i, threshold in enumerate(study.candidates_bps)
    )


def figures_record(figures: tuple[CandidateFigures, ...]) -> list[dict[str, Any]]:
    """Return what ``--json`` prints."""
    return [{**asdict(found), "verdict": found.verdict} for found in figures]


def figures_text(study: LendingStudy, figures: tuple[CandidateFigures, ...]) -> str:
    """Return the page: one row a candidate, intervals below each figure's name."""
    hours = study.steps * study.step_seconds / 3600
    lines = [
        f"{study.asset}, {study.paths:,} paths of {hours:g} h in {study.steps} steps, seed {study.seed}",
        f"book: {study.borrowers:,} borrowers, {study.debt_usd:,} USD of debt, {study.assumptions}; "
        f"reserves {study.reserves_usd:,.0f} USD",
        "",
        f"{'threshold':>10}{'LaR 95':>14}{'VaR 99':>14}{'ES 97.5 of bad debt':>36}{'P(bad debt)':>26}"
        f"{'bonus paid':>14}  against now",
    ]
    for found in figures:
        mark = " now" if found.threshold_bps == study.current_bps else found.verdict
        es, likely = found.es_975, found.any_bad_debt
        lines.append(
            f"{found.threshold_bps / 100:>8.2f} %{found.lar_95.value:>14,.0f}{found.var_99.value:>14,.0f}"
            f"{es.value:>14,.0f} [{es.low:>8,.0f}, {es.high:>9,.0f}]"
            f"{likely.value:>9.2%} [{likely.low:.2%}, {likely.high:.2%}]"
            f"{found.borrowers_loss.value:>14,.0f}  {mark.strip()}"
        )
    lines += [
        "",
        "USD over the horizon; 95 % Monte Carlo intervals. Model error comes on top: the book is assumed,",
    ]
    lines += ["borrowers do nothing, and the path model is GARCH(1,1)-t."]
    return "\n".join(lines)


def _rows_by_candidate(study: LendingStudy, table: pa.Table) -> list[NDArray[np.int64]]:
    """Return the rows of each candidate, in the order of their paths."""
    candidates, paths = table.column("candidate_bps").to_numpy(), table.column("path").to_numpy()
    ordered = np.argsort(paths, kind="stable")
    return [ordered[candidates[ordered] == threshold] for threshold in study.candidates_bps]
