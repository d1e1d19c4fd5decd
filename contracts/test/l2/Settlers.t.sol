// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Escrow} from "../../src/l2/Escrow.sol";
import {LeaseKit} from "./LeaseKit.sol";

/// @notice What settling a round earns, out of the pot that pays posters.
contract SettlersTest is LeaseKit {
    address private constant SETTLER = address(0xE5);
    uint64 private constant SETTLE_FEE = 30;

    function _settleRound(uint64 n) private {
        IRounds.Settlement memory s = _settlement(n, _outcomeRoot("", 0));
        if (block.timestamp < _closeOf(n) + 30) vm.warp(_closeOf(n) + 30);
        vm.prank(SETTLER);
        rounds.settle(s);
        rounds.postChunk(_headerOf(s), _chunk(n, "", 0));
    }

    function _paying() private {
        _moneyPolicy(30, 8, SETTLE_FEE);
        _postRequest(1, 100, 1_000); // fills the pot
    }

    function _hash(uint64 n) private view returns (bytes32 hash) {
        (, hash,) = rounds.policyAt(n);
    }

    function test_aSettlerIsPaidForEveryRound() external {
        _paying();
        _settleRound(2);
        _settleRound(3);
        assertEq(rounds.settledBy(SETTLER, _hash(2)), 2, "counted");
        vm.prank(STRANGER);
        assertEq(escrow.rewardSettler(SETTLER, 2), 2 * SETTLE_FEE, "paid");
        assertEq(escrow.creditOf(SETTLER, 0), 2 * SETTLE_FEE, "credit");
        assertEq(escrow.pot(), FEE - 2 * SETTLE_FEE, "pot");
    }

    function test_aRoundIsPaidOnce() external {
        _paying();
        _settleRound(2);
        escrow.rewardSettler(SETTLER, 2);
        vm.expectRevert(abi.encodeWithSelector(Escrow.NothingEarned.selector, SETTLER, _hash(2)));
        escrow.rewardSettler(SETTLER, 3);
        _settleRound(3);
        assertEq(escrow.rewardSettler(SETTLER, 3), SETTLE_FEE, "the next");
    }

    /// @dev Rounds of two policies have two prices.
    function test_theFeeIsThatOfTheRoundsPolicy() external {
        _paying();
        _moneyPolicy(30, 8, 500);
        for (uint64 n = 2; n <= 4; ++n) {
            _settleRound(n);
        }
        assertEq(escrow.rewardSettler(SETTLER, 4), 500, "the later");
        assertEq(escrow.rewardSettler(SETTLER, 2), 2 * SETTLE_FEE, "the earlier");
    }

    function test_anEmptyPotOwesTheSettler() external {
        _moneyPolicy(30, 8, SETTLE_FEE);
        _settleRound(2);
        assertEq(escrow.rewardSettler(SETTLER, 2), SETTLE_FEE, "earned");
        assertEq(escrow.debtOf(SETTLER), SETTLE_FEE, "owed");
        _postRequest(1, 100, 1_000);
        assertEq(escrow.collectDebt(SETTLER), SETTLE_FEE, "collected");
    }

    /// @dev Saying again what stands, and proposing without signatures, settle nothing.
    function test_onlyACertificateThatStandsIsCounted() external {
        IRounds.Settlement memory s = _settlement(0, _outcomeRoot("", 0));
        vm.warp(_closeOf(0) + 30);
        vm.startPrank(SETTLER);
        rounds.settle(s);
        rounds.settle(s);
        s.inputsRoot = keccak256("others");
        rounds.settle(s); // evidence
        vm.stopPrank();
        assertEq(rounds.settledBy(SETTLER, _hash(0)), 1, "once");
        _propose(2, "");
        assertEq(rounds.settledBy(PROPOSER, _hash(2)), 0, "a proposal");
        s = _settlement(2, _outcomeRoot("", 0));
        vm.prank(SETTLER);
        rounds.settle(s);
        assertEq(rounds.settledBy(SETTLER, _hash(2)), 2, "its certificate");
    }
}
