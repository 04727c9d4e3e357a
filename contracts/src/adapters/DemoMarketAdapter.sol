// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LiveValues} from "../guardrails/Freshness.sol";
import {LimitBook} from "../guardrails/LimitBook.sol";
import {PositionSample} from "../guardrails/PositionSample.sol";
import {Parameters} from "../types/ParameterTypes.sol";
import {IGovernedMarket} from "./IGovernedMarket.sol";
import {MarketAdapter} from "./MarketAdapter.sol";

/// @notice Adapter of the demo market: one collateral asset, its key.
contract DemoMarketAdapter is MarketAdapter {
    uint256 private constant HEALTHY = 1e18;

    IGovernedMarket public immutable market;

    constructor(IGovernedMarket market_, address owner_, LimitBook limits_, PositionSample sample_)
        MarketAdapter(owner_, limits_, sample_)
    {
        market = market_;
    }

    function _requireKnown(address asset) internal view override {
        if (asset != market.collateralToken()) revert UnknownMarket(asset);
    }

    function _read(address) internal view override returns (Parameters memory) {
        return market.parameters();
    }

    function _live(address) internal view override returns (LiveValues memory) {
        (uint256 utilisationBps, uint256 totalBorrow) = market.borrowState();
        return LiveValues(market.oraclePrice(), utilisationBps, market.totalCollateral(), totalBorrow);
    }

    function _price(address) internal view override returns (uint256) {
        return market.oraclePrice();
    }

    function _supplied(address) internal view override returns (uint256) {
        return market.totalCollateral();
    }

    function _write(address, Parameters memory, Parameters memory next) internal override {
        market.setParameters(next);
    }

    function _isLiquidatable(address, address account) internal view override returns (bool) {
        return market.healthFactor(account) < HEALTHY;
    }

    function _debtOf(address, address account) internal view override returns (uint256) {
        return market.debtOf(account);
    }
}
