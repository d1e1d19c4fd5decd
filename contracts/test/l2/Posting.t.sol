// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {FeePot} from "../../src/l2/FeePot.sol";
import {Kit} from "./Kit.sol";

/// @notice What posting a chunk earns, and the pot that pays it.
contract PostingTest is Kit {
    /// @dev `count` matches of one GPU each on a machine of eight, the requests' fees paid in `currency`.
    function _matches(uint64 count, uint8 currency) private returns (bytes memory list) {
        _postOffer(8, 100);
        Entry[] memory e = new Entry[](count);
        for (uint64 i; i < count; ++i) {
            bytes memory r = _request(1, 100, 1_000, TENANT);
            _put(r, 290, 1, currency);
            vm.prank(TENANT);
            market.postRequests(r);
            e[i] = Entry(1, i + 1, 100 - i, 1);
        }
        return _list(e);
    }

    function _post(bytes memory list) private {
        bytes memory header = _headerOf(_certify(0, list));
        IRounds.Chunk memory c = _chunk(0, list, 0);
        vm.prank(POSTER);
        rounds.postChunk(header, c);
    }

    /// @dev Fees of currency 0, one more request's, after a time in which nothing could be paid.
    function _fill() private {
        _postRequest(1, 100, 1_000);
    }

    function _capped(uint256 cap) private {
        _newMarket(cap);
        _fund(TENANT);
    }

    // --- the fees ---

    function test_requestFeesFillThePot() external {
        _matches(3, 0);
        assertEq(escrow.pot(), 3 * FEE, "pot");
        assertEq(escrow.creditOf(TREASURY, 0), 0, "treasury");
    }

    function test_feesOfOtherCurrenciesGoToTheTreasury() external {
        _matches(3, 1);
        assertEq(escrow.pot(), 0, "pot");
        assertEq(escrow.creditOf(TREASURY, 1), 3 * FEE * 1e12, "treasury");
    }

    function test_aFullPotOverflowsToTheTreasury() external {
        _capped(2 * FEE + 1);
        for (uint256 i; i < 2; ++i) {
            _fill();
        }
        assertEq(escrow.creditOf(TREASURY, 0), 0, "nothing yet");
        _fill();
        assertEq(escrow.pot(), 2 * FEE + 1, "pot");
        assertEq(escrow.creditOf(TREASURY, 0), FEE - 1, "treasury");
        _fill();
        assertEq(escrow.pot(), 2 * FEE + 1, "pot stays");
        assertEq(escrow.creditOf(TREASURY, 0), 2 * FEE - 1, "all to the treasury");
    }

    function test_aPotWithoutRoomTakesNothing() external {
        _capped(0);
        _fill();
        assertEq(escrow.pot(), 0, "pot");
        assertEq(escrow.creditOf(TREASURY, 0), FEE, "treasury");
    }

    // --- posting ---

    function test_aPosterIsPaidForEachEntry() external {
        _post(_matches(3, 0));
        assertEq(escrow.creditOf(POSTER, 0), 3 * POSTING_FEE, "credit");
        assertEq(escrow.pot(), 3 * FEE - 3 * POSTING_FEE, "pot");
        assertEq(escrow.debtOf(POSTER), 0, "no debt");
        vm.prank(POSTER);
        assertEq(escrow.withdraw(0), 3 * POSTING_FEE, "withdrawn");
    }

    /// @dev Whoever sends the transaction to Rounds, not whoever certified.
    function test_thePosterIsTheCallerOfPostChunk() external {
        _post(_matches(1, 0));
        assertEq(escrow.creditOf(address(this), 0), 0, "not who settled");
    }

    function test_anEmptyListEarnsNothing() external {
        _fill();
        _post("");
        assertEq(escrow.creditOf(POSTER, 0) + escrow.debtOf(POSTER), 0, "nothing");
    }

    function test_aRefutedChunkEarnsNothing() external {
        _fill();
        _post(_entry(Entry(1, 9, 1, 1), 1));
        assertTrue(rounds.isVoid(0), "refuted");
        assertEq(escrow.creditOf(POSTER, 0) + escrow.debtOf(POSTER), 0, "nothing");
    }

    /// @dev The fee is that of the round's policy, not of today's.
    function test_theFeeIsThatOfTheRoundsPolicy() external {
        bytes memory page = _policy(2);
        _put(page, AT_MONEY + 22, 8, 999);
        vm.prank(TIMELOCK);
        rounds.setPolicy(page, 1);
        _post(_matches(2, 0));
        assertEq(escrow.creditOf(POSTER, 0), 2 * POSTING_FEE, "credit");
    }

    // --- debts ---

    function test_anEmptyPotOwesAndPostingGoesOn() external {
        _post(_matches(3, 1));
        assertTrue(_statusOf(0) == IRounds.Status.Settled, "settled");
        assertEq(escrow.creditOf(POSTER, 0), 0, "credit");
        assertEq(escrow.debtOf(POSTER), 3 * POSTING_FEE, "debt");
    }

    /// @dev Three entries at a whole request fee each, of which one has come into the pot.
    function _postDearly() private {
        bytes memory page = _policy(2);
        _put(page, AT_MONEY + 22, 8, FEE);
        vm.prank(TIMELOCK);
        rounds.setPolicy(page, 2);
        bytes memory list = _matches(3, 1);
        _fill();
        bytes memory header = _headerOf(_certify(2, list));
        IRounds.Chunk memory c = _chunk(2, list, 0);
        vm.prank(POSTER);
        rounds.postChunk(header, c);
    }

    function test_aShortPotPaysWhatItHasAndOwesTheRest() external {
        _postDearly();
        assertEq(escrow.creditOf(POSTER, 0), FEE, "what it had");
        assertEq(escrow.debtOf(POSTER), 2 * FEE, "debt");
        assertEq(escrow.pot(), 0, "pot");
    }

    function test_aDebtIsPaidInParts() external {
        _postDearly();
        for (uint256 i = 1; i <= 2; ++i) {
            _fill();
            assertEq(escrow.collectDebt(POSTER), FEE, "a part");
            assertEq(escrow.debtOf(POSTER), (2 - i) * FEE, "rest");
        }
        assertEq(escrow.creditOf(POSTER, 0), 3 * FEE, "all of it");
    }

    function test_anyoneCollectsADebtWhenThereIsMoney() external {
        _post(_matches(3, 1));
        _fill();
        vm.prank(address(0xBAD));
        assertEq(escrow.collectDebt(POSTER), 3 * POSTING_FEE, "paid");
        assertEq(escrow.creditOf(POSTER, 0), 3 * POSTING_FEE, "to the poster");
        assertEq(escrow.debtOf(POSTER), 0, "debt");
        assertEq(escrow.pot(), FEE - 3 * POSTING_FEE, "pot");
    }

    function test_whatIsNotOwedIsNotCollected() external {
        _fill();
        vm.expectRevert(abi.encodeWithSelector(FeePot.NothingToCollect.selector, POSTER, 0, FEE));
        escrow.collectDebt(POSTER);
    }

    function test_anEmptyPotPaysNoDebt() external {
        _post(_matches(3, 1));
        vm.expectRevert(abi.encodeWithSelector(FeePot.NothingToCollect.selector, POSTER, 3 * POSTING_FEE, 0));
        escrow.collectDebt(POSTER);
    }
}
