// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

interface IMintable {
    function mint(address to, uint256 amount) external;
    function approve(address spender, uint256 amount) external returns (bool);
    function balanceOf(address account) external view returns (uint256);
}

interface IScaled {
    function scaledBalanceOf(address account) external view returns (uint256);
}

interface IPoolUnderTest {
    function supply(address asset, uint256 amount, address onBehalfOf, uint16 referral) external;
    function borrow(address asset, uint256 amount, uint256 rateMode, uint16 referral, address onBehalfOf) external;
    function liquidationCall(address collateral, address debt, address user, uint256 cover, bool receiveAToken)
        external;
    function getReserveNormalizedIncome(address asset) external view returns (uint256);
    function getReserveNormalizedVariableDebt(address asset) external view returns (uint256);
    function getUserAccountData(address user)
        external
        view
        returns (uint256, uint256, uint256, uint256, uint256, uint256 healthFactor);
}

interface IConfiguratorUnderTest {
    function configureReserveAsCollateral(address asset, uint256 ltv, uint256 threshold, uint256 bonus) external;
    function setLiquidationProtocolFee(address asset, uint256 fee) external;
}

/// @notice What Aave's oracle asks of a feed.
contract SettablePrice {
    int256 public latestAnswer;

    function set(uint256 price) external {
        latestAnswer = int256(price);
    }
}

/// @notice An account whose position is opened by its maker.
contract Borrower {
    function open(IPoolUnderTest pool, IMintable collateral, uint256 supplied, address debt, uint256 borrowed) external {
        collateral.approve(address(pool), supplied);
        pool.supply(address(collateral), supplied, address(this), 0);
        pool.borrow(debt, borrowed, 2, 0, address(this));
    }
}

/// @notice Random liquidations against real bytecode of Aave V3, many in one call. For tests; meant for eth_call.
/// @dev It must be risk admin, and its two prices the oracle's. Each case is undone by a revert that carries what
/// was seen.
contract AaveLiquidations {
    struct Setting {
        IPoolUnderTest pool;
        IConfiguratorUnderTest configurator;
        IMintable collateral;
        IMintable debt;
        IScaled aToken;
        IScaled debtToken;
        address treasury;
    }

    struct Case {
        uint256 ltvBps;
        uint256 thresholdBps;
        uint256 bonus;
        uint256 feeBps;
        uint256 supplied;
        uint256 borrowed;
        uint256 openingPrice;
        uint256 collateralPrice;
        uint256 debtPrice;
        uint256 cover;
    }

    struct Seen {
        uint256 scaledCollateral;
        uint256 scaledDebt;
        uint256 collateralIndex;
        uint256 debtIndex;
        uint256 healthFactor;
        bool done;
        uint256 repaid;
        uint256 seized;
        uint256 scaledCollateralLeft;
        uint256 scaledDebtLeft;
        uint256 scaledFee;
        bytes4 refusal;
    }

    error Outcome(Seen seen);

    SettablePrice public immutable collateralPrice = new SettablePrice();
    SettablePrice public immutable debtPrice = new SettablePrice();
    Borrower public immutable borrower = new Borrower();
    Setting private _setting;

    constructor(Setting memory setting) {
        _setting = setting;
        collateralPrice.set(2_000e8);
        debtPrice.set(1e8);
    }

    function run(Case[] calldata cases) external returns (Seen[] memory seen) {
        seen = new Seen[](cases.length);
        for (uint256 i; i < cases.length; ++i) {
            try this.one(cases[i]) {}
            catch (bytes memory reason) {
                if (bytes4(reason) != Outcome.selector) _bubble(reason);
                seen[i] = _decoded(reason);
            }
        }
    }

    function one(Case calldata c) external {
        Setting memory s = _setting;
        s.configurator.configureReserveAsCollateral(address(s.collateral), c.ltvBps, c.thresholdBps, c.bonus);
        s.configurator.setLiquidationProtocolFee(address(s.collateral), c.feeBps);
        collateralPrice.set(c.openingPrice);
        s.collateral.mint(address(borrower), c.supplied);
        borrower.open(s.pool, s.collateral, c.supplied, address(s.debt), c.borrowed);
        collateralPrice.set(c.collateralPrice);
        debtPrice.set(c.debtPrice);
        s.debt.mint(address(this), c.cover);
        s.debt.approve(address(s.pool), c.cover);
        Seen memory seen = _before(s);
        _liquidate(s, seen, c.cover);
        revert Outcome(seen);
    }

    function _before(Setting memory s) private view returns (Seen memory seen) {
        seen.scaledCollateral = s.aToken.scaledBalanceOf(address(borrower));
        seen.scaledDebt = s.debtToken.scaledBalanceOf(address(borrower));
        seen.collateralIndex = s.pool.getReserveNormalizedIncome(address(s.collateral));
        seen.debtIndex = s.pool.getReserveNormalizedVariableDebt(address(s.debt));
        (,,,,, seen.healthFactor) = s.pool.getUserAccountData(address(borrower));
        seen.scaledFee = s.aToken.scaledBalanceOf(s.treasury);
    }

    function _liquidate(Setting memory s, Seen memory seen, uint256 cover) private {
        uint256 money = s.debt.balanceOf(address(this));
        uint256 held = s.collateral.balanceOf(address(this));
        try s.pool.liquidationCall(address(s.collateral), address(s.debt), address(borrower), cover, false) {
            seen.done = true;
            seen.repaid = money - s.debt.balanceOf(address(this));
            seen.seized = s.collateral.balanceOf(address(this)) - held;
        } catch (bytes memory reason) {
            seen.refusal = bytes4(reason);
        }
        seen.scaledCollateralLeft = s.aToken.scaledBalanceOf(address(borrower));
        seen.scaledDebtLeft = s.debtToken.scaledBalanceOf(address(borrower));
        seen.scaledFee = s.aToken.scaledBalanceOf(s.treasury) - seen.scaledFee;
    }

    function _decoded(bytes memory reason) private pure returns (Seen memory) {
        bytes memory body = new bytes(reason.length - 4);
        for (uint256 i; i < body.length; ++i) body[i] = reason[i + 4];
        return abi.decode(body, (Seen));
    }

    function _bubble(bytes memory reason) private pure {
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }
}
