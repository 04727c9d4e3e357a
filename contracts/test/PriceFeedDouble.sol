// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A Chainlink-like price feed that says what a test wants. For tests.
contract PriceFeedDouble {
    uint8 public constant decimals = 8;
    int256 public answer;
    uint80 public round;
    uint256 public updatedAt;

    constructor(int256 answer_) {
        setAnswer(answer_);
    }

    function setAnswer(int256 next) public {
        (answer, updatedAt) = (next, block.timestamp);
        ++round;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (round, answer, updatedAt, updatedAt, round);
    }
}
