// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @notice Price of the collateral in USD, eight decimals, reported by one key (Chainlink's reading interface).
/// @dev Warning: for demonstrations. One reporter is trusted; a silent one leaves an old price standing.
contract DemoOracle is Ownable {
    uint8 public constant decimals = 8;
    address public reporter;
    uint80 public roundId;
    uint256 public price;
    uint64 public observedAt;
    uint64 public reportedAt;

    event PriceReported(uint80 indexed roundId, uint256 price, uint64 observedAt);
    event ReporterSet(address reporter);

    error NotReporter(address caller);
    error BadPrice(uint256 price);
    error BadObservationTime(uint64 observedAt);

    constructor(address owner, address reporter_, uint256 price_, uint64 observedAt_) Ownable(owner) {
        reporter = reporter_;
        emit ReporterSet(reporter_);
        _report(price_, observedAt_);
    }

    /// @param observedAt_ Close of the bar that the price was seen in; never older than the last report's.
    function report(uint256 price_, uint64 observedAt_) external {
        if (msg.sender != reporter) revert NotReporter(msg.sender);
        _report(price_, observedAt_);
    }

    function setReporter(address next) external onlyOwner {
        reporter = next;
        emit ReporterSet(next);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (roundId, int256(price), observedAt, reportedAt, roundId);
    }

    function _report(uint256 price_, uint64 observedAt_) private {
        if (price_ == 0 || price_ > type(uint128).max) revert BadPrice(price_);
        if (observedAt_ < observedAt || observedAt_ > block.timestamp) revert BadObservationTime(observedAt_);
        (price, observedAt, reportedAt) = (price_, observedAt_, uint64(block.timestamp));
        emit PriceReported(++roundId, price_, observedAt_);
    }
}
