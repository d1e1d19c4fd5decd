// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {Capacity} from "../lib/Capacity.sol";
import {Orders} from "../lib/Orders.sol";
import {OutcomeTree} from "../lib/OutcomeTree.sol";
import {PolicyPage} from "../lib/PolicyPage.sol";
import {RecordPages} from "../lib/RecordPages.sol";
import {UsedTrace} from "../lib/UsedTrace.sol";
import {OrderBook} from "./OrderBook.sol";

/// @title Opens the leases of a chunk of a round's list, and checks what posting checks.
/// @dev The one loop whose gas every match pays. It writes the request's slot and, once for each machine and
/// chunk, the offer's head and one checkpoint. It calls nothing foreign (the poster is rewarded after it) and looks at nothing that an order did
/// after T. Steps return a code of `Refuted`, or 0.
abstract contract LeaseOpener is OrderBook {
    uint256 private constant UNKNOWN_REQUEST = 1;
    uint256 private constant UNKNOWN_OFFER = 2;
    uint256 private constant MATCHED_TWICE = 3;
    uint256 private constant REQUEST_NOT_OPEN = 4;
    uint256 private constant OFFER_NOT_OPEN = 5;
    uint256 private constant WRONG_ORDER = 6;
    uint256 private constant OFFERS_NOT_ASCENDING = 7;
    uint256 private constant WRONG_SUM = 8;
    uint256 private constant OVER_CAPACITY = 9;

    /// @dev Where the position lies in a request's slot.
    uint256 private constant POSITION = 152;
    /// @dev Times of a round's chunks that share a slot, 40 bits each.
    uint256 private constant TIMES_PER_SLOT = 6;

    /// @notice Where rounds are settled.
    IRounds public immutable rounds;
    /// @notice Where the money is.
    IEscrow public immutable escrow;

    mapping(uint256 roundAndSix => uint256) private _chunkTimes;

    /// @dev A walk over a chunk's entries: the machine that they are at, and the pages read last. Vectors are spread
    /// (`Capacity`) but for `base` and `sum`. Assembly below knows the fields by their places: keep the order.
    struct Walk {
        uint256 t;
        uint256 free; // at T
        uint256 limit; // what may be used now
        uint256 lanes; // of this round's matches so far
        uint256 usedNow;
        uint256 sum; // of this round's matches so far, packed
        uint256 requestPage;
        address requestCode;
        uint256 key; // score ‖ tie ‖ request of the entry before
        uint256 offer;
        uint256 place; // of the offer's head in storage
        uint256 head;
        uint256 base; // what is used less `sum`, packed
        uint256 offerPage;
        address offerCode;
    }

    /// @notice Only `Rounds` opens leases.
    error NotRounds(address caller);

    constructor(IRounds rounds_, IProviders providers_, IEscrow escrow_, address forwarder)
        OrderBook(providers_, forwarder)
    {
        rounds = rounds_;
        escrow = escrow_;
    }

    /// @inheritdoc IMarket
    /// @dev Of an entry that breaks several rules the first in this order is named: 1, 3, 4; 7, 2, 5 or 6; 8; 9.
    function openLeases(uint64 round, uint64 t, uint32 first, bytes calldata entries, address poster) external {
        if (msg.sender != address(rounds)) revert NotRounds(msg.sender);
        Walk memory w;
        w.t = t;
        uint256 count = entries.length / OutcomeTree.ENTRY;
        uint256 lease = (uint256(round) + 1) << 112 | uint256(first) << POSITION;
        unchecked {
            for (uint256 i; i < count; ++i) {
                (uint256 pair, uint256 claimed) = OutcomeTree.entryAt(entries, i);
                (uint256 code, uint256 demand) = _bindRequest(w, lease, pair);
                if (code != 0) _refute(code, lease);
                uint256 key = pair << 128 >> 64 | pair >> 128 & type(uint64).max;
                if (i == 0 || pair >> 192 != w.offer) {
                    // Only a later chunk's first entry may go on with a sum that this chunk does not show.
                    code = _enter(w, pair >> 192, i == 0 && first != 0 ? claimed : demand, demand);
                } else if (key >= w.key) {
                    code = WRONG_ORDER;
                }
                if (code != 0) _refute(code, lease);
                w.key = key;
                code = _hold(w, claimed, demand);
                if (code != 0) _refute(code, lease);
                lease += 1 << POSITION;
            }
        }
        _leave(w);
        _stampChunk(round, first / OutcomeTree.CHUNK);
        emit LeasesOpened(round, first, uint64(block.timestamp), entries);
        escrow.reward(poster, _money(round).postingFee * count);
    }

    /// @dev The money section of the policy that a round is under.
    function _money(uint64 round) internal view returns (PolicyPage.Money memory) {
        (,, address page) = rounds.policyAt(round);
        return PolicyPage.money(page);
    }

    /// @dev When a chunk of a round was posted.
    function _timeOfChunk(uint256 round, uint256 chunk) internal view returns (uint256) {
        return _chunkTimes[_timesKey(round, chunk)] >> _timesShift(chunk) & TIME;
    }

    /// @dev Checks the request of an entry, writes its lease, and returns what it asks for, packed. `lease` holds
    /// round + 1 and position, at their places in the slot.
    function _bindRequest(Walk memory w, uint256 lease, uint256 pair) private returns (uint256 code, uint256 demand) {
        uint256 place;
        uint256 slot;
        assembly ("memory-safe") {
            // the place of _slots[request], found once for reading and writing
            mstore(0, and(shr(128, pair), 0xffffffffffffffff))
            mstore(0x20, _slots.slot)
            place := keccak256(0, 0x40)
            slot := sload(place)
        }
        uint256 page = slot >> 86 & 0x3ffffff;
        if (page != w.requestPage) (w.requestPage, w.requestCode) = (page, RecordPages.addressOf(page));
        assembly ("memory-safe") {
            // the request's word at REQUEST_DEMAND, 256 bytes into its 320, after the page's 6
            extcodecopy(mload(add(w, 0xe0)), 0, add(mul(and(shr(80, slot), 63), 320), 262), 0x20)
            let word := mload(0)
            demand := or(shl(128, and(shr(8, word), 0xff)), shr(128, word))

            // created <= t < closed (0 less 1: for ever) and t < valid_until
            let t := mload(w)
            let early := gt(and(slot, TIME), t)
            let late :=
                or(lt(sub(and(shr(40, slot), TIME), 1), t), iszero(gt(and(shr(32, word), 0xffffffffffffffff), t)))
            code := mul(or(early, late), REQUEST_NOT_OPEN)
            if and(shr(112, slot), TIME) { code := MATCHED_TWICE }
            if iszero(slot) { code := UNKNOWN_REQUEST }
            if iszero(code) { sstore(place, or(slot, or(lease, shl(184, shr(192, pair))))) }
        }
    }

    /// @dev Leaves the machine before and turns to another: its version at T, what is used of it now and what was
    /// at T. `claimed` less `demand` is the sum to begin with, taken on trust: entries of two chunks are compared
    /// by a dispute, not by posting.
    function _enter(Walk memory w, uint256 offer, uint256 claimed, uint256 demand) private returns (uint256 code) {
        if (offer < w.offer) return OFFERS_NOT_ASCENDING;
        _leave(w);
        uint256 head;
        assembly ("memory-safe") {
            // the place of _heads[offer]
            mstore(0, offer)
            mstore(0x20, _heads.slot)
            let place := keccak256(0, 0x40)
            head := sload(place)
            mstore(add(w, 0x140), place)
        }
        if (head == 0) return UNKNOWN_OFFER;
        uint256 locator = _locatorOf(head);
        // The page was looked at before, so its versions were there at T.
        if (locator >> 6 != w.offerPage || head & OFFER_CLOSED != 0) {
            locator = _locatorAt(offer, head, w.t);
            if (locator == 0) return OFFER_NOT_OPEN;
            (w.offerPage, w.offerCode) = (locator >> 6, RecordPages.pageOf(locator));
        }
        (w.offer, w.head) = (offer, head);
        if (!_measure(w, locator)) return OFFER_NOT_OPEN;
        if (claimed != demand) code = _trustSum(w, claimed, demand);
    }

    /// @dev Works out what was free on the machine at T, by the version at `locator`, and what may be used now.
    /// False if the version was not available any more.
    function _measure(Walk memory w, uint256 locator) private view returns (bool) {
        (uint256 capacity, uint256 until) = _capacityOf(w.offerCode, locator);
        if (w.t >= until) return false;
        uint256 head = w.head;
        w.base = UsedTrace.used(head);
        uint256 used = Capacity.spread(w.base);
        w.usedNow = used;
        if (!UsedTrace.isSince(head, w.t)) used = Capacity.spread(UsedTrace.valueAt(_history, w.offer, head, w.t));
        w.free = Capacity.minus(capacity, used);
        w.limit = used + w.free;
        (w.sum, w.lanes) = (0, 0);
        return true;
    }

    /// @dev Capacity (spread) and `available_until` of an offer's version.
    function _capacityOf(address page, uint256 locator) private view returns (uint256 capacity, uint256 until) {
        assembly ("memory-safe") {
            // 42 bytes from OFFER_CAPACITY (108 into the record's 160, after the page's 6) on: up to its gpus
            extcodecopy(page, 0, add(mul(and(locator, 63), 160), 114), 42)
            let word := mload(0)
            until := and(shr(32, word), 0xffffffffffffffff)
            capacity := or(shl(128, and(mload(10), 0xff)), shr(128, word))
        }
        capacity = Capacity.spread(capacity);
    }

    /// @dev Begins with a sum that an earlier chunk has led to.
    function _trustSum(Walk memory w, uint256 claimed, uint256 demand) private pure returns (uint256 code) {
        if (!Capacity.fits(Capacity.spread(demand), Capacity.spread(claimed))) return WRONG_SUM;
        unchecked {
            w.sum = claimed - demand; // no component borrows
            w.lanes = Capacity.spread(w.sum);
            w.base -= w.sum;
        }
    }

    /// @dev Adds one match to the machine: within what was free at T, and within what is free now. The second cannot
    /// fail for an honest list, since T only this round has opened leases; it keeps a lying one, which shows a
    /// machine in many chunks, from filling it more than once.
    function _hold(Walk memory w, uint256 claimed, uint256 demand) private pure returns (uint256 code) {
        unchecked {
            uint256 added = Capacity.spread(demand);
            uint256 lanes = w.lanes + added;
            uint256 usedNow = w.usedNow + added;
            // Packed sums may carry into a neighbour, but then the spread ones are over every capacity.
            uint256 sum = w.sum + demand;
            if (sum != claimed) return WRONG_SUM;
            if (!Capacity.bothFit(lanes, w.free, usedNow, w.limit)) return OVER_CAPACITY;
            w.lanes = lanes;
            w.usedNow = usedNow;
            w.sum = sum;
        }
    }

    /// @dev Writes what the machine holds now.
    function _leave(Walk memory w) private {
        if (w.offer == 0) return;
        unchecked {
            uint256 head = UsedTrace.push(_history, w.offer, w.head, w.base + w.sum);
            assembly ("memory-safe") {
                sstore(mload(add(w, 0x140)), head)
            }
        }
    }

    function _refute(uint256 code, uint256 lease) private pure {
        revert Refuted(uint8(code), uint32(lease >> POSITION));
    }

    function _stampChunk(uint256 round, uint256 chunk) private {
        _chunkTimes[_timesKey(round, chunk)] |= block.timestamp << _timesShift(chunk);
    }

    function _timesKey(uint256 round, uint256 chunk) private pure returns (uint256) {
        return round << 32 | chunk / TIMES_PER_SLOT;
    }

    function _timesShift(uint256 chunk) private pure returns (uint256) {
        return chunk % TIMES_PER_SLOT * 40;
    }
}
