"""The DAO's real parameters over time: which market counted when, and what is known of it.

    ETH on Aave V1 until 2020-12-01, then WETH on V2, then V3 from its first recorded row, 2023-06-08

Between 2021-02-10 and 2023-06-08 the record holds no change, though there were some: in that span the
last known values stand, marked.  Before the first value there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import ConfigError
from core.market import Parameters
from core.units import Bps
from models.data.timeline import TimelineRow

V2_BEGINS = 1_606_780_800
"""2020-12-01 00:00 UTC."""

V3_BEGINS = 1_686_211_346
"""2023-06-08 08:02:26 UTC, the first recorded row of V3."""

LAST_KNOWN_FROM = 1_612_999_406
"""2021-02-10 23:23:26 UTC: the last recorded row of V2."""

SYMBOLS = {"ETH": ("ETH", "WETH", "WETH"), "BTC": ("WBTC", "WBTC", "WBTC"), "LINK": ("LINK", "LINK", "LINK")}
"""An asset's names on V1, V2 and V3."""

MARKETS = ("AaveV1Main", "AaveV2Ethereum", "AaveV3Ethereum")
UNCAPPED = 2**128 - 1


@dataclass(frozen=True, slots=True)
class KnownParameters:
    """What stood at a time; ``last_known`` marks spans in which the record is silent."""

    parameters: Parameters
    last_known: bool


@dataclass(frozen=True, slots=True)
class ParameterHistory:
    """Changes in force, ascending: (time, parameters)."""

    changes: tuple[tuple[int, Parameters], ...]

    @property
    def first_time(self) -> int:
        """UTC seconds of the first value."""
        return self.changes[0][0]

    def at(self, time: int) -> KnownParameters | None:
        """Return what stood at ``time``; ``None`` before the first value."""
        standing = [parameters for since, parameters in self.changes if since <= time]
        if not standing:
            return None
        return KnownParameters(standing[-1], last_known=LAST_KNOWN_FROM <= time < V3_BEGINS)


def parameter_history(rows: Sequence[TimelineRow], asset: str) -> ParameterHistory:
    """Return the history of ``asset`` over the three markets.

    A row with threshold zero is a market that is not open yet.  A row without a bonus keeps the last one.

    Raises:
        ConfigError: the asset is not known, or has no rows.
    """
    if asset not in SYMBOLS:
        raise ConfigError(f"asset was {asset}", allowed=", ".join(SYMBOLS))
    spans = ((0, V2_BEGINS), (V2_BEGINS, V3_BEGINS), (V3_BEGINS, 2**62))
    changes: list[tuple[int, Parameters]] = []
    bonus = 0
    for market, symbol, (begin, end) in zip(MARKETS, SYMBOLS[asset], spans, strict=True):
        own = [
            r for r in rows if (r.market, r.symbol) == (market, symbol) and r.threshold_bps and r.time < end
        ]
        for row in own:
            bonus = bonus if row.bonus_bps is None else row.bonus_bps
            change = (max(row.time, begin), _parameters(row, bonus))
            if changes and changes[-1][0] == change[0]:
                changes.pop()
            if not changes or changes[-1][1] != change[1]:
                changes.append(change)
    if not changes:
        raise ConfigError(f"the record has no rows of {asset}")
    return ParameterHistory(tuple(changes))


def _parameters(row: TimelineRow, bonus: int) -> Parameters:
    return Parameters(Bps(row.ltv_bps), Bps(row.threshold_bps), Bps(bonus), UNCAPPED, UNCAPPED)
