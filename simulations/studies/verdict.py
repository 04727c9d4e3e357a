"""What a study comes to, in one sentence for somebody with two minutes.

A candidate is recommended only if its score is better beyond Monte Carlo error on the base scene and at both
ends of what borrowers may do (nothing, or re-lever), and no path model, book or reaction calls it worse.
Otherwise: no change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.market import Parameters
from simulations.studies.figures import CandidateFigures
from simulations.studies.model_error import SceneFigures
from simulations.studies.price_terms import BASE
from simulations.studies.scenes import Scene
from simulations.studies.svg import usd

FIELDS = (
    ("liquidation threshold", "liquidation_threshold_bps"),
    ("LTV", "ltv_bps"),
    ("liquidation bonus", "liquidation_bonus_bps"),
    ("supply cap", "supply_cap"),
    ("borrow cap", "borrow_cap"),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``headline`` in one sentence, ``reasons`` in a few, ``chosen`` the candidate's name or ``None``."""

    headline: str
    reasons: tuple[str, ...]
    chosen: str | None


def verdict_of(
    figures: Sequence[CandidateFigures], scenes: Sequence[SceneFigures] = (), *, base: Scene
) -> Verdict:
    """Return the verdict over the figures of the base scene; the first is the market as it stands."""
    now = figures[0]
    better = [found for found in figures[1:] if found.verdict == "better"]
    doubted = {found.name: _doubts(found.name, scenes, base) for found in better}
    sure = [found for found in better if not doubted[found.name]]
    if sure:
        best = max(sure, key=lambda found: found.score.value)
        return Verdict(f"Change: {moves(now.parameters, best.parameters)}.", _reasons(now, best), best.name)
    if better:
        best = max(better, key=lambda found: found.score.value)
        reasons = (
            f'The candidate "{best.name}" looks better under the main assumptions, but not under '
            f"{_counted(doubted[best.name], scenes)}: a claim that hangs on an assumption is no reason to "
            "act.",
            f"It would {moves(now.parameters, best.parameters)}.",
            _today(now),
        )
        return Verdict("No change.", reasons, None)
    reason = "No candidate is better than the market as it stands by more than Monte Carlo error."
    return Verdict("No change.", (reason, _today(now)), None)


def moves(before: Parameters, after: Parameters) -> str:
    """Return what changes, in words.

    >>> from core.units import Bps
    >>> now = Parameters(Bps(70_00), Bps(75_00), Bps(5_00), 10, 10)
    >>> moves(now, Parameters(Bps(70_00), Bps(75_50), Bps(5_00), 10, 13))
    'raise the liquidation threshold from 75.00 % to 75.50 %, raise the borrow cap from 10 to 13'
    """
    said = []
    for words, name in FIELDS:
        old, new = int(getattr(before, name)), int(getattr(after, name))
        if old == new:
            continue
        verb = "raise" if new > old else "lower"
        ends = [f"{value / 100:.2f} %" if name.endswith("_bps") else f"{value:,}" for value in (old, new)]
        said.append(f"{verb} the {words} from {ends[0]} to {ends[1]}")
    return ", ".join(said) or "nothing"


def _doubts(name: str, scenes: Sequence[SceneFigures], base: Scene) -> list[str]:
    """Return the scenes that call a candidate worse, and the reactions under which it is not better."""
    said = [(one.scene, found.verdict) for one in scenes for found in one.figures if found.name == name]
    return [
        scene.name
        for scene, verdict in said
        if verdict == "worse" or (verdict != "better" and scene.prices == BASE and scene.book == base.book)
    ]


def _reasons(now: CandidateFigures, best: CandidateFigures) -> tuple[str, ...]:
    revenue = best.revenue.value - now.revenue.value
    power = best.borrowing_power - now.borrowing_power
    harm = best.harm.value - now.harm.value
    return (
        f"On the worst 2.5 % of paths bad debt averages {usd(best.es_975.value)} USD, against "
        f"{usd(now.es_975.value)} now.",
        f"Revenue {_more(revenue)}, borrowing power {_more(power)}, what liquidations cost borrowers "
        f"{_more(harm)}, on average over the horizon.",
        f"Score {best.score.value:+.3f}, {best.score.low:+.3f} to {best.score.high:+.3f} with all candidates "
        "compared at once.",
    )


def _today(now: CandidateFigures) -> str:
    return (
        f"As it stands, bad debt averages {usd(now.es_975.value)} USD on the worst 2.5 % of paths, and "
        f"liquidations cost borrowers {usd(now.harm.value)} USD on average."
    )


def _more(amount: float) -> str:
    if abs(amount) < 0.5:
        return "stays"
    return f"{'rises' if amount > 0 else 'falls'} by {usd(abs(amount))} USD"


def _counted(doubts: Sequence[str], scenes: Sequence[SceneFigures]) -> str:
    return (
        f"{len(doubts)} of {len(scenes)} combinations of price model, book and what borrowers do "
        f"(such as: {doubts[0]})"
    )
