// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAaveLike} from "../src/votes/AavePower.sol";

/// @notice A token that counts blocks and speaks as COMP and as AAVE before version 3 do. For tests.
contract BlockVotesToken is ERC20, ERC20Votes {
    constructor(uint256 supply) ERC20("Votes", "VOTES") EIP712("Votes", "1") {
        _mint(msg.sender, supply);
    }

    function getPriorVotes(address account, uint256 blockNumber) external view returns (uint96) {
        return SafeCast.toUint96(getPastVotes(account, blockNumber));
    }

    function getPowerAtBlock(address user, uint256 blockNumber, IAaveLike.DelegationType)
        external
        view
        returns (uint256)
    {
        return getPastVotes(user, blockNumber);
    }

    /// @dev As there, an account that has named nobody has its own power; here it has to delegate to have any.
    function getDelegateeByType(address delegator, IAaveLike.DelegationType) external view returns (address) {
        address named = delegates(delegator);
        return named == address(0) ? delegator : named;
    }

    function totalSupplyAt(uint256 blockNumber) external view returns (uint256) {
        return getPastTotalSupply(blockNumber);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }
}
