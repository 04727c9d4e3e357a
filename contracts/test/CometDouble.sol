// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {CometLiveTerms} from "./CometLiveTerms.sol";
import {AssetInfo, CometTerms, IPriceFeed} from "./CometTerms.sol";

/// @notice A double of Compound III's Comet, for tests: no package ships the real one under a free licence.
/// @dev What it keeps of the real one: names, signatures and units; one base token that is lent and many
/// collaterals that are not; a borrow is a withdrawal below zero; the borrow factor limits new debt, the
/// liquidate factor decides about old debt; parameters change only by an upgrade of the implementation.
/// What it leaves out: interest, rewards, pauses, transfers, managers, reserves, buyCollateral, baseBorrowMin
/// above zero, the signed indices.  Its proxy is a pointer to CometTerms instead of a delegate call; who may
/// upgrade it stands where a proxy keeps that (EIP-1967).
contract CometDouble is CometLiveTerms {
    using SafeERC20 for IERC20;

    uint256 internal constant FACTOR_SCALE = 1e18;

    struct UserCollateral {
        uint128 balance;
        uint128 _reserved;
    }

    struct TotalsCollateral {
        uint128 totalSupplyAsset;
        uint128 _reserved;
    }

    address public immutable proxyAdmin;
    uint256 public totalSupply;
    uint256 public totalBorrow;
    mapping(address account => mapping(address asset => UserCollateral)) public userCollateral;
    mapping(address asset => TotalsCollateral) public totalsCollateral;
    mapping(address account => int256) private _principal;

    event Supply(address indexed from, address indexed dst, uint256 amount);
    event Withdraw(address indexed src, address indexed to, uint256 amount);
    event SupplyCollateral(address indexed from, address indexed dst, address indexed asset, uint256 amount);
    event WithdrawCollateral(address indexed src, address indexed to, address indexed asset, uint256 amount);
    event AbsorbCollateral(
        address indexed absorber,
        address indexed borrower,
        address indexed asset,
        uint256 collateralAbsorbed,
        uint256 usdValue
    );
    event AbsorbDebt(address indexed absorber, address indexed borrower, uint256 basePaidOut, uint256 usdValue);
    event Upgraded(address indexed implementation);

    error BadAsset();
    error BadPrice();
    error NotCollateralized();
    error NotLiquidatable();
    error SupplyCapExceeded();
    error Unauthorized();

    constructor(address proxyAdmin_) {
        proxyAdmin = proxyAdmin_;
        ERC1967Utils.changeAdmin(proxyAdmin_);
    }

    /// @notice From now on the terms of `next` hold, for old debt too.
    function upgradeTo(CometTerms next) external {
        if (msg.sender != proxyAdmin) revert Unauthorized();
        implementation = next;
        emit Upgraded(address(next));
    }

    // ---- what the market is

    function baseToken() public view returns (address) {
        return implementation.baseToken();
    }

    function baseTokenPriceFeed() public view returns (address) {
        return implementation.baseTokenPriceFeed();
    }

    function baseScale() public view returns (uint256) {
        return implementation.baseScale();
    }

    function numAssets() public view returns (uint8) {
        return implementation.numAssets();
    }

    function getAssetInfo(uint8 i) public view returns (AssetInfo memory) {
        return implementation.getAssetInfo(i);
    }

    function getAssetInfoByAddress(address asset) public view returns (AssetInfo memory) {
        uint8 count = numAssets();
        for (uint8 i; i < count; ++i) {
            AssetInfo memory info = getAssetInfo(i);
            if (info.asset == asset) return info;
        }
        revert BadAsset();
    }

    /// @notice Eight decimals.
    function getPrice(address priceFeed) public view returns (uint256) {
        (, int256 price,,,) = IPriceFeed(priceFeed).latestRoundData();
        if (price <= 0) revert BadPrice();
        return uint256(price);
    }

    /// @notice Debt over supply, in wad.
    function getUtilization() external view returns (uint256) {
        return totalSupply == 0 ? 0 : totalBorrow * FACTOR_SCALE / totalSupply;
    }

    // ---- what an account is

    function balanceOf(address account) public view returns (uint256) {
        return _principal[account] > 0 ? uint256(_principal[account]) : 0;
    }

    function borrowBalanceOf(address account) public view returns (uint256) {
        return _principal[account] < 0 ? uint256(-_principal[account]) : 0;
    }

    function collateralBalanceOf(address account, address asset) external view returns (uint128) {
        return userCollateral[account][asset].balance;
    }

    function isBorrowCollateralized(address account) public view returns (bool) {
        return _principal[account] >= 0 || _liquidity(account, true) >= 0;
    }

    function isLiquidatable(address account) public view returns (bool) {
        return _principal[account] < 0 && _liquidity(account, false) < 0;
    }

    // ---- what an account does

    function supply(address asset, uint256 amount) external {
        IERC20(asset).safeTransferFrom(msg.sender, address(this), amount);
        if (asset == baseToken()) {
            _setPrincipal(msg.sender, _principal[msg.sender] + int256(amount));
            emit Supply(msg.sender, msg.sender, amount);
            return;
        }
        AssetInfo memory info = getAssetInfoByAddress(asset);
        uint256 total = totalsCollateral[asset].totalSupplyAsset + amount;
        if (total > info.supplyCap) revert SupplyCapExceeded();
        totalsCollateral[asset].totalSupplyAsset = uint128(total);
        userCollateral[msg.sender][asset].balance += uint128(amount);
        emit SupplyCollateral(msg.sender, msg.sender, asset, amount);
    }

    /// @notice Takes collateral or the base token; the base token below zero is a borrow.
    function withdraw(address asset, uint256 amount) external {
        if (asset == baseToken()) {
            _setPrincipal(msg.sender, _principal[msg.sender] - int256(amount));
            emit Withdraw(msg.sender, msg.sender, amount);
        } else {
            userCollateral[msg.sender][asset].balance -= uint128(amount);
            totalsCollateral[asset].totalSupplyAsset -= uint128(amount);
            emit WithdrawCollateral(msg.sender, msg.sender, asset, amount);
        }
        if (!isBorrowCollateralized(msg.sender)) revert NotCollateralized();
        IERC20(asset).safeTransfer(msg.sender, amount);
    }

    /// @notice Takes the collateral of liquidatable accounts and clears their debt.
    function absorb(address absorber, address[] calldata accounts) external {
        for (uint256 i; i < accounts.length; ++i) _absorb(absorber, accounts[i]);
    }

    function _absorb(address absorber, address account) private {
        if (!isLiquidatable(account)) revert NotLiquidatable();
        uint256 basePrice = getPrice(baseTokenPriceFeed());
        uint256 credit;
        for (uint8 i; i < numAssets(); ++i) {
            AssetInfo memory info = getAssetInfo(i);
            uint128 seized = userCollateral[account][info.asset].balance;
            if (seized == 0) continue;
            userCollateral[account][info.asset].balance = 0;
            totalsCollateral[info.asset].totalSupplyAsset -= seized;
            uint256 value = uint256(seized) * getPrice(info.priceFeed) / info.scale;
            credit += value * info.liquidationFactor / FACTOR_SCALE;
            emit AbsorbCollateral(absorber, account, info.asset, seized, value);
        }
        int256 left = _principal[account] + int256(credit * baseScale() / basePrice);
        uint256 paid = borrowBalanceOf(account) + (left > 0 ? uint256(left) : 0);
        _setPrincipal(account, left > 0 ? left : int256(0));
        emit AbsorbDebt(absorber, account, paid, paid * basePrice / baseScale());
    }

    function _setPrincipal(address account, int256 next) private {
        (totalSupply, totalBorrow) = (totalSupply - balanceOf(account), totalBorrow - borrowBalanceOf(account));
        _principal[account] = next;
        (totalSupply, totalBorrow) = (totalSupply + balanceOf(account), totalBorrow + borrowBalanceOf(account));
    }

    /// @dev Weighted collateral less debt, in USD with eight decimals.
    function _liquidity(address account, bool forBorrowing) private view returns (int256 liquidity) {
        liquidity = -int256(borrowBalanceOf(account) * getPrice(baseTokenPriceFeed()) / baseScale());
        for (uint8 i; i < numAssets(); ++i) {
            AssetInfo memory info = getAssetInfo(i);
            uint256 value = userCollateral[account][info.asset].balance * getPrice(info.priceFeed) / info.scale;
            uint256 factor = forBorrowing ? info.borrowCollateralFactor : info.liquidateCollateralFactor;
            liquidity += int256(value * factor / FACTOR_SCALE);
        }
    }
}
