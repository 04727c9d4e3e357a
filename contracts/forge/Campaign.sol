// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Counts how often each function of a handler does what it is for: a fuzzer that only ever bounces off
/// the first check proves nothing.
abstract contract Campaign {
    mapping(bytes4 => uint256) public callsOf;
    mapping(bytes4 => uint256) public successesOf;
    bytes4[] private _called;
    /// @dev A campaign that calls a function less often than this says nothing about it.
    uint256 private constant FEW = 30;

    error TooFewSuccesses(bytes4 selector, uint256 successes, uint256 calls);

    modifier counted() {
        if (callsOf[msg.sig]++ == 0) _called.push(msg.sig);
        _;
    }

    function succeeded() internal {
        ++successesOf[msg.sig];
    }

    /// @notice Reverts if a function has succeeded in fewer than `percent` of its calls.
    function requireSuccess(uint256 percent) external view {
        for (uint256 i; i < _called.length; ++i) {
            bytes4 selector = _called[i];
            (uint256 calls, uint256 successes) = (callsOf[selector], successesOf[selector]);
            if (calls >= FEW && successes * 100 < calls * percent) {
                revert TooFewSuccesses(selector, successes, calls);
            }
        }
    }
}
