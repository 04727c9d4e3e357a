// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What the gate needs of the model registry.
interface IModelRegistry {
    /// @notice Whether `model` was published and neither it nor any of its ancestors has been revoked.
    function isLive(bytes32 model) external view returns (bool);
}
