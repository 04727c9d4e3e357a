// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Told by the identity registry when an agent's wallet is no longer what it was.
interface ISeatWatch {
    /// @notice Vacates the agent's seat, if it holds one. Anyone may call it once the wallet differs.
    function vacate(uint256 agentId) external;
}

/// @notice What seats need of an identity registry (ERC-8004, and the transport address that an agent has proven).
interface IAgentIdentity {
    function getAgentWallet(uint256 agentId) external view returns (address);

    function getMetadata(uint256 agentId, string memory key) external view returns (bytes memory);
}
