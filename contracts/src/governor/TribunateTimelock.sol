// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @notice Holds every role over the market. The governor alone proposes, executes and cancels.
/// @dev Warning: an open executor would bypass grace, withdrawals and veto; grant EXECUTOR to nobody else.
contract TribunateTimelock is TimelockController {
    constructor(uint256 delaySeconds, address setUpAdmin)
        TimelockController(delaySeconds, new address[](0), new address[](0), setUpAdmin)
    {}
}
