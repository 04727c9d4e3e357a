"""Random liquidations, executed by Aave's own bytecode inside ``eth_call``, and the same by ``core.aave``."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from web3.contract.contract import Contract

from contracts.artifacts import load_any_artifact
from core.aave import AaveAccount, AaveAsset, AaveRelease, AaveTerms
from core.units import PRICE_ONE, Bps
from governance.client import ChainClient
from tests.protocols.aave import START_PRICE, USDC_ONE, WETH_ONE, AaveMarket, supply
from tests.protocols.aave_steps import TREASURY

YEAR = 365 * 24 * 3600
LIQUIDITY = 10**9 * USDC_ONE
SEEN = (
    "scaled_collateral",
    "scaled_debt",
    "collateral_index",
    "debt_index",
    "health_factor",
    "done",
    "repaid",
    "seized",
    "scaled_collateral_left",
    "scaled_debt_left",
    "scaled_fee",
    "refusal",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One position, what happens to it, and what a liquidator offers, as the harness takes it."""

    ltv_bps: int
    threshold_bps: int
    bonus: int
    fee_bps: int
    supplied: int
    borrowed: int
    opening_price: int
    collateral_price: int
    debt_price: int
    cover: int

    def row(self) -> tuple[int, ...]:
        """The struct of the harness."""
        return tuple(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class Harness:
    """The harness before one market."""

    client: ChainClient
    contract: Contract
    release: AaveRelease

    def run(self, cases: Sequence[Case]) -> list[dict[str, Any]]:
        """Return what Aave did, by name."""
        rows = self.client.call(self.contract.functions.run([case.row() for case in cases]))
        return [dict(zip(SEEN, row, strict=True)) for row in rows]

    def modelled(self, case: Case, seen: dict[str, Any]) -> tuple[AaveAccount, AaveTerms]:
        """Return the account that stood before the call, and the terms of the call."""
        collateral = AaveAsset(case.collateral_price, 18, seen["collateral_index"])
        debt = AaveAsset(case.debt_price, 6, seen["debt_index"])
        bonus, fee = Bps(case.bonus - 100_00), Bps(case.fee_bps)
        terms = AaveTerms(self.release, Bps(case.threshold_bps), bonus, fee, collateral, debt)
        return AaveAccount(seen["scaled_collateral"], seen["scaled_debt"]), terms


def harness_of(market: AaveMarket) -> Harness:
    """Deploy the harness, make its prices the oracle's, and let a year bend the indexes."""
    client, people = market.client, market.people
    supply(market, people.supplier, market.usdc, amount=LIQUIDITY)
    client.advance(YEAR)
    weth, usdc = market.weth.address, market.usdc.address
    reserves = [
        client.call(market.data_provider.functions.getReserveTokensAddresses(a)) for a in (weth, usdc)
    ]
    setting = (
        market.pool.address,
        market.configurator.address,
        weth,
        usdc,
        reserves[0][0],
        reserves[1][2],
        TREASURY,
    )
    own = ChainClient(client.rpc_url, artifacts=load_any_artifact)
    address = own.deploy(people.admin, "AaveLiquidations", setting)
    contract = own.contract("AaveLiquidations", address)
    feeds = [own.call(contract.functions.collateralPrice()), own.call(contract.functions.debtPrice())]
    client.send(people.admin, market.oracle.functions.setAssetSources([weth, usdc], feeds))
    client.send(people.admin, market.acl.functions.addRiskAdmin(address))
    return Harness(own, contract, AaveRelease(market.version))


def random_case(rng: random.Random) -> Case:
    """A position that can be opened at its LTV, and a price at which it may be liquidated, at every depth."""
    bonus = rng.choice([100_01, 105_00, 101_00 + rng.randrange(14_00)])
    threshold = rng.randrange(20_00, min(95_00, 10**8 // bonus))
    ltv = rng.randrange(10_00, threshold)
    supplied = rng.choice(
        [rng.randrange(WETH_ONE // 2, 4 * WETH_ONE), rng.randrange(WETH_ONE, 10**5 * WETH_ONE)]
    )
    most = supplied * START_PRICE // WETH_ONE * ltv // 10_000 * USDC_ONE // PRICE_ONE
    borrowed = rng.randrange(most // 2, most - 1)
    health = rng.choice([rng.uniform(0.9, 1.02), rng.uniform(0.3, 0.95), 0.95, 1.0])
    debt_price = rng.choice([PRICE_ONE, rng.randrange(97_000_000, 103_000_000)])
    struck = borrowed * debt_price * 10_000 * WETH_ONE // (USDC_ONE * supplied * threshold)
    price = max(1, round(struck * health) + rng.randrange(-1, 2))
    cover = rng.choice([10 * borrowed, borrowed, max(1, borrowed * rng.randrange(1, 100) // 100)])
    return Case(
        ltv,
        threshold,
        bonus,
        rng.choice([0, 10_00, rng.randrange(100_00)]),
        supplied,
        borrowed,
        START_PRICE,
        price,
        debt_price,
        cover,
    )
