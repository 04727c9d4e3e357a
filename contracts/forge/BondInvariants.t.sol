// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {UpdateGate} from "../src/governor/UpdateGate.sol";
import {AgentRegistry} from "../src/registry/AgentRegistry.sol";
import {IModelRegistry} from "../src/registry/IModelRegistry.sol";
import {SeatRegistry} from "../src/registry/SeatRegistry.sol";
import {Bonds, IClaimVerifier} from "../src/settlement/Bonds.sol";
import {DemoToken} from "../src/demo/DemoToken.sol";
import {Campaign} from "./Campaign.sol";
import {ForgeTest} from "./ForgeTest.sol";

/// @notice Finds a claim wrong when its first byte is odd.
contract OddVerifier is IClaimVerifier {
    function isWrong(uint256, bytes calldata claim) external pure returns (bool) {
        return uint8(claim[0]) % 2 == 1;
    }
}

/// @notice Four agents bond, unbond, withdraw and are challenged; time passes.
contract BondHandler is ForgeTest, Campaign {
    Bonds public immutable bonds;
    DemoToken public immutable token;
    uint256 public violations;
    uint256 public minted;

    constructor() {
        AgentRegistry identities = new AgentRegistry(address(this));
        SeatRegistry seats = new SeatRegistry(address(this), identities);
        UpdateGate gate = new UpdateGate(address(this), seats, IModelRegistry(address(0)));
        token = new DemoToken(address(this), "Money", "MNY", 6);
        bonds = new Bonds(address(this), token, identities, gate, 10e6);
        bonds.setVerifier(new OddVerifier());
        token.approve(address(bonds), type(uint256).max);
        for (uint256 n = 1; n <= 4; ++n) {
            vm.prank(owner(n));
            identities.register();
        }
    }

    function owner(uint256 agentId) public pure returns (address) {
        return address(uint160(0xA0000 + agentId));
    }

    function deposit(uint256 agent, uint128 amount) external counted {
        amount = uint128(within(amount, 1, 1_000_000e6));
        token.mint(address(this), amount);
        minted += amount;
        bonds.deposit(1 + agent % 4, amount);
        succeeded();
    }

    function unbond(uint256 agent, uint128 amount) external counted {
        uint256 agentId = 1 + agent % 4;
        uint128 bonded = bonds.bondOf(agentId).bonded;
        vm.prank(owner(agentId));
        bonds.startUnbonding(agentId, uint128(within(amount, 0, bonded)));
        succeeded();
    }

    function withdraw(uint256 agent, uint256 wait) external counted {
        uint256 agentId = 1 + agent % 4;
        vm.warp(vm.getBlockTimestamp() + within(wait, 0, 40 days));
        Bonds.Bond memory bond = bonds.bondOf(agentId);
        vm.prank(owner(agentId));
        try bonds.withdraw(agentId) {
            if (vm.getBlockTimestamp() < bond.releasedAt) ++violations;
            succeeded();
        } catch {
            if (bond.unbonding != 0 && vm.getBlockTimestamp() >= bond.releasedAt) ++violations;
            if (bond.unbonding == 0) succeeded(); // rightly refused: nothing was there
        }
    }

    function challenge(uint256 agent, uint8 claim) external counted {
        uint256 agentId = 1 + agent % 4;
        Bonds.Bond memory bond = bonds.bondOf(agentId);
        token.mint(address(this), 10e6);
        minted += 10e6;
        uint256 before = token.balanceOf(address(this));
        try bonds.challengeClaim(agentId, abi.encodePacked(claim)) returns (bool wrong) {
            uint256 all = uint256(bond.bonded) + bond.unbonding;
            uint256 now_ = token.balanceOf(address(this));
            if (wrong && now_ - before != all / 2) ++violations;
            if (!wrong && before - now_ != 10e6) ++violations;
            succeeded();
        } catch {
            if (bond.bonded + bond.unbonding != 0 || claim % 2 == 0) ++violations;
            succeeded(); // rightly refused: nothing to slash
        }
    }
}

/// @notice Bonds are conserved: what went in is there, was withdrawn, was paid to a challenger, or is burned.
contract BondInvariants is ForgeTest {
    BondHandler private handler;

    function setUp() external {
        vm.warp(1_800_000_000);
        handler = new BondHandler();
        bytes4[] memory selectors = new bytes4[](4);
        selectors[0] = BondHandler.deposit.selector;
        selectors[1] = BondHandler.unbond.selector;
        selectors[2] = BondHandler.withdraw.selector;
        selectors[3] = BondHandler.challenge.selector;
        callOnly(address(handler), selectors);
    }

    function invariant_bonds() external view {
        Bonds bonds = handler.bonds();
        uint256 bonded;
        uint256 elsewhere = handler.token().balanceOf(address(handler)) + handler.token().balanceOf(bonds.BURNED());
        for (uint256 n = 1; n <= 4; ++n) {
            Bonds.Bond memory bond = bonds.bondOf(n);
            bonded += uint256(bond.bonded) + bond.unbonding;
            elsewhere += handler.token().balanceOf(handler.owner(n));
        }
        vm.assertEq(bonded, bonds.totalBonds(), "the sum of bonds is not the total");
        vm.assertEq(handler.token().balanceOf(address(bonds)), bonded, "the contract does not hold the bonds");
        vm.assertEq(bonded + elsewhere, handler.minted(), "money appeared or vanished");
        vm.assertEq(handler.violations(), 0, "a rule of unbonding or slashing was broken");
    }

    function afterInvariant() external view {
        handler.requireSuccess(30);
    }
}
