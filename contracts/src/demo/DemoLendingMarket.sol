// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {DemoOracle} from "./DemoOracle.sol";
import {IGovernedMarket} from "../adapters/IGovernedMarket.sol";
import {InterestLedger} from "./InterestLedger.sol";
import {LendingMath} from "./LendingMath.sol";
import {Parameters} from "../types/ParameterTypes.sol";

/// @notice A small lending market: one volatile collateral, one debt asset that is worth one USD.
/// @dev Warning: for demonstrations, not audited. It trusts its configurator to keep parameters sound.
contract DemoLendingMarket is IGovernedMarket, InterestLedger, Ownable {
    using SafeERC20 for IERC20Metadata;

    struct Borrower {
        address account;
        uint256 collateral;
        uint256 debt;
    }

    struct MarketState {
        Parameters parameters;
        uint256 oraclePrice;
        uint256 totalCollateral;
        uint256 totalDebtSupply;
        uint256 totalBorrow;
        uint256 reserves;
        uint256 badDebt;
        uint256 utilisationBps;
        uint256 borrowerCount;
    }

    IERC20Metadata private immutable _collateral;
    IERC20Metadata private immutable _debt;
    DemoOracle public immutable oracle;
    uint256 public immutable closeFactorBps;
    uint256 private immutable _collateralOne;
    uint256 private immutable _debtOne;

    address public configurator;
    uint256 public totalCollateral;
    Parameters private _parameters;
    mapping(address => uint256) public collateralOf;
    mapping(address => uint256) public sharesOf;
    mapping(address => uint256) private _scaledDebt;
    mapping(address => uint256) private _borrowerNumber;
    address[] private _borrowers;

    event ParametersSet(Parameters next);
    event ConfiguratorSet(address configurator);
    event ReservesAdded(address indexed giver, uint256 amount);
    event Supplied(address indexed account, uint256 amount, uint256 shares);
    event Withdrawn(address indexed account, uint256 amount, uint256 shares);
    event CollateralSupplied(address indexed account, uint256 amount);
    event CollateralWithdrawn(address indexed account, uint256 amount);
    event Borrowed(address indexed account, uint256 amount);
    event Repaid(address indexed account, address indexed payer, uint256 amount);
    event Liquidated(
        address indexed account, address indexed liquidator, uint256 repaid, uint256 seized, uint256 badDebt
    );

    error NotConfigurator(address caller);
    error ZeroAmount();
    error Frozen();
    error CapExceeded(uint256 wanted, uint256 cap);
    error NotEnoughCollateral(uint256 debt, uint256 allowed);
    error NotEnoughCash(uint256 wanted, uint256 cash);
    error NotEnoughSupplied(uint256 wanted, uint256 held);
    error Healthy(address account, uint256 healthFactorWad);

    constructor(
        address owner,
        IERC20Metadata collateral_,
        IERC20Metadata debt_,
        DemoOracle oracle_,
        uint256 closeFactorBps_,
        Parameters memory initial
    ) Ownable(owner) {
        (_collateral, _debt, oracle, closeFactorBps) = (collateral_, debt_, oracle_, closeFactorBps_);
        (_collateralOne, _debtOne) = (10 ** collateral_.decimals(), 10 ** debt_.decimals());
        _parameters = initial;
        emit ParametersSet(initial);
    }

    // ---- governed

    function setConfigurator(address next) external onlyOwner {
        configurator = next;
        emit ConfiguratorSet(next);
    }

    /// @inheritdoc IGovernedMarket
    function setParameters(Parameters calldata next) external {
        if (msg.sender != configurator) revert NotConfigurator(msg.sender);
        _accrue();
        _parameters = next;
        emit ParametersSet(next);
    }

    /// @notice Opens many positions at once from the owner's collateral; the debt goes to the accounts.
    /// @dev For set-up only: the owner is the timelock afterwards. Positions need health, not the LTV.
    function openPositions(Borrower[] calldata positions) external onlyOwner {
        _accrue();
        for (uint256 i; i < positions.length; ++i) {
            Borrower calldata p = positions[i];
            _takeCollateral(p.account, p.collateral);
            _lend(p.account, p.debt);
            uint256 health = healthFactor(p.account);
            if (health < WAD) revert NotEnoughCollateral(p.debt, p.debt * health / WAD);
        }
    }

    // ---- suppliers of the debt asset

    function supply(uint256 amount) external returns (uint256 shares) {
        if (amount == 0) revert ZeroAmount();
        _accrue();
        shares = _ledger.shares == 0 ? amount : amount * _ledger.shares / _ledger.supply;
        if (shares == 0) revert ZeroAmount();
        _ledger.supply += amount;
        _ledger.shares += shares;
        sharesOf[msg.sender] += shares;
        emit Supplied(msg.sender, amount, shares);
        _debt.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Give to the reserves, which pay for bad debt before suppliers do; nobody gets it back.
    function addReserves(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        _accrue();
        _ledger.reserves += amount;
        emit ReservesAdded(msg.sender, amount);
        _debt.safeTransferFrom(msg.sender, address(this), amount);
    }

    function withdraw(uint256 amount) external returns (uint256 shares) {
        if (amount == 0) revert ZeroAmount();
        _accrue();
        _requireCash(amount);
        if (amount > _ledger.supply) revert NotEnoughSupplied(amount, _ledger.supply);
        shares = _mulUp(amount, _ledger.shares, _ledger.supply);
        if (shares > sharesOf[msg.sender]) revert NotEnoughSupplied(shares, sharesOf[msg.sender]);
        _ledger.supply -= amount;
        _ledger.shares -= shares;
        sharesOf[msg.sender] -= shares;
        emit Withdrawn(msg.sender, amount, shares);
        _debt.safeTransfer(msg.sender, amount);
    }

    // ---- borrowers

    function supplyCollateralFor(address account, uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        _takeCollateral(account, amount);
    }

    function withdrawCollateral(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        _accrue();
        if (amount > collateralOf[msg.sender]) revert NotEnoughSupplied(amount, collateralOf[msg.sender]);
        collateralOf[msg.sender] -= amount;
        totalCollateral -= amount;
        _requireLtv(msg.sender);
        emit CollateralWithdrawn(msg.sender, amount);
        _collateral.safeTransfer(msg.sender, amount);
    }

    function borrow(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        _accrue();
        _lend(msg.sender, amount);
        _requireLtv(msg.sender);
    }

    /// @notice Repays at most the whole debt of `account`; anyone may pay.
    function repay(address account, uint256 amount) external returns (uint256 paid) {
        _accrue();
        uint256 debt = debtOf(account);
        paid = amount < debt ? amount : debt;
        if (paid == 0) revert ZeroAmount();
        _reduceDebt(account, debt, paid);
        emit Repaid(account, msg.sender, paid);
        _debt.safeTransferFrom(msg.sender, address(this), paid);
    }

    /// @notice One liquidation call: repays up to the close factor and takes collateral worth it and the bonus.
    function liquidate(address account) external returns (LendingMath.Liquidation memory done) {
        _accrue();
        (uint256 collateral, uint256 debt) = (collateralOf[account], debtOf(account));
        uint256 health = healthFactor(account);
        if (health >= WAD) revert Healthy(account, health);
        done = LendingMath.liquidation(collateral, debt, oraclePrice(), _rules());
        _reduceDebt(account, debt, done.repaid + done.badDebt);
        if (done.badDebt != 0) _writeOff(done.badDebt);
        collateralOf[account] = collateral - done.seized;
        totalCollateral -= done.seized;
        emit Liquidated(account, msg.sender, done.repaid, done.seized, done.badDebt);
        _debt.safeTransferFrom(msg.sender, address(this), done.repaid);
        _collateral.safeTransfer(msg.sender, done.seized);
    }

    // ---- reading

    function collateralToken() external view returns (address) {
        return address(_collateral);
    }

    function debtToken() external view returns (address) {
        return address(_debt);
    }

    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    function oraclePrice() public view returns (uint256) {
        return oracle.price();
    }

    function debtOf(address account) public view returns (uint256) {
        return _mulUp(_scaledDebt[account], _accrued().index, WAD);
    }

    function healthFactor(address account) public view returns (uint256) {
        return LendingMath.healthFactor(collateralOf[account], debtOf(account), oraclePrice(), _rules());
    }

    /// @inheritdoc IGovernedMarket
    function borrowState() public view returns (uint256 utilisationBps, uint256 totalBorrow) {
        Ledger memory now_ = _accrued();
        totalBorrow = _borrowOf(now_);
        utilisationBps = now_.supply == 0 ? 0 : _mulUp(totalBorrow, LendingMath.BPS_ONE, now_.supply);
    }

    function marketState() external view returns (MarketState memory) {
        Ledger memory now_ = _accrued();
        (uint256 utilisationBps, uint256 totalBorrow) = borrowState();
        return MarketState(
            _parameters,
            oraclePrice(),
            totalCollateral,
            now_.supply,
            totalBorrow,
            now_.reserves,
            now_.badDebt,
            utilisationBps,
            _borrowers.length
        );
    }

    /// @notice A page of the accounts that have debt, in no particular order.
    function borrowers(uint256 offset, uint256 limit) external view returns (Borrower[] memory page) {
        uint256 left = offset < _borrowers.length ? _borrowers.length - offset : 0;
        page = new Borrower[](limit < left ? limit : left);
        uint256 index = _accrued().index;
        for (uint256 i; i < page.length; ++i) {
            address account = _borrowers[offset + i];
            page[i] = Borrower(account, collateralOf[account], _mulUp(_scaledDebt[account], index, WAD));
        }
    }

    // ---- internal

    function _rules() private view returns (LendingMath.Rules memory) {
        return LendingMath.Rules(
            _parameters.liquidationThresholdBps,
            _parameters.liquidationBonusBps,
            closeFactorBps,
            _collateralOne,
            _debtOne
        );
    }

    function _takeCollateral(address account, uint256 amount) private {
        if (_parameters.isOpen == 0) revert Frozen();
        uint256 total = totalCollateral + amount;
        if (total > _parameters.supplyCap) revert CapExceeded(total, _parameters.supplyCap);
        totalCollateral = total;
        collateralOf[account] += amount;
        emit CollateralSupplied(account, amount);
        _collateral.safeTransferFrom(msg.sender, address(this), amount);
    }

    function _lend(address account, uint256 amount) private {
        if (_parameters.isOpen == 0) revert Frozen();
        _requireCash(amount);
        uint256 scaled = _mulUp(amount, WAD, _ledger.index);
        _scaledDebt[account] += scaled;
        _ledger.scaledBorrow += scaled;
        uint256 total = _borrowOf(_ledger);
        if (total > _parameters.borrowCap) revert CapExceeded(total, _parameters.borrowCap);
        if (_borrowerNumber[account] == 0 && scaled != 0) {
            _borrowers.push(account);
            _borrowerNumber[account] = _borrowers.length;
        }
        emit Borrowed(account, amount);
        _debt.safeTransfer(account, amount);
    }

    function _requireCash(uint256 amount) private view {
        uint256 cash = _debt.balanceOf(address(this));
        if (amount > cash) revert NotEnoughCash(amount, cash);
    }

    function _requireLtv(address account) private view {
        uint256 debt = debtOf(account);
        uint256 allowed =
            LendingMath.maxBorrow(collateralOf[account], oraclePrice(), _parameters.ltvBps, _rules());
        if (debt > allowed) revert NotEnoughCollateral(debt, allowed);
    }

    /// @dev Rounds the debt that is left up.
    function _reduceDebt(address account, uint256 debt, uint256 amount) private {
        uint256 left = amount == debt ? 0 : _mulUp(debt - amount, WAD, _ledger.index);
        uint256 before = _scaledDebt[account];
        if (left > before) left = before;
        _scaledDebt[account] = left;
        uint256 gone = before - left;
        _ledger.scaledBorrow -= gone;
        if (left == 0) _forget(account);
    }

    function _forget(address account) private {
        uint256 number = _borrowerNumber[account];
        if (number == 0) return;
        address last = _borrowers[_borrowers.length - 1];
        _borrowers[number - 1] = last;
        _borrowerNumber[last] = number;
        delete _borrowerNumber[account];
        _borrowers.pop();
    }
}
