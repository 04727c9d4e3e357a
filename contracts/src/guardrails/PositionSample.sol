// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Heap} from "@openzeppelin/contracts/utils/structs/Heap.sol";

/// @notice The largest positions, by debt, that anyone has named out of a signed positions root.
///
///     name (anyone, Merkle proof) ──► 64 largest by committed debt ──► adapter counts what a change endangers
///
/// @dev Naming healthy positions pushes out nothing: only a larger debt does. A position that grew after the
/// snapshot counts with the debt that it had there, so that nobody can block a cut by borrowing.
contract PositionSample {
    using Heap for Heap.Uint256Heap;

    struct Named {
        address account;
        uint256 debt;
    }

    uint256 public constant LARGEST_SAMPLE = 64;

    mapping(bytes32 root => Heap.Uint256Heap) private _largest;
    mapping(bytes32 root => mapping(address account => bool)) public isNamed;

    event PositionNamed(bytes32 indexed root, address indexed account, uint256 debt);

    error NotInRoot(bytes32 root, address account);
    error AlreadyNamed(address account);
    error SmallerThanSample(uint256 debt, uint256 smallest);
    error DebtTooLarge(uint256 debt);

    /// @notice Names one position of `root`; the leaf is keccak256(abi.encode(account, collateral, debt)) in
    /// OpenZeppelin's StandardMerkleTree over bytes32.
    function name(bytes32 root, address account, uint256 collateral, uint256 debt, bytes32[] calldata proof) external {
        bytes32 value = keccak256(abi.encode(account, collateral, debt));
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(value))));
        if (!MerkleProof.verifyCalldata(proof, root, leaf)) revert NotInRoot(root, account);
        if (isNamed[root][account]) revert AlreadyNamed(account);
        if (debt > type(uint96).max) revert DebtTooLarge(debt);
        isNamed[root][account] = true;
        uint256 packed = (debt << 160) | uint160(account);
        Heap.Uint256Heap storage largest = _largest[root];
        if (largest.length() < LARGEST_SAMPLE) {
            largest.insert(packed);
        } else {
            uint256 smallest = largest.peek();
            if (packed <= smallest) revert SmallerThanSample(debt, smallest >> 160);
            largest.replace(packed);
        }
        emit PositionNamed(root, account, debt);
    }

    function sizeOf(bytes32 root) external view returns (uint256) {
        return _largest[root].length();
    }

    /// @notice The sample of `root`, in no order.
    function positionsOf(bytes32 root) external view returns (Named[] memory positions) {
        Heap.Uint256Heap storage largest = _largest[root];
        positions = new Named[](largest.length());
        for (uint256 i; i < positions.length; ++i) {
            uint256 packed = largest.tree[i];
            positions[i] = Named(address(uint160(packed)), packed >> 160);
        }
    }
}
