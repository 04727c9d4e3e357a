"""Why, in words: a template writes it, or a language model when one is configured.

No language model decides a number (ARCHITECTURE.md, decision 7).  It gets the figures that the bundle
holds and writes about them; a text with any other figure is refused, and the template's stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import ConfigError
from core.recommendation import Observation, Recommendation
from core.units import NANO, Bps

MAX_CHARACTERS = 1_200
TIMEOUT_SECONDS = 20.0
FIGURE = re.compile(r"\d+(?:[.,]\d+)*")

INSTRUCTIONS = (
    "You explain one risk recommendation to token holders in at most four plain sentences. "
    "Use only the figures that you are given, written exactly as they are given. "
    "Do not round, convert or add figures. Do not advise how to vote."
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The text, who wrote it (``template`` or a model's name), and why a model's text was refused."""

    text: str
    author: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """Which chat model writes, for LangChain's ``init_chat_model``; an empty name means the template."""

    model: str = ""
    base_url: str = ""


def figures_of(observation: Observation, recommendation: Recommendation) -> dict[str, str]:
    """Return the figures that a text may use, as they stand in the bundle."""
    current = observation.snapshot.parameters.field(recommendation.scalar)
    figures = {
        "market": observation.snapshot.market,
        "parameter": recommendation.scalar.value.removesuffix("_bps").replace("_", " "),
        "current value": str(Bps(current)),
        "largest safe value": "none" if recommendation.bound is None else str(Bps(recommendation.bound)),
        "limit that stops it": ", ".join(limit.value for limit in recommendation.binding) or "none",
        "simulated paths": str(observation.paths),
        "hours ahead": str(observation.mandate.horizon_hours),
        "bars of history": str(len(observation.history)),
    }
    chosen = next((o for o in recommendation.outcomes if o.value == recommendation.bound), None)
    if chosen is not None:
        share = f"{chosen.bad_debt_es_975_nano * 100 / NANO:.4f} %"
        figures["expected shortfall of bad debt, share of supply"] = share
        figures["borrowing power against today"] = f"{chosen.borrowing_power_nano * 100 / NANO:.2f} %"
    return figures


def template(figures: Mapping[str, str]) -> str:
    """Return the deterministic explanation.

    >>> print(template({"market": "WETH", "parameter": "ltv", "current value": "70.00 %",
    ...     "largest safe value": "none", "limit that stops it": "none", "simulated paths": "400",
    ...     "hours ahead": "24", "bars of history": "900"}))
    WETH: no ltv meets the mandate over 400 simulated paths of 24 hours (900 bars of history); now 70.00 %.
    """
    basis = (
        f"over {figures['simulated paths']} simulated paths of {figures['hours ahead']} hours "
        f"({figures['bars of history']} bars of history)"
    )
    head, now = f"{figures['market']}: ", f"now {figures['current value']}"
    if figures["largest safe value"] == "none":
        return f"{head}no {figures['parameter']} meets the mandate {basis}; {now}."
    text = f"{head}{figures['parameter']} is safe up to {figures['largest safe value']} {basis}; {now}."
    shortfall = figures.get("expected shortfall of bad debt, share of supply")
    if shortfall is not None:
        text += f" Expected shortfall of bad debt there: {shortfall} of supply."
    if figures["limit that stops it"] != "none":
        text += f" What stops a larger value: {figures['limit that stops it']}."
    return text


def foreign_figures(text: str, figures: Mapping[str, str]) -> list[str]:
    """Return the figures in ``text`` that the bundle does not hold.

    >>> foreign_figures("safe up to 75.50 %, or 80", {"largest safe value": "75.50 %"})
    ['80']
    """
    known = {number for value in figures.values() for number in FIGURE.findall(value)}
    return [number for number in FIGURE.findall(text) if number.rstrip(".,") not in known]


def explain(figures: Mapping[str, str], settings: ChatSettings) -> Explanation:
    """Return the explanation; the template's whenever no model is configured or its text is refused."""
    if not settings.model:
        return Explanation(template(figures), "template")
    try:
        text = _ask(figures, settings)
    except ConfigError:
        raise
    except Exception as error:  # a provider's client may raise anything; the decision does not wait for it
        return Explanation(template(figures), "template", f"{settings.model}: {type(error).__name__}")
    foreign = foreign_figures(text, figures)
    if foreign:
        refused = f"{settings.model} wrote figures that the evidence does not hold: {', '.join(foreign[:5])}"
        return Explanation(template(figures), "template", refused)
    if not text or len(text) > MAX_CHARACTERS:
        return Explanation(template(figures), "template", f"{settings.model} wrote {len(text)} characters")
    return Explanation(text, settings.model)


def _ask(figures: Mapping[str, str], settings: ChatSettings) -> str:
    """Return what the configured chat model writes about the figures."""
    from langchain.chat_models import init_chat_model

    options: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "max_retries": 1}
    if settings.base_url:
        options["base_url"] = settings.base_url
    try:
        model = init_chat_model(settings.model, **options)
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"chat model {settings.model!r} cannot be used: {error}",
            allowed="provider:model, with the provider's package installed",
            hint="pip install 'tribunate[openai]', or leave chat_model out",
        ) from error
    facts = "\n".join(f"{name}: {value}" for name, value in figures.items())
    answer = model.invoke([("system", INSTRUCTIONS), ("human", facts)])
    return str(answer.content).strip()
