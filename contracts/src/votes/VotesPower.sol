// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC5805} from "@openzeppelin/contracts/interfaces/IERC5805.sol";
import {IVetoPower} from "./IVetoPower.sol";
import {TreasuryList} from "./TreasuryList.sol";

/// @notice Veto power of an ERC20Votes token that counts time stamps (ERC-6372).
/// @dev Warning: votes that others delegate to a treasury leave the votable supply; treasuries delegate to
/// themselves, which the deployment check asserts.
contract VotesPower is IVetoPower, TreasuryList {
    IERC5805 public immutable votes;

    error NotTimestampClock(string mode);
    error DelegateAtTheToken();

    constructor(IERC5805 votes_, address[] memory treasuries_) TreasuryList(treasuries_) {
        if (keccak256(bytes(votes_.CLOCK_MODE())) != keccak256("mode=timestamp")) {
            revert NotTimestampClock(votes_.CLOCK_MODE());
        }
        votes = votes_;
    }

    function votableSupply(uint256 timepoint) external view returns (uint256 supply) {
        supply = votes.getPastTotalSupply(timepoint);
        address[] memory excluded = treasuries();
        for (uint256 i; i < excluded.length; ++i) {
            supply -= votes.getPastVotes(excluded[i], timepoint);
        }
    }

    /// @dev The token keeps its history by itself.
    function fixSnapshot(uint256) external {}

    function isExcluded(address account) public view override(IVetoPower, TreasuryList) returns (bool) {
        return super.isExcluded(account);
    }

    function getPastVotes(address account, uint256 timepoint) external view returns (uint256) {
        return votes.getPastVotes(account, timepoint);
    }

    function getPastTotalSupply(uint256 timepoint) external view returns (uint256) {
        return votes.getPastTotalSupply(timepoint);
    }

    function getVotes(address account) external view returns (uint256) {
        return votes.getVotes(account);
    }

    function delegates(address account) external view returns (address) {
        return votes.delegates(account);
    }

    function delegate(address) external pure {
        revert DelegateAtTheToken();
    }

    function delegateBySig(address, uint256, uint256, uint8, bytes32, bytes32) external pure {
        revert DelegateAtTheToken();
    }

    function clock() external view returns (uint48) {
        return votes.clock();
    }

    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() external view returns (string memory) {
        return votes.CLOCK_MODE();
    }
}
