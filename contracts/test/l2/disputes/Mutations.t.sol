// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../../src/interfaces/IRounds.sol";
import {IVerifier} from "../../../src/interfaces/IVerifier.sol";
import {Accuser} from "./Accuser.sol";

/// @notice Every way to change a right outcome is refuted: by its witness, or by posting.
/// forge-config: default.fuzz.runs = 24
contract MutationsTest is Accuser {
    uint64 private constant N = 2; // live: every second round is while nothing is certified

    /// @dev A market, and the right outcome of its round with at least two matches.
    function _market(uint256 seed) private returns (Outcome memory right) {
        vm.warp(GENESIS + 10);
        _fillMarket(seed, 4, 9);
        right = _right(N);
        vm.assume(_count(right) > 1);
    }

    /// @dev Certifies and posts a wrong outcome in full, and lets anyone refute it by a pair that blocks it.
    function _blockedOnceItStands(Outcome memory wrong) private {
        bytes memory header = _settleAndPost(wrong);
        assertTrue(_statusOf(N) == IRounds.Status.Settled, "posted in full");
        assertTrue(_someBlocks(wrong, header), "a pair blocks");
    }

    function _refusedAtPosting(Outcome memory wrong, uint8 expected) private {
        _settleAndPost(wrong);
        (uint8 code,,) = rounds.refutationOf(N);
        assertEq(code, expected, "code by posting");
    }

    function testFuzz_aDroppedMatchLeavesAPairThatBlocks(uint256 seed) external {
        Outcome memory right = _market(seed);
        Entry[] memory entries = _entries(right.list);
        _blockedOnceItStands(_outcomeOf(right, _without(entries, seed % entries.length)));
    }

    function testFuzz_aListCutEarlyLeavesAPairThatBlocks(uint256 seed) external {
        Outcome memory right = _market(seed);
        Entry[] memory none = new Entry[](0);
        _blockedOnceItStands(_outcomeOf(right, none));
    }

    function testFuzz_aMatchMovedToAnotherMachineIsBlocked(uint256 seed) external {
        Outcome memory right = _market(seed);
        Entry[] memory entries = _entries(right.list);
        for (uint256 i; i < entries.length; ++i) {
            for (uint64 offer = 1; offer <= market.offerCount(); ++offer) {
                Entry memory e = entries[i];
                if (offer == e.offer || !_isFree(right, offer, e.request)) continue;
                entries[i] = _rated(right, offer, e.request);
                _blockedOnceItStands(_outcomeOf(right, entries));
                return;
            }
        }
        vm.assume(false);
    }

    /// @dev Whether a machine has room for one more, and the pair exists.
    function _isFree(Outcome memory o, uint64 offer, uint64 request) private view returns (bool) {
        if (verifier.pairs(o.n, o.seed, abi.encodePacked(request, offer))[0].ineligible != 0) return false;
        uint256 used;
        for (uint256 i; i < _count(o); ++i) {
            if (_get(o.list, 49 * i, 8) == offer) used = _get(o.list, 49 * i + 32, 17);
        }
        return _holds(o.n, offer, used, request);
    }

    function testFuzz_anotherRequestInAMatchsPlaceIsBlocked(uint256 seed) external {
        Outcome memory right = _market(seed);
        Entry[] memory entries = _entries(right.list);
        for (uint64 r = 1; r <= market.requestCount(); ++r) {
            (Entry memory e, bool matched) = (entries[seed % entries.length], false);
            for (uint256 i; i < entries.length; ++i) {
                if (entries[i].request == r) matched = true;
            }
            if (matched || verifier.pairs(N, right.seed, abi.encodePacked(r, e.offer))[0].ineligible != 0) continue;
            if (_demandOf(r) > _demandOf(e.request)) continue;
            entries[seed % entries.length] = _rated(right, e.offer, r);
            _blockedOnceItStands(_outcomeOf(right, entries));
            return;
        }
        vm.assume(false);
    }

    function testFuzz_aWrongScoreIsSeenInItsEntry(uint256 seed, uint64 score) external {
        Outcome memory right = _market(seed);
        Entry[] memory entries = _entries(right.list);
        uint256 i = seed % entries.length;
        vm.assume(score != entries[i].score);
        entries[i].score = score;
        Outcome memory wrong = _outcomeOf(right, entries);
        assertTrue(_shows(wrong, 2, 11), "wrong score");
    }

    function testFuzz_aWrongTieIsSeenInItsEntry(uint256 seed, uint64 tie) external {
        Outcome memory right = _market(seed);
        Entry[] memory entries = _entries(right.list);
        uint256 i = seed % entries.length;
        vm.assume(tie != entries[i].tie);
        entries[i].tie = tie;
        Outcome memory wrong = _outcomeOf(right, entries);
        assertTrue(_shows(wrong, 2, 12), "wrong tie");
    }

    function testFuzz_aWrongSumIsSeenBesideTheEntryBefore(uint256 seed, uint8 component, uint32 by) external {
        Outcome memory right = _market(seed);
        uint256 i = seed % _count(right);
        // One of the five components, changed by something.
        uint256 first = 49 * i + 32;
        uint256 offset = component % 5 == 0 ? first : first + 1 + 4 * (component % 5 - 1);
        uint256 width = component % 5 == 0 ? 1 : 4;
        uint256 change = bound(by, 1, width == 1 ? 255 : type(uint32).max);
        _put(right.list, offset, width, _get(right.list, offset, width) ^ change);
        assertTrue(_shows(right, 3, 8), "wrong sum");
        _refusedAtPosting(right, 8);
    }

    function testFuzz_twoEntriesOfAnOfferInTheWrongOrder(uint256 seed) external {
        Outcome memory right = _market(seed);
        Entry[] memory entries = _entries(right.list);
        for (uint256 i = 1; i < entries.length; ++i) {
            if (entries[i].offer != entries[i - 1].offer) continue;
            (entries[i], entries[i - 1]) = (entries[i - 1], entries[i]);
            Outcome memory wrong = _outcomeAsIs(right, entries);
            assertTrue(_shows(wrong, 3, 6), "wrong order");
            _refusedAtPosting(wrong, 6);
            return;
        }
        vm.assume(false);
    }

    function testFuzz_offersInTheWrongOrder(uint256 seed) external {
        Outcome memory right = _market(seed);
        Entry[] memory entries = _entries(right.list);
        for (uint256 i = 1; i < entries.length; ++i) {
            if (entries[i].offer == entries[i - 1].offer) continue;
            (entries[i], entries[i - 1]) = (entries[i - 1], entries[i]);
            Outcome memory wrong = _outcomeAsIs(right, entries);
            assertTrue(_shows(wrong, 3, 7), "offers do not ascend");
            _refusedAtPosting(wrong, 7);
            return;
        }
        vm.assume(false);
    }

    /// @dev One machine's entries in two runs: each begins its sum anew, so that it would be filled twice.
    function testFuzz_anOffersListInTwoParts(uint256 seed) external {
        Outcome memory right = _market(seed);
        Entry[] memory entries = _entries(right.list);
        vm.assume(entries[0].offer != entries[entries.length - 1].offer);
        Entry memory last = entries[entries.length - 1];
        for (uint64 r = 1; r <= market.requestCount(); ++r) {
            if (verifier.pairs(N, right.seed, abi.encodePacked(r, entries[0].offer))[0].ineligible != 0) continue;
            if (r == last.request) continue;
            Outcome memory wrong = _outcomeAsIs(right, _with(entries, _rated(right, entries[0].offer, r)));
            assertTrue(_shows(wrong, 3, 7), "offers do not ascend");
            return;
        }
        vm.assume(false);
    }

    function testFuzz_aRequestMatchedTwice(uint256 seed) external {
        Outcome memory right = _market(seed);
        Entry[] memory entries = _entries(right.list);
        uint64 request = entries[seed % entries.length].request;
        Entry memory e = _rated(right, entries[(seed % entries.length + 1) % entries.length].offer, request);
        Outcome memory wrong = _outcomeOf(right, _with(entries, e));
        assertTrue(_shows(wrong, 4, 3), "twice");
        _settleAndPost(wrong);
        assertTrue(_statusOf(N) == IRounds.Status.Refuted, "refused at posting, for this or for the room it takes");
    }

    function testFuzz_anInventedRequestOrOffer(uint256 seed, uint64 id) external {
        Outcome memory right = _market(seed);
        vm.assume(id == 0 || id > 9);
        Entry memory e = _entryAt(right.list, seed % _count(right));
        bytes memory list = right.list;
        uint256 at_ = 49 * (seed % _count(right));
        _put(right.list, at_ + 8, 8, id);
        assertTrue(_shows(right, 2, 1), "no such request");
        _put(right.list, at_ + 8, 8, e.request);
        _put(right.list, at_, 8, id);
        assertTrue(_shows(right, 2, 2), "no such offer");
        assertEq(list, right.list, "the same list");
    }

    function testFuzz_aPairThatDoesNotExist(uint256 seed) external {
        Outcome memory right = _market(seed);
        Entry[] memory entries = _entries(right.list);
        for (uint64 r = 1; r <= market.requestCount(); ++r) {
            for (uint64 o = 1; o <= market.offerCount(); ++o) {
                if (verifier.pairs(N, right.seed, abi.encodePacked(r, o))[0].ineligible == 0) continue;
                entries[0] = Entry(o, r, 1, verifier.pairs(N, right.seed, abi.encodePacked(r, o))[0].tie);
                assertTrue(_shows(_outcomeOf(right, entries), 2, 10), "ineligible");
                return;
            }
        }
        vm.assume(false);
    }

    /// @dev A match more on a machine that is full: its sum is above what was free.
    function testFuzz_aMachineFilledOverItsCapacity(uint256 seed) external {
        Outcome memory right = _market(seed);
        Entry[] memory entries = _entries(right.list);
        for (uint256 i; i < entries.length; ++i) {
            for (uint64 r = 1; r <= market.requestCount(); ++r) {
                if (_isIn(entries, r) || _isFree(right, entries[i].offer, r)) continue;
                Entry memory e = _rated(right, entries[i].offer, r);
                if (e.score == 0) continue;
                Outcome memory wrong = _outcomeOf(right, _with(entries, e));
                assertTrue(_shows(wrong, 2, 9), "over capacity");
                _refusedAtPosting(wrong, 9);
                return;
            }
        }
        vm.assume(false);
    }

    function _isIn(Entry[] memory entries, uint64 request) private pure returns (bool) {
        for (uint256 i; i < entries.length; ++i) {
            if (entries[i].request == request) return true;
        }
        return false;
    }

    function testFuzz_anotherEntryAsTheLowest(uint256 seed, uint32 lowest) external {
        Outcome memory right = _market(seed);
        vm.assume(lowest != right.lowest);
        right.lowest = seed % 2 == 0 ? lowest : lowest % uint32(_count(right));
        vm.assume(_greedyLowest(right) != right.lowest);
        assertTrue(_shows(right, 5, 13), "wrong cut");
    }

    function _greedyLowest(Outcome memory o) private pure returns (uint32 lowest) {
        for (uint32 i; i < _count(o); ++i) {
            if (_rankAt(o.list, i) < _rankAt(o.list, lowest)) lowest = i;
        }
    }

    /// @dev Orders that were not open at T: posted after it, or closed before.
    function testFuzz_ordersThatWereNotOpen(uint256 seed) external {
        vm.warp(GENESIS + 10);
        _fillMarket(seed, 3, 6);
        vm.prank(TENANT);
        market.cancelRequest(1);
        vm.prank(PROVIDER);
        market.closeOffer(1);
        vm.warp(_closeOf(N));
        uint64 late = _postRequest(1, 2_000, 100);
        uint64 lateOffer = _postOffer(4, 600);
        Outcome memory right = _right(N);
        Entry[] memory entries = new Entry[](1);
        entries[0] = Entry(2, 1, 5, 5);
        assertTrue(_shows(_outcomeOf(right, entries), 2, 4), "cancelled");
        entries[0] = Entry(2, late, 5, 5);
        assertTrue(_shows(_outcomeOf(right, entries), 2, 4), "too late");
        entries[0] = Entry(1, 2, 5, 5);
        assertTrue(_shows(_outcomeOf(right, entries), 2, 5), "closed");
        entries[0] = Entry(lateOffer, 2, 5, 5);
        assertTrue(_shows(_outcomeOf(right, entries), 2, 5), "too late");
    }

    function testFuzz_aRequestThatARoundBeforeHasMatched(uint256 seed) external {
        Outcome memory right = _market(seed);
        _settleAndPost(right);
        uint64 request = _entryAt(right.list, 0).request;
        uint64 next = N + 1;
        vm.warp(_closeOf(next) + 10);
        Outcome memory later = _right(next);
        Entry[] memory entries = new Entry[](1);
        entries[0] = Entry(_entryAt(right.list, 0).offer, request, 5, 5);
        assertTrue(_shows(_outcomeOf(later, entries), 2, 3), "matched before");
        IVerifier.Pair[] memory pairs = verifier.pairs(next, later.seed, abi.encodePacked(request, uint64(1)));
        assertEq(pairs[0].ineligible, 23, "no input any more");
    }
}
