// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev What AaveV3Adapter calls, as V3.0 has it and later versions keep it, unless said otherwise.

/// @notice A reserve's configuration: many values in the bits of one word.
struct ReserveConfigurationMap {
    uint256 data;
}

/// @notice A reserve's state; from V3.2 on some of it is there for old callers only.
struct ReserveData {
    ReserveConfigurationMap configuration;
    uint128 liquidityIndex;
    uint128 currentLiquidityRate;
    uint128 variableBorrowIndex;
    uint128 currentVariableBorrowRate;
    uint128 currentStableBorrowRate;
    uint40 lastUpdateTimestamp;
    uint16 id;
    address aTokenAddress;
    address stableDebtTokenAddress;
    address variableDebtTokenAddress;
    address interestRateStrategyAddress;
    uint128 accruedToTreasury;
    uint128 unbacked;
    uint128 isolationModeTotalDebt;
}

/// @notice An e-mode category; the bonus is one plus the excess, `priceSource` is zero from V3.2 on.
struct EModeCategory {
    uint16 ltv;
    uint16 liquidationThreshold;
    uint16 liquidationBonus;
    address priceSource;
    string label;
}

interface IAaveAddressesProvider {
    function getPool() external view returns (address);

    function getPoolConfigurator() external view returns (address);

    function getPriceOracle() external view returns (address);
}

interface IAaveOracle {
    /// @notice What one unit of the base currency is; 1e8 where prices are in USD.
    // solhint-disable-next-line func-name-mixedcase
    function BASE_CURRENCY_UNIT() external view returns (uint256);

    function getAssetPrice(address asset) external view returns (uint256);
}

interface IAavePool {
    function getConfiguration(address asset) external view returns (ReserveConfigurationMap memory);

    function getReserveData(address asset) external view returns (ReserveData memory);

    function getEModeCategoryData(uint8 id) external view returns (EModeCategory memory);

    /// @notice The health factor is in wad, and the largest number without debt.
    function getUserAccountData(address user)
        external
        view
        returns (
            uint256 totalCollateralBase,
            uint256 totalDebtBase,
            uint256 availableBorrowsBase,
            uint256 currentLiquidationThreshold,
            uint256 ltv,
            uint256 healthFactor
        );
}

/// @notice Every setter asks for RISK_ADMIN or POOL_ADMIN.
interface IAavePoolConfigurator {
    function configureReserveAsCollateral(
        address asset,
        uint256 ltv,
        uint256 liquidationThreshold,
        uint256 liquidationBonus
    ) external;

    /// @dev Whole tokens; zero is no cap.
    function setSupplyCap(address asset, uint256 newSupplyCap) external;

    /// @dev Whole tokens; zero is no cap.
    function setBorrowCap(address asset, uint256 newBorrowCap) external;

    /// @notice Stops new supply and new borrowing; from V3.1 on the LTV becomes zero until the thaw.
    function setReserveFreeze(address asset, bool freeze) external;

    /// @notice Until V3.1.
    function setEModeCategory(
        uint8 categoryId,
        uint16 ltv,
        uint16 liquidationThreshold,
        uint16 liquidationBonus,
        address oracle,
        string calldata label
    ) external;

    /// @notice From V3.2 on.
    function setEModeCategory(
        uint8 categoryId,
        uint16 ltv,
        uint16 liquidationThreshold,
        uint16 liquidationBonus,
        string calldata label
    ) external;

    /// @notice From V3.1 on: the LTV that a frozen reserve gets back.
    function getPendingLtv(address asset) external view returns (uint256);
}
