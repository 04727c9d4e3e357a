"""The market of the demo: WETH against USDC, drawn by one seed.

It opens conservative (LTV 70.00 %, threshold 75.00 %, bonus 5.00 %) in a calm series; what the agents
make of it follows from their models.  Depth, supply and reserves are declared assumptions: debt is
large against what the market absorbs in an hour, so that liquidators are limited by slippage and bad
debt follows from volatility (Kao et al. 2020).

Some two weeks after genesis the price falls by 30 to 35 % within a day, on a day and by an
amount that the seed draws, and stays restless: what a governance that only ever raises would sleep through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from core.cascade import Liquidity
from core.errors import ConfigError
from core.guardrails import DEFAULT_LIMITS
from core.lending import Decimals
from core.mandate import Mandate
from core.market import MarketSnapshot, Parameters, PriceHistory, Scalar
from core.position import Position
from core.recommendation import Observation
from core.units import PRICE_ONE, WAD, Bps
from models.data.rounds import known_bars
from simulations.generator import (
    BAR_SECONDS,
    MarketTerms,
    PriceFall,
    exchange_feed,
    log_returns,
    with_fall,
)
from simulations.oracle_rounds import OracleTerms, oracle_rounds

GENESIS_TIME = 1_701_345_600
"""2023-11-30 12:00 UTC: the close of the last bar that an agent may see when the chain starts."""

HISTORY_BARS = 4_320
CONTINUATION_BARS = 40 * 24
OPENING_BAR = HISTORY_BARS // 2
"""The bar at which the market opens; a volatility scale acts from here on."""

FALL_DAYS = (12, 14)
"""Days after genesis between which the great fall begins."""

FALL_HOURS = (6, 18)
FALL_SHARES = (0.30, 0.35)
AFTERMATH_SCALE = 1.3

BORROWERS = 40
OPENING_THRESHOLD = Bps(75_00)
DECIMALS = Decimals()
DEBT_TO_WAD = 10 ** (18 - DECIMALS.debt)
USDC = 10**DECIMALS.debt


@dataclass(frozen=True, slots=True)
class DemoMarket:
    """Everything a chain and its agents need at genesis, amounts in base units of their token.

    ``feeds`` are hourly closes (``exchange``) and rounds (``oracle``), and reach past genesis: whoever
    shows them calls ``known_bars`` with the chain's time, or :meth:`history` for what is known at genesis.
    """

    seed: int
    volatility_scale: float
    asset: str
    debt_asset: str
    genesis_time: int
    feeds: Mapping[str, PriceHistory]
    parameters: Parameters
    positions: tuple[Position, ...]
    debt_supply: int
    reserves: int
    liquidity: Liquidity
    close_factor_bps: Bps
    mandate: Mandate

    def history(self, source: str) -> PriceHistory:
        """Return what ``source`` had published at genesis, as hourly bars."""
        return known_bars(self.feeds[source], self.genesis_time)

    @property
    def oracle_price(self) -> int:
        """Price at genesis, eight decimals: the oracle's newest answer."""
        return int(self.feeds["oracle"].until(self.genesis_time).closes_e8[-1])

    def snapshot(self) -> MarketSnapshot:
        """Return the market at genesis as a chain would show it (block 0, no positions root)."""
        return MarketSnapshot(
            market=self.asset,
            block_number=0,
            timestamp=self.genesis_time,
            parameters=self.parameters,
            oracle_price=self.oracle_price,
            total_collateral=sum(position.collateral for position in self.positions),
            total_debt_supply=self.debt_supply,
            total_borrow=sum(position.debt for position in self.positions),
            reserves=self.reserves,
            positions_root=bytes(32),
        )

    def observation(self, source: str, *, seed: int, paths: int = 2_000) -> Observation:
        """Return what an agent with the data of ``source`` looks at when it decides at genesis."""
        limits = DEFAULT_LIMITS[Scalar.LIQUIDATION_THRESHOLD]
        return Observation(
            snapshot=self.snapshot(),
            scalar=Scalar.LIQUIDATION_THRESHOLD,
            mandate=self.mandate,
            history=self.history(source),
            positions=positions_in_wad(self.positions),
            liquidity=self.liquidity,
            close_factor_bps=self.close_factor_bps,
            floor=limits.floor,
            ceiling=limits.ceiling,
            seed=seed,
            paths=paths,
        )


def demo_market(seed: int, volatility_scale: float = 1.0) -> DemoMarket:
    """Return the demo's market for ``seed``; the scale multiplies every return after the opening.

    Raises:
        ConfigError: the seed is negative, or the scale is not in (0, 10].

    >>> market = demo_market(7)
    >>> str(market.parameters.liquidation_threshold_bps), len(market.positions)
    ('75.00 %', 40)
    """
    if seed < 0:
        raise ConfigError(f"seed was {seed}", allowed="whole numbers from 0")
    feeds = _feeds(seed, volatility_scale)
    price = int(feeds["oracle"].until(GENESIS_TIME).closes_e8[-1])
    positions = _draw_positions(seed, price=price, threshold=OPENING_THRESHOLD)
    parameters = Parameters(
        ltv_bps=Bps(70_00),
        liquidation_threshold_bps=OPENING_THRESHOLD,
        liquidation_bonus_bps=Bps(5_00),
        supply_cap=_supply_cap(positions),
        borrow_cap=60_000_000 * USDC,
    )
    return DemoMarket(
        seed=seed,
        volatility_scale=volatility_scale,
        asset="WETH",
        debt_asset="USDC",
        genesis_time=GENESIS_TIME,
        feeds=MappingProxyType(feeds),
        parameters=parameters,
        positions=positions,
        debt_supply=50_000_000 * USDC,
        reserves=1_000_000 * USDC,
        liquidity=Liquidity(depth=20_000_000 * WAD),
        close_factor_bps=Bps(50_00),
        mandate=Mandate("WETH", bad_debt_es_975_bps=Bps(1)),
    )


def over_prices(template: DemoMarket, feeds: Mapping[str, PriceHistory], *, genesis_time: int) -> DemoMarket:
    """Return the same debts and health factors over other prices, such as real ones.

    Collateral and the supply cap are counted at the oracle's price at ``genesis_time``.
    """
    market = replace(template, feeds=MappingProxyType(dict(feeds)), genesis_time=genesis_time)
    old, new = template.oracle_price, market.oracle_price
    positions = tuple(Position(p.account, p.collateral * old // new + 1, p.debt) for p in template.positions)
    parameters = replace(template.parameters, supply_cap=_supply_cap(positions))
    return replace(market, positions=positions, parameters=parameters)


def positions_in_wad(positions: tuple[Position, ...]) -> tuple[Position, ...]:
    """Return positions in wad for both tokens, the scale of an observation."""
    return tuple(Position(p.account, p.collateral, p.debt * DEBT_TO_WAD) for p in positions)


def _supply_cap(positions: tuple[Position, ...]) -> int:
    """Return one and a half times what is supplied, rounded up to 1,000 coins."""
    supplied = sum(position.collateral for position in positions)
    return -(-supplied * 3 // (2 * 1_000 * WAD)) * 1_000 * WAD


def _feeds(seed: int, volatility_scale: float) -> dict[str, PriceHistory]:
    terms = MarketTerms(volatility_scale=volatility_scale, scale_from_bar=OPENING_BAR)
    returns = log_returns(terms, HISTORY_BARS + CONTINUATION_BARS, seed=seed)
    returns = with_fall(returns, drawn_fall(seed), seed=seed)
    first_close = GENESIS_TIME - (HISTORY_BARS - 1) * BAR_SECONDS
    exchange = exchange_feed(returns, "WETH", terms=terms, first_close=first_close)
    return {"exchange": exchange, "oracle": oracle_rounds(exchange, OracleTerms(), seed=seed)}


def drawn_fall(seed: int) -> PriceFall:
    """Return the great fall of ``seed``'s market."""
    rng = np.random.default_rng([seed, 4])
    first, last = (HISTORY_BARS + 24 * day for day in FALL_DAYS)
    return PriceFall(
        first_bar=int(rng.integers(first, last)),
        bars=int(rng.integers(*FALL_HOURS)),
        share=float(rng.uniform(*FALL_SHARES)),
        aftermath_scale=AFTERMATH_SCALE,
    )


def _draw_positions(seed: int, *, price: int, threshold: Bps) -> tuple[Position, ...]:
    """Draw debts (lognormal, 42 M USDC in all) and health factors (1.075 up, most of them close to it)."""
    rng = np.random.default_rng([seed, 3])
    weights = rng.lognormal(0.0, 0.9, BORROWERS)
    debts = 42_000_000 * weights / weights.sum()
    health = 1.075 + rng.lognormal(-3.4, 1.1, BORROWERS)
    collateral = debts * health / (int(threshold) / 1e4) / (price / PRICE_ONE)
    return tuple(
        Position(f"borrower-{number:02d}", int(coins * 1e6) * 10**12, int(debt) * USDC)
        for number, (coins, debt) in enumerate(zip(collateral, debts, strict=True))
    )
