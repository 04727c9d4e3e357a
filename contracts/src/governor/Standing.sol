// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Lane} from "../types/ParameterTypes.sol";

/// @notice What the governor keeps of a proposal beside OpenZeppelin's own record: one word.
/// @dev `signers` and `withdrawn` have one bit per place of seat table `version`. `threshold` is kept by the first
/// vote, so that later ones need not ask the token again; zero before, and when it does not fit.
struct Standing {
    uint32 version;
    uint32 signers;
    uint32 withdrawn;
    uint8 faults;
    uint8 dissents;
    Lane lane;
    bool killed;
    bool extendedByVotes;
    bool extendedByAgents;
    uint104 threshold;
}
