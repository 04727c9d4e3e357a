// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IVetoPower} from "./IVetoPower.sol";
import {TreasuryList} from "./TreasuryList.sol";

/// @notice Veto power of tokens that count blocks. A proposal's snapshot is a time; its block is fixed when the
/// proposal is created, from the configured block time.
/// @dev Warning: when the chain is slower than configured, votes have to wait until that block has passed; they
/// are never counted at another one, or tokens could vote twice.
abstract contract BlockVotesPower is IVetoPower, TreasuryList {
    uint256 private constant FARTHEST_SECONDS = 12 hours;

    uint256 public immutable blockMilliseconds;
    mapping(uint256 timepoint => uint256) public blockOf;

    event SnapshotFixed(uint256 indexed timepoint, uint256 blockNumber);

    error BadBlockTime();
    error SnapshotNotFixed(uint256 timepoint);
    error SnapshotAhead(uint256 blockNumber);
    error DelegateAtTheToken();

    constructor(uint256 blockMilliseconds_) {
        if (blockMilliseconds_ == 0) revert BadBlockTime();
        blockMilliseconds = blockMilliseconds_;
    }

    /// @dev Anyone may, and the first call decides: a time point in the past gives nothing, one that is farther away
    /// than the governors' voting delay would make a worse estimate than theirs.
    function fixSnapshot(uint256 timepoint) external {
        if (blockOf[timepoint] != 0 || timepoint < block.timestamp) return;
        if (timepoint > block.timestamp + FARTHEST_SECONDS) return;
        uint256 fixedBlock = block.number + (timepoint - block.timestamp) * 1000 / blockMilliseconds;
        blockOf[timepoint] = fixedBlock;
        emit SnapshotFixed(timepoint, fixedBlock);
    }

    /// @dev The second before this one belongs to the block before this one; governors ask what a proposer had then.
    /// A time point that has been fixed is counted at its block alone.
    function getPastVotes(address account, uint256 timepoint) external view returns (uint256) {
        if (timepoint + 1 == block.timestamp && blockOf[timepoint] == 0) return _powerAt(account, block.number - 1);
        return _powerAt(account, _pastBlock(timepoint));
    }

    function getPastTotalSupply(uint256 timepoint) external view returns (uint256) {
        return _supplyAt(_pastBlock(timepoint));
    }

    function votableSupply(uint256 timepoint) external view returns (uint256 supply) {
        uint256 past = _pastBlock(timepoint);
        supply = _supplyAt(past);
        address[] memory excluded = treasuries();
        for (uint256 i; i < excluded.length; ++i) supply -= _powerAt(excluded[i], past);
    }

    function getVotes(address account) external view returns (uint256) {
        return _powerAt(account, block.number - 1);
    }

    function isExcluded(address account) public view override(IVetoPower, TreasuryList) returns (bool) {
        return super.isExcluded(account);
    }

    function clock() external view returns (uint48) {
        return SafeCast.toUint48(block.timestamp);
    }

    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() external pure returns (string memory) {
        return "mode=timestamp";
    }

    function delegates(address) external pure virtual returns (address) {
        return address(0);
    }

    function delegate(address) external pure {
        revert DelegateAtTheToken();
    }

    function delegateBySig(address, uint256, uint256, uint8, bytes32, bytes32) external pure {
        revert DelegateAtTheToken();
    }

    function _powerAt(address account, uint256 blockNumber) internal view virtual returns (uint256);

    function _supplyAt(uint256 blockNumber) internal view virtual returns (uint256);

    function _pastBlock(uint256 timepoint) private view returns (uint256 past) {
        past = blockOf[timepoint];
        if (past == 0) revert SnapshotNotFixed(timepoint);
        if (past >= block.number) revert SnapshotAhead(past);
    }
}
