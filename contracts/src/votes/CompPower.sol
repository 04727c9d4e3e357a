// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BlockVotesPower} from "./BlockVotesPower.sol";
import {TreasuryList} from "./TreasuryList.sol";

/// @notice What COMP, UNI and their kin offer.
interface ICompLike {
    function getPriorVotes(address account, uint256 blockNumber) external view returns (uint96);

    function totalSupply() external view returns (uint256);
}

/// @notice Veto power of a COMP-like token.
/// @dev Warning: such tokens keep no history of their supply; today's stands for it, so that the supply must not
/// shrink below what treasuries held (COMP and UNI cannot).
contract CompPower is BlockVotesPower {
    ICompLike public immutable votes;

    constructor(ICompLike votes_, address[] memory treasuries_, uint256 blockMilliseconds_)
        BlockVotesPower(blockMilliseconds_)
        TreasuryList(treasuries_)
    {
        votes = votes_;
    }

    function _powerAt(address account, uint256 blockNumber) internal view override returns (uint256) {
        return votes.getPriorVotes(account, blockNumber);
    }

    function _supplyAt(uint256) internal view override returns (uint256) {
        return votes.totalSupply();
    }
}
