"""The pictures of a market as it stands: its debt, its prices, its largest accounts, its worst paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulations.studies.attribution import AccountShare, Amplification, Episode
from simulations.studies.lending import LendingStudy, cascade_terms, market_book, scene_paths
from simulations.studies.svg import INK, MILLION, WARN, Section, legend_above, percent, svg, three, usd, whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FALLS = np.arange(0, 61, 5)
FAN_LEVELS = (1, 5, 25, 50, 75, 95, 99)
SHOWN_PATHS = 2_000


def ladder_section(study: LendingStudy) -> Section:
    """Return the debt liquidatable at each fall of the price, with what the market takes at once."""
    book, terms = market_book(study, study.base), cascade_terms(study, study.base)
    trigger = book.debt[0] / (book.collateral[0] * int(study.current.liquidation_threshold_bps) / 10_000)
    struck = np.array([book.debt[0][trigger > study.start_price * (1 - f / 100)].sum() for f in FALLS])
    bonus = int(study.current.liquidation_bonus_bps) / 10_000
    absorbed = terms.liquidity.depth / 1e18 * bonus / (1 + bonus)
    passed = next((int(fall) for fall, debt in zip(FALLS, struck, strict=True) if debt > absorbed), None)

    def draw(axes: Axes) -> None:
        axes.bar(FALLS, struck / MILLION, width=3.5, color=INK)
        axes.axhline(
            absorbed / MILLION, color=WARN, linewidth=1, label="sold at once before the bonus is gone"
        )
        axes.set(xlabel="price fall, %", ylabel="debt liquidatable, million USD")
        legend_above(axes)

    reach = (
        f"A sudden fall of {passed} % makes more debt liquidatable than liquidators can sell at once with a "
        f"profit ({usd(absorbed)} USD): the rest waits, and may become bad debt."
        if passed is not None
        else f"No fall up to 60 % makes more debt liquidatable than liquidators can sell at once "
        f"({usd(absorbed)} USD)."
    )
    rows = [(f"{fall} %", whole(amount)) for fall, amount in zip(FALLS, struck, strict=True)]
    return Section("Debt within reach of a fall", reach, svg(draw), ("price fall", "debt, USD"), rows)


def fan_section(study: LendingStudy, episodes: Sequence[Episode]) -> Section:
    """Return the spread of prices, with the worst path of the study among the first."""
    paths = min(SHOWN_PATHS, study.paths)
    prices, _ = scene_paths(study, study.base, first_path=0, paths=paths)
    plain = prices[::2] if study.is_tilted(study.base) else prices
    hours = np.arange(1, study.steps + 1) * study.step_seconds / 3600
    fan = np.percentile(plain, FAN_LEVELS, axis=0)
    worst = [one for one in episodes if one.path < paths][:3]

    def draw(axes: Axes) -> None:
        for low, high in ((0, 6), (1, 5), (2, 4)):
            axes.fill_between(hours, fan[low], fan[high], color=INK, alpha=0.2, linewidth=0)
        axes.plot(hours, fan[3], color=INK, label="median")
        for place, one in enumerate(worst):
            axes.plot(
                hours,
                prices[one.path],
                color=WARN,
                linewidth=1,
                label=None if place else "paths that count most",
            )
        axes.set(xlabel="hours", ylabel=f"{study.asset}, USD")
        legend_above(axes)

    shown = np.unique(np.linspace(0, study.steps - 1, min(12, study.steps)).astype(int))
    rows = [(f"{hours[i]:g}", *(f"{value:,.2f}" for value in fan[:, i])) for i in shown]
    fall = 1 - fan[0, -1] / study.start_price
    sentence = (
        f"One path in a hundred ends {percent(fall)} lower or worse. Bands hold 50, 90 and 98 % of paths."
    )
    head = ("hour", *(f"{level} %" for level in FAN_LEVELS))
    return Section("Where the price may go", sentence, svg(draw), head, rows)


def episodes_section(episodes: Sequence[Episode]) -> Section:
    """Return the worst paths under the current parameters."""
    rows = [
        (
            str(one.path),
            percent(one.fall),
            percent(one.last_fall),
            f"{one.liquidations:,}",
            whole(one.sold_usd),
            whole(one.bad_debt_usd),
            f"{one.weight:.3f}",
        )
        for one in episodes
    ]
    worst = episodes[0]
    sentence = (
        f"On the path that counts most the price falls by {percent(worst.fall)}, {usd(worst.sold_usd)} USD "
        f"of collateral is sold, and {usd(worst.bad_debt_usd)} USD of bad debt is left."
    )
    head = ("path", "deepest fall", "fall at the end", "liquidations", "sold, USD", "bad debt, USD", "weight")
    return Section("The worst paths", sentence, None, head, rows)


def amplification_section(found: Amplification) -> Section:
    """Return what selling into a falling market adds, path by path."""
    extra = found.sold_difference.value / found.sold_without.value if found.sold_without.value else 0.0
    said = (
        "On these paths it cannot be told from chance whether sales that push the price down cause more "
        "liquidations."
        if found.sold_difference.holds_zero
        else f"Sales push the price down: {percent(abs(extra))} {'more' if extra > 0 else 'less'} is sold "
        "than if they moved no price, on the same paths."
    )
    sentence = f"{said} Liquidators also stop when slippage has eaten the bonus, which works the other way."
    rows = [
        ("collateral sold, with impact", *three(found.sold_with)),
        ("collateral sold, without", *three(found.sold_without)),
        ("difference, path by path", *three(found.sold_difference)),
        ("bad debt, difference", *three(found.bad_debt_difference)),
    ]
    return Section("How much the cascade adds", sentence, None, ("USD a path", "mean", "low", "high"), rows)


def accounts_section(accounts: Sequence[AccountShare]) -> Section:
    """Return the largest accounts' leave-one-out contributions to ES 97.5."""
    shown = list(reversed(accounts))
    values = np.array([one.contribution.value for one in shown]) / 1e3

    def draw(axes: Axes) -> None:
        axes.barh(range(len(shown)), values, color=INK)
        axes.set_yticks(range(len(shown)), [one.account for one in shown], fontsize=7)
        axes.set(xlabel="ES 97.5 of bad debt that goes away without the account, thousand USD")

    top = max(accounts, key=lambda one: one.contribution.value)
    rows = [
        (one.account, whole(one.debt_usd), f"{one.health:.3f}", *three(one.contribution)) for one in accounts
    ]
    head = ("account", "debt, USD", "health factor", "contribution, USD", "low", "high")
    said = (
        f"{top.account} matters most"
        if top.contribution.value > 0
        else "none of them brings bad debt on these paths"
    )
    sentence = (
        f"The {len(accounts)} largest debts, each left out in turn; {said}. Leave-one-out contributions do "
        "not add up to the whole. Below zero: without it others fare worse."
    )
    return Section("Largest accounts", sentence, svg(draw, height=4.4), head, rows)
