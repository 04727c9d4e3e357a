// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC5805} from "@openzeppelin/contracts/interfaces/IERC5805.sol";

/// @notice Where the votes of a veto and of the full holder vote come from. Shaped as OpenZeppelin's votes, so that
/// the governors need nothing of their own; an adapter per token family says what `getPastVotes` means there. Time points are time stamps.
interface IVetoPower is IERC5805 {
    /// @notice Past supply that may vote: all of it but the excluded treasuries.
    function votableSupply(uint256 timepoint) external view returns (uint256);

    /// @notice Whether `account` is a treasury that must not vote.
    function isExcluded(address account) external view returns (bool);

    /// @notice Called when a proposal is created, with its snapshot's time point, for tokens that count blocks.
    function fixSnapshot(uint256 timepoint) external;
}
