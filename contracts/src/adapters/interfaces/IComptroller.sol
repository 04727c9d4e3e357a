// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev What ComptrollerAdapter calls of Compound V2 and of what descends from it, by the names that they share.

/// @notice Prices of a V2-like protocol.
interface IV2Oracle {
    /// @notice USD for one base unit of the market's token, times 10^36 over that unit: 36 - decimals places.
    function getUnderlyingPrice(address vToken) external view returns (uint256);
}

/// @notice One market of a V2-like protocol, its cToken or vToken; amounts in the token's base units.
interface IV2Market {
    /// @dev Absent where the market is that of the chain's own coin.
    function underlying() external view returns (address);

    function totalSupply() external view returns (uint256);

    /// @notice The token's base units for one unit of the market's own, in wad.
    function exchangeRateStored() external view returns (uint256);

    function totalBorrows() external view returns (uint256);

    function totalReserves() external view returns (uint256);

    function getCash() external view returns (uint256);

    function borrowBalanceStored(address account) external view returns (uint256);
}

/// @notice The rules of a V2-like protocol.
interface IComptroller {
    function oracle() external view returns (address);

    /// @dev More values follow, and differ from protocol to protocol.
    function markets(address vToken) external view returns (bool isListed, uint256 collateralFactorMantissa);

    function liquidationIncentiveMantissa() external view returns (uint256);

    function borrowCaps(address vToken) external view returns (uint256);

    /// @dev Compound V2 has none.
    function supplyCaps(address vToken) external view returns (uint256);

    /// @notice A code (0: no error) and, in wad USD, what may be borrowed still or what is missing.
    function getAccountLiquidity(address account) external view returns (uint256, uint256, uint256);

    /// @notice Warning: a refusal is a code other than 0, with nothing changed and no revert.
    // solhint-disable-next-line func-name-mixedcase
    function _setCollateralFactor(address vToken, uint256 newCollateralFactorMantissa) external returns (uint256);

    // solhint-disable-next-line func-name-mixedcase
    function _setMarketBorrowCaps(address[] calldata vTokens, uint256[] calldata newBorrowCaps) external;

    // solhint-disable-next-line func-name-mixedcase
    function _setMarketSupplyCaps(address[] calldata vTokens, uint256[] calldata newSupplyCaps) external;
}
