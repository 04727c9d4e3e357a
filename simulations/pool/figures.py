"""What a pool's paths say: tail figures, what each asset and each mechanic contributes.

A mechanic's contribution is the paired difference to the same paths with that mechanic off: what the figure
would lack without it.  For behaviour that no source measures this is the sweep: off is one end, the market's
setting the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.pool.account import Kind
from core.pool.terms import ENDLESS, NO_INTEREST, Drought, PoolTerms
from core.units import BPS_ONE
from simulations.pool.arrays import PoolBook
from simulations.pool.face import PoolOutcome, run_pool
from simulations.statistics.tail import Estimate, expected_shortfall, mean, probability, value_at_risk

Floats = NDArray[np.float64]
NEVER_BPS = 100 * BPS_ONE
"""A utilisation that no pool reaches."""


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """USD over the horizon; ``by_asset`` holds mean seized and mean bad debt, by the collateral's name."""

    liquidations: Estimate
    lar_95: Estimate
    lar_99: Estimate
    var_95: Estimate
    var_99: Estimate
    es_975: Estimate
    any_bad_debt: Estimate
    fees: Estimate
    interest: Estimate
    toxic: Estimate
    passed_over: Estimate
    by_asset: Mapping[str, tuple[float, float]]
    sorted_accounts: int
    listed_accounts: int
    idle_accounts: int
    checked_share: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one mechanic adds: liquidated value and bad debt, with less without it, USD."""

    mechanic: str
    liquidated: Estimate
    bad_debt: Estimate


def pool_figures(outcome: PoolOutcome, terms: PoolTerms, *, accounts: int, steps: int) -> PoolFigures:
    """Return the figures of one run."""
    lost = lost_of(outcome)
    names = [asset.name for asset in terms.assets]
    seized, written_off = outcome.seized_by_asset.mean(axis=0), outcome.bad_debt_by_asset.mean(axis=0)
    looked = float(outcome.checked.mean()) / (accounts * steps)
    return PoolFigures(
        liquidations=mean(outcome.liquidations.astype(np.float64)),
        lar_95=value_at_risk(outcome.liquidated_value, 0.95),
        lar_99=value_at_risk(outcome.liquidated_value, 0.99),
        var_95=value_at_risk(lost, 0.95),
        var_99=value_at_risk(lost, 0.99),
        es_975=expected_shortfall(lost, 0.975),
        any_bad_debt=probability(lost > 0),
        fees=mean(outcome.fees),
        interest=mean(outcome.interest),
        toxic=mean(outcome.toxic.astype(np.float64)),
        passed_over=mean(outcome.passed_over.astype(np.float64)),
        by_asset={n: (float(s), float(b)) for n, s, b in zip(names, seized, written_off, strict=True)},
        sorted_accounts=outcome.routes.sorted,
        listed_accounts=outcome.routes.listed,
        idle_accounts=outcome.routes.idle,
        checked_share=looked,
    )


def lost_of(outcome: PoolOutcome) -> Floats:
    """Return bad debt by path: written off, and what collateral no longer covers at the end."""
    return np.asarray(outcome.bad_debt + outcome.uncovered)


def switched_off(terms: PoolTerms, book: PoolBook) -> dict[str, tuple[PoolTerms, PoolBook]]:
    """Return, by mechanic that is on, the market without it."""

    def assets(**changes: object) -> PoolTerms:
        return replace(
            terms,
            assets=tuple(replace(a, **changes) for a in terms.assets),  # type: ignore[arg-type]
        )

    crowd, people = terms.liquidators, terms.borrowers
    without: dict[str, PoolTerms] = {
        "protocol fee": assets(fee_bps=0),
        "interest": assets(rates=NO_INTEREST),
        "price impact": assets(depth_usd=ENDLESS),
        "oracle lag": assets(heartbeat_steps=1, deviation_bps=0),
        "caps": assets(supply_cap=ENDLESS, borrow_cap=ENDLESS),
        "isolation": assets(isolation_ceiling_usd=ENDLESS),
        "gas": replace(terms, liquidators=replace(crowd, gas_usd=Decimal(0))),
        "late liquidators": replace(terms, liquidators=replace(crowd, delay_steps=0)),
        "limited capital": replace(terms, liquidators=replace(crowd, capital_usd=ENDLESS)),
        "drought": replace(terms, drought=Drought()),
        "leaving": without_leaving(terms),
        "liquidity freeze": replace(terms, freeze_at_bps=NEVER_BPS),
        "borrowers who look": replace(terms, borrowers=replace(people, attention_steps=0)),
    }
    found = {name: (changed, book) for name, changed in without.items() if changed != terms}
    for kind, name in ((Kind.TOPS_UP, "top-ups"), (Kind.REPAYS, "repayments"), (Kind.LOOPS, "looping")):
        if (book.kind == kind).any() and people.attention_steps:
            found[name] = (terms, without_kind(book, kind))
    if book.mode.any():
        found["e-mode"] = (terms, replace(book, mode=np.zeros_like(book.mode)))
    return found


def without_leaving(terms: PoolTerms) -> PoolTerms:
    """Return the terms under which nobody leaves."""
    return replace(
        terms, borrowers=replace(terms.borrowers, leave_per_year=Decimal(0), rate_leave=Decimal(0))
    )


def without_kind(book: PoolBook, kind: Kind) -> PoolBook:
    """Return the book with the accounts of one kind passive."""
    return replace(book, kind=np.where(book.kind == kind, int(Kind.PASSIVE), book.kind))


def contributions(
    book: PoolBook, prices: Floats, terms: PoolTerms, *, whole: PoolOutcome
) -> tuple[Contribution, ...]:
    """Return what each mechanic that is on adds, on the same paths, largest effect on liquidations first."""
    found = []
    for name, (changed, people) in switched_off(terms, book).items():
        other = run_pool(people, prices, terms=changed)
        found.append(
            Contribution(
                name,
                mean(whole.liquidated_value - other.liquidated_value),
                mean(lost_of(whole) - lost_of(other)),
            )
        )
    return tuple(sorted(found, key=lambda c: abs(c.liquidated.value), reverse=True))


def pool_record(figures: PoolFigures, parts: tuple[Contribution, ...]) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    return {"figures": asdict(figures), "mechanics": [asdict(part) for part in parts]}


def pool_text(figures: PoolFigures, parts: tuple[Contribution, ...]) -> str:
    """Return the page."""
    owing = figures.sorted_accounts + figures.listed_accounts
    lines = [
        f"routes: {figures.sorted_accounts} of {owing} accounts that owe are sorted "
        f"({figures.sorted_accounts / owing:.0%}), {figures.listed_accounts} are watched on a list; "
        f"{figures.checked_share:.1%} of health factors computed",
        "",
        f"{'USD over the horizon':<24}{'value':>14}  95 % interval",
    ]
    rows = {
        "LaR 95": figures.lar_95,
        "LaR 99": figures.lar_99,
        "VaR 95 of bad debt": figures.var_95,
        "VaR 99 of bad debt": figures.var_99,
        "ES 97.5 of bad debt": figures.es_975,
        "protocol fees": figures.fees,
        "interest": figures.interest,
        "liquidations (count)": figures.liquidations,
        "toxic calls (count)": figures.toxic,
        "passed over (count)": figures.passed_over,
    }
    for name, figure in rows.items():
        lines.append(f"{name:<24}{figure.value:>14,.0f}  [{figure.low:,.0f}, {figure.high:,.0f}]")
    likely = figures.any_bad_debt
    lines.append(f"{'P(bad debt)':<24}{likely.value:>14.2%}  [{likely.low:.2%}, {likely.high:.2%}]")
    lines += ["", f"{'collateral':<24}{'seized, mean':>14}{'bad debt, mean':>16}"]
    for name, (seized, lost) in figures.by_asset.items():
        lines.append(f"{name:<24}{seized:>14,.0f}{lost:>16,.0f}")
    if parts:
        lines += ["", "what each mechanic adds (the same paths with it less without it):", ""]
        lines.append(
            f"{'mechanic':<24}{'liquidated':>14}  {'95 % interval':<26}{'bad debt':>12}  95 % interval"
        )
    for part in parts:
        liquidated, bad = part.liquidated, part.bad_debt
        span = f"[{liquidated.low:,.0f}, {liquidated.high:,.0f}]"
        lines.append(
            f"{part.mechanic:<24}{liquidated.value:>+14,.0f}  {span:<26}{bad.value:>+12,.0f}  "
            f"[{bad.low:,.0f}, {bad.high:,.0f}]"
        )
    return "\n".join(lines)
