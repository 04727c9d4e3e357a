// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GovernanceToken} from "../src/demo/GovernanceToken.sol";
import {ForgeTest} from "./ForgeTest.sol";

/// @notice Any sequence of transfers and delegations, by three holders.
contract TokenHandler is ForgeTest {
    GovernanceToken public immutable token;
    address[3] public holders;

    constructor(GovernanceToken token_, address[3] memory holders_) {
        (token, holders) = (token_, holders_);
    }

    function transfer(uint256 from, uint256 to, uint256 amount) external {
        address sender = holders[from % 3];
        amount = within(amount, 0, token.balanceOf(sender));
        vm.prank(sender);
        require(token.transfer(holders[to % 3], amount), "transfer");
    }

    function delegate(uint256 from, uint256 to) external {
        vm.prank(holders[from % 3]);
        token.delegate(holders[to % 3]);
    }
}

/// @notice Votes come from tokens: none appears, none is counted twice, and none moves in the past.
contract GovernanceTokenTest is ForgeTest {
    uint256 private constant SUPPLY = 1_000_000e18;
    GovernanceToken private token;
    address[3] private holders = [address(0xA11CE), address(0xB0B), address(0xCA401)];

    function setUp() external {
        token = new GovernanceToken(holders[0], SUPPLY);
        TokenHandler handler = new TokenHandler(token, holders);
        bytes4[] memory selectors = new bytes4[](2);
        (selectors[0], selectors[1]) = (TokenHandler.transfer.selector, TokenHandler.delegate.selector);
        callOnly(address(handler), selectors);
    }

    function invariant_votes_never_exceed_supply() external view {
        uint256 votes;
        for (uint256 i; i < holders.length; ++i) votes += token.getVotes(holders[i]);
        vm.assertLe(votes, token.totalSupply(), "votes above supply");
        vm.assertEq(token.totalSupply(), SUPPLY, "supply moved");
    }

    function testFuzz_a_transfer_moves_no_past_votes(uint256 amount) external {
        amount = within(amount, 0, SUPPLY);
        vm.prank(holders[0]);
        token.delegate(holders[0]);
        uint256 delegated = vm.getBlockTimestamp();
        vm.warp(delegated + 1);

        vm.prank(holders[0]);
        require(token.transfer(holders[1], amount), "transfer");

        vm.assertEq(token.getPastVotes(holders[0], delegated), SUPPLY, "the past moved");
        vm.assertEq(token.getVotes(holders[0]), SUPPLY - amount, "the present did not");
    }

    function test_nobody_votes_without_delegating() external view {
        vm.assertEq(token.getVotes(holders[0]), 0, "votes without delegation");
    }

    function test_a_transfer_above_the_balance_reverts() external {
        vm.prank(holders[1]);
        vm.expectRevert();
        token.transfer(holders[0], 1);
    }
}
