// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @notice What forge asks a test contract: which contracts, senders and functions an invariant run may call.
abstract contract ForgeTest {
    /// @dev forge's own address: the last 20 bytes of keccak256("hevm cheat code").
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    address[] private _targetContracts;
    address[] private _targetSenders;
    FuzzSelector[] private _targetSelectors;

    /// @notice Read by forge; true lets it know that this is a test.
    function IS_TEST() external pure returns (bool) {
        return true;
    }

    /// @notice Read by forge; without any, every contract that `setUp` made is called.
    function targetContracts() external view returns (address[] memory) {
        return _targetContracts;
    }

    /// @notice Read by forge; without any, senders are random.
    function targetSenders() external view returns (address[] memory) {
        return _targetSenders;
    }

    /// @notice Read by forge; without any, every function of a target is called.
    function targetSelectors() external view returns (FuzzSelector[] memory) {
        return _targetSelectors;
    }

    /// @notice Folds any number into [low, high], evenly.
    function within(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        if (value >= low && value <= high) return value;
        uint256 width = high - low + 1;
        return width == 0 ? value : low + value % width;
    }

    function callOnly(address target, bytes4[] memory selectors) internal {
        _targetContracts.push(target);
        _targetSelectors.push(FuzzSelector(target, selectors));
    }

    function callAs(address sender) internal {
        _targetSenders.push(sender);
    }
}
