// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BlockVotesPower} from "./BlockVotesPower.sol";
import {TreasuryList} from "./TreasuryList.sol";

/// @notice What AAVE before its version 3 and its kin offer.
interface IAaveLike {
    enum DelegationType {
        VOTING_POWER,
        PROPOSITION_POWER
    }

    function getPowerAtBlock(address user, uint256 blockNumber, DelegationType delegationType)
        external
        view
        returns (uint256);

    function totalSupplyAt(uint256 blockNumber) external view returns (uint256);
}

/// @notice Veto power of an Aave-like token with history. AAVE version 3 keeps none: see VotesEscrow.
contract AavePower is BlockVotesPower {
    IAaveLike public immutable votes;

    constructor(IAaveLike votes_, address[] memory treasuries_, uint256 blockMilliseconds_)
        BlockVotesPower(blockMilliseconds_)
        TreasuryList(treasuries_)
    {
        votes = votes_;
    }

    function _powerAt(address account, uint256 blockNumber) internal view override returns (uint256) {
        return votes.getPowerAtBlock(account, blockNumber, IAaveLike.DelegationType.VOTING_POWER);
    }

    function _supplyAt(uint256 blockNumber) internal view override returns (uint256) {
        return votes.totalSupplyAt(blockNumber);
    }
}
