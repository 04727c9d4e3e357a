"""Aave V3.0.2 as ``@aave/core-v3`` 1.19.3 ships it: compiled, unlinked."""

from __future__ import annotations

from web3.contract.contract import Contract

from governance.signing import LocalSigner
from tests.protocols.aave import AaveMarket, Refusals
from tests.protocols.aave_steps import TREASURY, Release, deploy_release
from tests.protocols.npm_artifacts import NpmArtifacts, installed
from tests.protocols.stage import NOBODY, Builder

PACKAGE = "@aave/core-v3"
LIBRARIES = (
    "SupplyLogic",
    "BorrowLogic",
    "LiquidationLogic",
    "EModeLogic",
    "BridgeLogic",
    "ConfiguratorLogic",
    "FlashLoanLogic",
    "PoolLogic",
)
REFUSALS = Refusals(
    not_a_risk_admin=r"Error\(message=4\)",
    invalid_parameters=r"Error\(message=20\)",
    collateral_too_small=r"Error\(message=36\)",
    healthy=r"Error\(message=45\)",
    supply_cap=r"Error\(message=51\)",
    borrow_cap=r"Error\(message=50\)",
    frozen=r"Error\(message=28\)",
    invalid_category=r"Error\(message=21\)",
)
"""Numbers of ``Errors.sol``."""

RAY = 10**27
RATE_STRATEGY = tuple(percent * RAY // 100 for percent in (80, 0, 4, 60, 2, 60, 2, 5, 20))
"""Optimal usage, base rate, two slopes of the variable and of the stable rate, three stable offsets."""


def reserves(build: Builder, market: AaveMarket) -> list[tuple[object, ...]]:
    """Deploy what reserves share, and return both reserves' descriptions."""
    tokens = [
        build.new(name, market.pool.address).address
        for name in ("AToken", "StableDebtToken", "VariableDebtToken")
    ]
    strategy = build.new("DefaultReserveInterestRateStrategy", market.provider.address, *RATE_STRATEGY)

    def described(asset: Contract, symbol: str, decimals: int) -> tuple[object, ...]:
        addresses = (strategy.address, asset.address, TREASURY, NOBODY)
        return (*tokens, decimals, *addresses, *names(symbol), b"")

    return [described(market.weth, "WETH", 18), described(market.usdc, "USDC", 6)]


def names(symbol: str) -> tuple[str, ...]:
    """Return names and symbols of the three tokens of a reserve."""
    return (
        f"Aave {symbol}",
        f"a{symbol}",
        f"Aave variable debt {symbol}",
        f"variableDebt{symbol}",
        f"Aave stable debt {symbol}",
        f"stableDebt{symbol}",
    )


def new_pool(build: Builder, provider: Contract) -> Contract:
    """Deploy the pool's implementation."""
    return build.new("Pool", provider.address)


RELEASE = Release("3.0.2", REFUSALS, LIBRARIES, "Pool", "PoolConfigurator", new_pool, reserves)


def deploy_aave_v302(chain_url: str, funder: LocalSigner) -> AaveMarket:
    """Return a market with two reserves and nobody in it."""
    artifacts = NpmArtifacts(installed(PACKAGE) / "artifacts" / "contracts")
    return deploy_release(chain_url, funder, artifacts=artifacts, release=RELEASE)
