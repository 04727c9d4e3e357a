// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IClaimVerifier} from "../src/settlement/Bonds.sol";

/// @notice Finds every claim wrong that says so. For tests.
contract FixedVerifier is IClaimVerifier {
    function isWrong(uint256, bytes calldata claim) external pure returns (bool) {
        return keccak256(claim) == keccak256("wrong");
    }
}
