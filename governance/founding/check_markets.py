"""Whether the governed protocol, the adapter and its markets stand as a plan says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.errors import ConfigError
from core.guardrails import DEFAULT_LIMITS, EMODE_LIMITS
from core.market import PARAMETER_FIELDS, Scalar
from governance.founding.comparison import Line
from governance.founding.dao import GovernedMarket
from governance.founding.demo import DemoStart
from governance.founding.from_plan import resolved_markets
from governance.founding.reading import Reading
from governance.founding.sealing import NOBODY
from governance.reader import limits_from

DEMO_DECIMALS = (("collateral_token", 18), ("debt_token", 6))
ENTRANCES = (("governor", "governor"), ("fastLane", "fast_lane"))
RULES = (
    "margin_bps",
    "newly_liquidatable_bps",
    "price_fall_bps",
    "utilisation_rise_bps",
    "supply_rise_bps",
    "borrow_rise_bps",
)


def market_lines(read: Reading) -> Iterator[Line]:
    """Yield protocol, adapter, and each market with its limits."""
    yield from _protocol(read)
    yield from _adapter(read)
    for market in resolved_markets(read.plan, dict(read.at)):
        yield from _market(read, market)


def _protocol(read: Reading) -> Iterator[Line]:
    start, at = read.plan.protocol, read.at
    if not isinstance(start, DemoStart):
        try:
            start.require_ready(read.client, read.plan.markets)
        except ConfigError as error:
            yield Line("the protocol that the file names", "stands", error.found)
            return
        for role, address in start.record(read.client, read.plan.markets).items():
            yield Line(f"{role} of the deployment record", address, at[role])
        yield from start.adapter_lines(read.client, read.contract("adapter"))
        for market in read.plan.markets:
            yield from start.lines(read.client, read.contract("adapter"), market)
        return
    yield read.line(at["adapter"], "market", "configurator")
    yield read.line(at["oracle"], "market", "oracle")
    yield read.line(at["collateral_token"], "market", "collateralToken")
    yield read.line(at["debt_token"], "market", "debtToken")
    yield read.line(int(start.close_factor_bps), "market", "closeFactorBps")
    yield read.line(start.reporter, "oracle", "reporter")
    for role, decimals in DEMO_DECIMALS:
        yield read.line(decimals, role, "decimals")
    yield read.line(at["market"], "adapter", "market")
    values = dict(zip(PARAMETER_FIELDS, _plain(read.ask("market", "parameters")), strict=True))
    for name, value in start.parameters.as_dict().items():
        yield Line(f"market {name}", int(value), values[name])


def _adapter(read: Reading) -> Iterator[Line]:
    at, plan = read.at, read.plan
    for name, role in (("limits", "limits"), ("sample", "sample"), *ENTRANCES):
        yield read.line(at[role], "adapter", name)
    keys = [market.key for market in resolved_markets(plan, dict(at))]
    yield read.line(keys, "adapter", "markets")
    for role, event, name in (
        ("gate", "AdapterSet", "adapterOf"),
        ("limits", "MarketOpened", "recorderOf"),
    ):
        found = read.set_since("market", role, event, name)
        yield Line(f"markets of the {role}", sorted(keys), [key for key in found if found[key] != NOBODY])
    yield read.line(plan.charter.delegate or NOBODY, "limits", "delegate")


def _market(read: Reading, market: GovernedMarket) -> Iterator[Line]:
    key, adapter = market.key, read.at["adapter"]
    yield Line(f"adapter of {key}", adapter, read.ask("gate", "adapterOf", key))
    yield Line(f"recorder of {key}", adapter, read.ask("limits", "recorderOf", key))
    margin, newly, bands = market.rules()
    found_margin, found_newly, found_bands = _plain(read.ask("adapter", "rulesOf", key))
    pairs = zip((margin, newly, *bands), (found_margin, found_newly, *_plain(found_bands)), strict=True)
    for name, (wanted, found) in zip(RULES, pairs, strict=True):
        yield Line(f"{name} of {key}", wanted, found)
    yield Line(f"ceiling of {key}", NOBODY, read.ask("adapter", "ceilingOf", key))
    yield from _limits(read, market)


def _limits(read: Reading, market: GovernedMarket) -> Iterator[Line]:
    defaults = EMODE_LIMITS if market.is_emode else DEFAULT_LIMITS
    for number, name in enumerate(PARAMETER_FIELDS):
        wanted = market.limits.get(Scalar(name), defaults[Scalar(name)])
        found = limits_from(read.ask("limits", "limitsOf", market.key, number))
        for part in wanted.__dataclass_fields__:
            yield Line(f"{name}.{part} of {market.key}", getattr(wanted, part), getattr(found, part))


def _plain(row: Any) -> tuple[Any, ...]:
    return tuple(row)
