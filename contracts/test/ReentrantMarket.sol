// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarketAdapter} from "../src/adapters/IMarketAdapter.sol";
import {Parameters} from "../src/types/ParameterTypes.sol";
import {CrookedMarket} from "./CrookedMarket.sol";

/// @notice While it is being written to, tries to step a ramp or to make a second change. For tests.
contract ReentrantMarket is CrookedMarket {
    IMarketAdapter public adapter;
    bytes public attempt;
    bytes public refusal;

    constructor(address collateral, Parameters memory initial) CrookedMarket(collateral, initial) {}

    /// @notice From now on a write sends `call` to the adapter first.
    function plan(IMarketAdapter adapter_, bytes calldata call_) external {
        (adapter, attempt) = (adapter_, call_);
    }

    function setParameters(Parameters calldata next) public override {
        if (attempt.length != 0) {
            (bool done, bytes memory answer) = address(adapter).call(attempt);
            require(!done, "re-entered");
            refusal = answer;
        }
        super.setParameters(next);
    }
}
