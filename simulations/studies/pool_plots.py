"""The pictures of a pool: whose bad debt, what mechanics add, debt within reach, behaviour at both ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulations.pool.attribution import Attribution
from simulations.pool.figures import Contribution
from simulations.pool.ladder import Ladder
from simulations.pool.sweep import Sweep
from simulations.statistics.tail import Estimate
from simulations.studies.svg import (
    GREY,
    INK,
    WARN,
    Section,
    legend_above,
    percent,
    scale_of,
    svg,
    three,
    usd,
    whole,
)

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

UNCOVERED = "not covered at the end"
LONG_NAME = 14


def assets_section(found: Attribution) -> Section:
    """Return the worst paths' bad debt by collateral, which adds up to ES 97.5."""
    total = sum(part.bad_debt.value for part in found.assets) + found.uncovered.value
    bars = [(part.asset, part.bad_debt) for part in found.assets] + [(UNCOVERED, found.uncovered)]
    top = max(found.assets, key=lambda part: part.bad_debt.value)
    lever = max(found.assets, key=lambda part: part.spared.value)
    said = (
        f"{top.asset} carries the most, {percent(top.bad_debt.value / total)} of {usd(total)} USD; with its "
        f"price held still {lever.asset} would spare the most ({usd(lever.spared.value)} USD)."
        if total > 0
        else "No path leaves bad debt, so no collateral carries any."
    )
    sentence = (
        f"Bad debt by collateral, averaged over the worst 2.5 % of paths ({found.count:,}). {said} What is "
        "written off counts for the largest collateral seized; with what is not covered at the end, the "
        "bars add up to ES 97.5. What still prices would spare does not add up."
    )
    rows = [(part.asset, *three(part.bad_debt), *three(part.spared)) for part in found.assets]
    rows.append((UNCOVERED, *three(found.uncovered), "", "", ""))
    head = ("collateral", "bad debt, USD", "low", "high", "spared if its price stood still", "low", "high")
    return Section(
        "Whose collateral fails", sentence, _bars(bars, "bad debt on the worst paths", WARN), head, rows
    )


def pool_accounts_section(found: Attribution) -> Section:
    """Return what the largest debts add to the worst paths, each left out in turn."""
    bars = [(_short(part.account), part.spared) for part in found.accounts]
    top = max(found.accounts, key=lambda part: part.spared.value)
    said = (
        f"without {_short(top.account)} these paths would leave {usd(top.spared.value)} USD less"
        if top.spared.value > 0
        else "none of them adds bad debt on these paths"
    )
    sentence = (
        f"The {len(found.accounts)} largest debts, the largest on top, each left out in turn on the worst "
        f"{found.count:,} paths: {said}. Such differences do not add up. Below zero: without it others fare "
        "worse."
    )
    rows = [(p.account, whole(p.debt_usd), f"{p.health:.3f}", *three(p.spared)) for p in found.accounts]
    head = ("account", "debt, USD", "health factor", "bad debt that goes away, USD", "low", "high")
    picture = _bars(bars, "bad debt that goes away without the account", INK)
    return Section("Largest accounts", sentence, picture, head, rows)


def mechanics_sections(parts: Sequence[Contribution]) -> list[Section]:
    """Return what each mechanic adds to what is liquidated, and to bad debt."""
    liquidated = [(part.mechanic, part.liquidated) for part in parts]
    lost = sorted(((p.mechanic, p.bad_debt) for p in parts), key=lambda bar: -abs(bar[1].value))
    return [
        _mechanics("What each mechanic adds to liquidations", "collateral liquidated", liquidated),
        _mechanics("What each mechanic adds to bad debt", "bad debt", lost),
    ]


def _mechanics(title: str, what: str, bars: Sequence[tuple[str, Estimate]]) -> Section:
    sure = [(name, found) for name, found in bars if not found.holds_zero]
    said = (
        f"The largest that chance does not explain is {sure[0][0]} ({usd(sure[0][1].value)} USD)."
        if sure
        else "On these paths none can be told from chance."
    )
    sentence = (
        f"Mean {what} over all paths, with each mechanic less without it, on the same paths. {said} Grey: "
        "the interval holds zero."
    )
    rows = [(name, *three(found)) for name, found in bars]
    picture = _bars(bars, f"added to {what}", INK, doubtful=GREY)
    return Section(title, sentence, picture, ("mechanic", "USD a path", "low", "high"), rows)


def pool_ladder_section(found: Ladder) -> Section:
    """Return the debt liquidatable when prices fall together, with what sells at once."""
    falls = found.falls_bps / 100
    is_endless = not np.isfinite(found.sold_usd).all()
    unit, name = scale_of([*found.debt_usd.tolist()])

    def draw(axes: Axes) -> None:
        axes.bar(falls, found.debt_usd / unit, width=3.5, color=INK, label="debt that can be liquidated")
        if not is_endless:
            axes.step(falls, found.sold_usd / unit, where="mid", color=WARN, label="sold at once at a gain")
        axes.set(xlabel=f"sudden fall of {_listed(found.falling)}, %", ylabel=name)
        legend_above(axes)

    passed = found.passed_bps
    if is_endless:
        said = "The market's depth is endless in these terms, so that no fall outruns liquidators."
    elif passed is None:
        said = "No fall up to 60 % strikes more debt than liquidators can sell at once at a gain."
    else:
        sold = float(found.sold_usd[found.falls_bps == passed][0])
        said = (
            f"A sudden fall of {passed / 100:g} % strikes more debt than liquidators can sell at once at a "
            f"gain ({usd(sold)} USD over all assets): the rest waits, and may become bad debt."
        )
    still = f" {_listed(found.still)} stand still." if found.still else ""
    sentence = f"{said} {_listed(found.falling)} fall together.{still}"
    rows = [
        (f"{fall:g} %", whole(debt), "endless" if is_endless else whole(sold))
        for fall, debt, sold in zip(falls, found.debt_usd, found.sold_usd, strict=True)
    ]
    head = ("fall", "debt that can be liquidated, USD", "sold at once at a gain, USD")
    return Section("Debt within reach of a fall", sentence, svg(draw), head, rows)


def sweep_section(found: Sweep, given: Estimate) -> Section:
    """Return both ends of behaviour without a source, against the market as given."""
    bars = [(f"{end.behaviour}: {end.setting}", end.es_975) for end in found.ends]
    untold = f" Not swept: {'; '.join(found.untold)}." if found.untold else ""
    telling = [end for end in found.ends if not end.change.holds_zero]
    said = (
        "Beyond chance it changes with " + "; ".join(f"{e.behaviour} ({e.setting})" for e in telling)
        if telling
        else "No end changes it beyond chance"
    )
    sentence = (
        f"Nobody has measured how borrowers behave, so each behaviour is put to both ends. As given, "
        f"the worst 2.5 % of paths leave {usd(given.value)} USD of bad debt on average. {said}.{untold}"
    )
    rows = [
        (
            end.behaviour,
            end.setting,
            whole(end.lar_95.value),
            *three(end.es_975),
            percent(end.any_bad_debt.value),
            *three(end.change),
        )
        for end in found.ends
    ]
    head = ("behaviour", "end", "LaR 95, USD", "ES 97.5, USD", "low", "high", "chance of bad debt")
    picture = _bars(bars, "bad debt on the worst 2.5 % of paths", WARN, mark=given.value)
    return Section(
        "What borrowers may do", sentence, picture, (*head, "change of ES 97.5", "low", "high"), rows
    )


def _bars(
    bars: Sequence[tuple[str, Estimate]],
    what: str,
    colour: str,
    *,
    doubtful: str | None = None,
    mark: float | None = None,
) -> Markup:
    """Draw estimates as bars with their intervals, the first on top."""
    shown = list(reversed(bars))
    unit, name = scale_of([end for _, found in bars for end in (found.value, found.low, found.high)])
    values = np.array([found.value for _, found in shown]) / unit
    ends = np.array([(max(0.0, f.value - f.low), max(0.0, f.high - f.value)) for _, f in shown]).T / unit
    colours = [doubtful if doubtful and found.holds_zero else colour for _, found in shown]

    def draw(axes: Axes) -> None:
        places = np.arange(len(shown))
        axes.barh(places, values, color=colours, alpha=0.65, height=0.6)
        axes.errorbar(values, places, xerr=ends, fmt="none", ecolor="0.15", elinewidth=1, capsize=2)
        axes.set_yticks(places, [label for label, _ in shown])
        axes.axvline(0.0, color="0.3", linewidth=0.8)
        if mark is not None:
            axes.axvline(mark / unit, color="0.15", linewidth=1, linestyle="--", label="as given")
            legend_above(axes)
        axes.set(xlabel=f"{what}, {name}")

    return svg(draw, height=max(2.0, 0.9 + 0.24 * len(shown)))


def _short(name: str) -> str:
    return name if len(name) <= LONG_NAME else f"{name[:6]}…{name[-4:]}"


def _listed(names: Sequence[str]) -> str:
    """Return names as people say them."""
    if len(names) < 2:
        return names[0] if names else "nothing"
    return f"{', '.join(names[:-1])} and {names[-1]}"
