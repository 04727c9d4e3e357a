"""Aave V3.6 from the sources of ``@aave-dao/aave-v3-origin`` 3.6.0 (contracts/tools/protocols.mjs)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from eth_abi.abi import encode
from web3.contract.contract import Contract

from contracts.artifacts import FOLDER
from governance.signing import LocalSigner
from tests.protocols.aave import AaveMarket, Refusals
from tests.protocols.aave_steps import TREASURY, Release, deploy_release
from tests.protocols.npm_artifacts import NpmArtifacts, installed
from tests.protocols.stage import NOBODY, Builder, error_pattern

PACKAGE = "@aave-dao/aave-v3-origin"
COMPILE_SECONDS = 300
LIBRARIES = (
    "SupplyLogic",
    "BorrowLogic",
    "LiquidationLogic",
    "ConfiguratorLogic",
    "FlashLoanLogic",
    "PoolLogic",
)
REFUSALS = Refusals(
    not_a_risk_admin=error_pattern("CallerNotRiskOrPoolAdmin()"),
    invalid_parameters=error_pattern("InvalidReserveParams()"),
    collateral_too_small=error_pattern("CollateralCannotCoverNewBorrow()"),
    healthy=error_pattern("HealthFactorNotBelowThreshold()"),
    supply_cap=error_pattern("SupplyCapExceeded()"),
    borrow_cap=error_pattern("BorrowCapExceeded()"),
    frozen=error_pattern("ReserveFrozen()"),
    invalid_category=error_pattern("InvalidEmodeCategoryParams()"),
)
RATES_BPS = (80_00, 0, 4_00, 60_00)
"""Optimal usage, base rate, slopes below and above it."""


def compiled() -> Path:
    """Return the folder of what is compiled, which takes some 15 s once."""
    installed(PACKAGE)
    if shutil.which("node") is None:
        pytest.fail("node is not on PATH, so the sources of Aave V3.6 cannot be compiled")
    command = ["node", "tools/protocols.mjs"]
    done = subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)} failed: {done.stderr[-2000:]}")
    return Path(done.stdout.strip())


def reserves(build: Builder, market: AaveMarket) -> list[tuple[object, ...]]:
    """Deploy what reserves share, and return both reserves' descriptions."""
    rewards = NOBODY
    a_token = build.new("ATokenInstance", market.pool.address, rewards, TREASURY)
    debt_token = build.new("VariableDebtTokenInstance", market.pool.address, rewards)
    rates = encode(["uint16", "uint32", "uint32", "uint32"], RATES_BPS)
    return [
        (
            a_token.address,
            debt_token.address,
            asset.address,
            f"Aave {symbol}",
            f"a{symbol}",
            f"Aave variable debt {symbol}",
            f"variableDebt{symbol}",
            b"",
            rates,
        )
        for asset, symbol in ((market.weth, "WETH"), (market.usdc, "USDC"))
    ]


def new_pool(build: Builder, provider: Contract) -> Contract:
    """Deploy the pool's implementation, and the rates that it is told."""
    rates = build.new("DefaultReserveInterestRateStrategyV2", provider.address)
    return build.new("PoolInstance", provider.address, rates.address)


RELEASE = Release(
    "3.6.0", REFUSALS, LIBRARIES, "PoolInstance", "PoolConfiguratorInstance", new_pool, reserves
)


def deploy_aave_v36(chain_url: str, funder: LocalSigner) -> AaveMarket:
    """Return a market with two reserves and nobody in it."""
    artifacts = NpmArtifacts(compiled())
    return deploy_release(chain_url, funder, artifacts=artifacts, release=RELEASE)
