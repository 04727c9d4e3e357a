// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A double of one Compound V2 market of the chain's own coin, for tests: a fixed supply and debt.
/// @dev What it keeps: names and units; there is no `underlying`.
contract CompoundV2EtherDouble {
    uint256 public constant totalSupply = 5_000e8;
    /// @dev 50 of its tokens, with eight decimals, are one coin.
    uint256 public constant exchangeRateStored = 2e26;
    uint256 public constant totalBorrows = 30e18;
    uint256 public constant totalReserves = 1e18;
    uint256 public constant getCash = 71e18;

    function borrowBalanceStored(address) external pure returns (uint256) {
        return 0;
    }
}

/// @notice A double of Compound V2's Comptroller, for tests: where Venus differs.
/// @dev What it keeps: names, units and codes; a borrow cap of zero is none; there are no supply caps; whoever is
/// not the admin gets a code back, and no revert.  What it leaves out: accounts, rewards, pauses.
contract CompoundV2Double {
    struct Market {
        bool isListed;
        uint256 collateralFactorMantissa;
        bool isComped;
    }

    uint256 private constant NO_ERROR = 0;
    uint256 private constant UNAUTHORIZED = 1;

    address public admin;
    uint256 public constant liquidationIncentiveMantissa = 1.08e18;
    mapping(address cToken => Market) public markets;
    mapping(address cToken => uint256) public borrowCaps;

    constructor(address admin_, address cToken) {
        admin = admin_;
        markets[cToken] = Market(true, 0.8e18, false);
    }

    /// @dev Market and oracle are one here.
    function oracle() external view returns (address) {
        return address(this);
    }

    /// @notice 2 000 USD for a coin of 18 decimals.
    function getUnderlyingPrice(address) external pure returns (uint256) {
        return 2_000e18;
    }

    function setAdmin(address next) external {
        require(msg.sender == admin, "only admin");
        admin = next;
    }

    function getAccountLiquidity(address) external pure returns (uint256, uint256, uint256) {
        return (NO_ERROR, 0, 0);
    }

    // solhint-disable-next-line func-name-mixedcase
    function _setCollateralFactor(address cToken, uint256 newCollateralFactorMantissa) external returns (uint256) {
        if (msg.sender != admin) return UNAUTHORIZED;
        markets[cToken].collateralFactorMantissa = newCollateralFactorMantissa;
        return NO_ERROR;
    }

    // solhint-disable-next-line func-name-mixedcase
    function _setMarketBorrowCaps(address[] calldata cTokens, uint256[] calldata newBorrowCaps) external {
        require(msg.sender == admin, "only admin or borrow cap guardian can set borrow caps");
        for (uint256 i; i < cTokens.length; ++i) borrowCaps[cTokens[i]] = newBorrowCaps[i];
    }
}
