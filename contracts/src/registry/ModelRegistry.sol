// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IModelRegistry} from "./IModelRegistry.sol";

/// @notice Append-only commitments to models: what they were trained on, by what code, and from what parents.
///
///     publish (anyone) ──► live ──► revoked (owner), with everything that descends from it
///
/// @dev An id is the hash of its content, publisher included: nobody can publish somebody else's id first.
contract ModelRegistry is Ownable, IModelRegistry {
    /// @dev `datasetRoot` and `codeHash` are SHA-256 or Merkle roots, as the publisher's card says.
    struct Model {
        bytes32 datasetRoot;
        bytes32 codeHash;
        bytes32 modelHash;
        bytes32[] parents;
    }

    struct Entry {
        address publisher;
        uint64 publishedAt;
        bool revoked;
        uint8 weight;
    }

    /// @notice A model weighs one more than its parents together, so that asking for its life stays cheap.
    uint256 public constant HEAVIEST = 32;

    mapping(bytes32 id => Entry) private _entries;
    mapping(bytes32 id => bytes32[]) private _parents;

    event ModelPublished(bytes32 indexed id, address indexed publisher, Model model, string uri);
    event ModelRevoked(bytes32 indexed id, string reason);

    error AlreadyPublished(bytes32 id);
    error NotPublished(bytes32 id);
    error TooManyAncestors(uint256 weight, uint256 allowed);
    error NothingCommitted();

    constructor(address owner_) Ownable(owner_) {}

    /// @notice Commits to a model. Content stands in the event; the registry keeps who, when, and its parents.
    function publish(Model calldata model, string calldata uri) external returns (bytes32 id) {
        if (model.modelHash == 0 || model.codeHash == 0) revert NothingCommitted();
        id = idOf(model, msg.sender);
        if (_entries[id].publishedAt != 0) revert AlreadyPublished(id);
        uint256 weight = 1;
        for (uint256 i; i < model.parents.length; ++i) {
            Entry storage parent = _entries[model.parents[i]];
            if (parent.publishedAt == 0) revert NotPublished(model.parents[i]);
            weight += parent.weight;
            if (weight > HEAVIEST) revert TooManyAncestors(weight, HEAVIEST);
        }
        _entries[id] = Entry(msg.sender, uint64(block.timestamp), false, uint8(weight));
        _parents[id] = model.parents;
        emit ModelPublished(id, msg.sender, model, uri);
    }

    /// @notice Takes a model, and all that descends from it, out of use for good.
    /// @dev Warning: proposals that rest on it can no longer be submitted or executed.
    function revoke(bytes32 id, string calldata reason) external onlyOwner {
        if (_entries[id].publishedAt == 0) revert NotPublished(id);
        _entries[id].revoked = true;
        emit ModelRevoked(id, reason);
    }

    /// @inheritdoc IModelRegistry
    function isLive(bytes32 id) public view returns (bool) {
        Entry storage entry = _entries[id];
        if (entry.publishedAt == 0 || entry.revoked) return false;
        if (entry.weight == 1) return true;
        bytes32[] storage parents = _parents[id];
        for (uint256 i; i < parents.length; ++i) {
            if (!isLive(parents[i])) return false;
        }
        return true;
    }

    function entryOf(bytes32 id) external view returns (Entry memory) {
        return _entries[id];
    }

    function parentsOf(bytes32 id) external view returns (bytes32[] memory) {
        return _parents[id];
    }

    function idOf(Model calldata model, address publisher) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), publisher, model));
    }
}
