// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {IERC6372} from "@openzeppelin/contracts/interfaces/IERC6372.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IVetoPower} from "./IVetoPower.sol";
import {TreasuryList} from "./TreasuryList.sol";

/// @notice Veto power of a token that keeps no history (AAVE version 3): what is deposited here votes, and stays
/// until the windows that it could vote in have ended.
///
///     deposit ──► votes for its holder, or whom it delegates to ──► withdraw, LOCK_SECONDS after the last deposit
///
/// @dev Veto threshold and holders' quorum are of the token's whole supply, not of what is deposited: few deposits
/// make neither cheaper. Warning: supply is today's; a token whose supply can fall must not be used here.
contract VotesEscrow is Votes, IVetoPower, TreasuryList {
    using SafeERC20 for IERC20;

    /// @notice The longest window: a holder vote's 12 h and 5 d; a veto's is 12 h and 60 h, and 24 h twice.
    uint256 public constant LOCK_SECONDS = 132 hours;

    IERC20 public immutable token;
    mapping(address account => uint256) public deposited;
    mapping(address account => uint256) public unlockedAt;

    event Deposited(address indexed account, uint256 amount, uint256 unlockedAt);
    event Withdrawn(address indexed account, uint256 amount);

    error Locked(address account, uint256 unlockedAt);
    error NotEnoughDeposited(address account, uint256 asked, uint256 found);

    constructor(IERC20 token_, address[] memory treasuries_)
        EIP712("Tribunate escrow", "1")
        TreasuryList(treasuries_)
    {
        token = token_;
    }

    /// @notice Deposits, and votes for oneself unless one has delegated already.
    function deposit(uint256 amount) external {
        if (delegates(msg.sender) == address(0)) _delegate(msg.sender, msg.sender);
        deposited[msg.sender] += amount;
        unlockedAt[msg.sender] = block.timestamp + LOCK_SECONDS;
        _transferVotingUnits(address(0), msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
        emit Deposited(msg.sender, amount, unlockedAt[msg.sender]);
    }

    function withdraw(uint256 amount) external {
        if (block.timestamp < unlockedAt[msg.sender]) revert Locked(msg.sender, unlockedAt[msg.sender]);
        uint256 found = deposited[msg.sender];
        if (amount > found) revert NotEnoughDeposited(msg.sender, amount, found);
        deposited[msg.sender] = found - amount;
        _transferVotingUnits(msg.sender, address(0), amount);
        token.safeTransfer(msg.sender, amount);
        emit Withdrawn(msg.sender, amount);
    }

    function votableSupply(uint256) external view returns (uint256 supply) {
        supply = token.totalSupply();
        address[] memory excluded = treasuries();
        for (uint256 i; i < excluded.length; ++i) supply -= token.balanceOf(excluded[i]);
    }

    /// @dev The token's, not that of the deposits.
    function getPastTotalSupply(uint256) public view override(Votes, IVotes) returns (uint256) {
        return token.totalSupply();
    }

    /// @dev Votes keeps the history by itself.
    function fixSnapshot(uint256) external {}

    function isExcluded(address account) public view override(IVetoPower, TreasuryList) returns (bool) {
        return super.isExcluded(account);
    }

    function clock() public view override(Votes, IERC6372) returns (uint48) {
        return SafeCast.toUint48(block.timestamp);
    }

    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override(Votes, IERC6372) returns (string memory) {
        return "mode=timestamp";
    }

    function _getVotingUnits(address account) internal view override returns (uint256) {
        return deposited[account];
    }
}
