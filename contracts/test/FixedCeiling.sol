// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICeiling} from "../src/adapters/IMarketAdapter.sol";
import {ParameterUpdate} from "../src/types/ParameterTypes.sol";

/// @notice A ceiling that is always the same. For tests.
contract FixedCeiling is ICeiling {
    uint256 private immutable _bps;

    constructor(uint256 bps) {
        _bps = bps;
    }

    function ceilingBps(ParameterUpdate calldata) external view returns (uint256) {
        return _bps;
    }
}
