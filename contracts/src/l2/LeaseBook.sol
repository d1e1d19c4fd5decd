// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {Capacity} from "../lib/Capacity.sol";
import {Orders} from "../lib/Orders.sol";
import {OutcomeTree} from "../lib/OutcomeTree.sol";
import {RecordPages} from "../lib/RecordPages.sol";
import {UsedTrace} from "../lib/UsedTrace.sol";
import {OrderBook} from "./OrderBook.sol";

/// @title Leases: opened by the chunks of a round's list, ended by their parties or by time.
/// @dev Opening writes the request's slot and, once for each machine and chunk, the offer's head and one
/// checkpoint. It calls nothing foreign, and looks at nothing that an order did after T.
abstract contract LeaseBook is OrderBook {
    /// @notice Most leases that one call closes.
    uint256 public constant MAX_CLOSES = 256;

    uint8 private constant BY_TENANT = 1;
    uint8 private constant BY_PROVIDER = 2;
    uint8 private constant TERM_OVER = 3;
    uint8 private constant VOID_ROUND = 4;

    uint8 private constant UNKNOWN_REQUEST = 1;
    uint8 private constant UNKNOWN_OFFER = 2;
    uint8 private constant MATCHED_TWICE = 3;
    uint8 private constant REQUEST_NOT_OPEN = 4;
    uint8 private constant OFFER_NOT_OPEN = 5;
    uint8 private constant WRONG_ORDER = 6;
    uint8 private constant OFFERS_NOT_ASCENDING = 7;
    uint8 private constant WRONG_SUM = 8;
    uint8 private constant OVER_CAPACITY = 9;

    /// @dev Times of a round's chunks that share a slot, 40 bits each.
    uint256 private constant TIMES_PER_SLOT = 6;

    /// @notice Where rounds are settled.
    IRounds public immutable rounds;

    mapping(uint256 roundAndSix => uint256) private _chunkTimes;
    /// @dev Of a lease that ended: end 40 | reason 8.
    mapping(uint256 requestId => uint256) internal _ends;

    /// @dev The machine whose entries are being walked. Vectors are spread, but for `used`.
    struct Machine {
        uint256 offer;
        uint256 head;
        uint256 used; // now, packed
        uint256 usedNow;
        uint256 usedAtT;
        uint256 capacity; // of the version open at T
        uint256 sum; // of this round's matches so far, as the list says
        uint256 key; // score ‖ tie ‖ request of the entry before
    }

    /// @notice Only `Rounds` opens leases.
    error NotRounds(address caller);
    /// @notice The request has no lease.
    error NotLeased(uint64 requestId);
    /// @notice Before its term is over a lease is ended by its tenant or its provider.
    error NotParty(address caller);
    /// @notice The money of a matched request has left: cannot be, and refutes nothing.
    error PaidRequestMatched(uint64 requestId);

    constructor(IRounds rounds_, IProviders providers_) OrderBook(providers_) {
        rounds = rounds_;
    }

    /// @inheritdoc IMarket
    /// @dev Of an entry that breaks several rules the first in this order is named: 1, 3, 4; 7, 2, 5 or 6; 8; 9.
    function openLeases(uint64 round, uint64 t, uint32 first, bytes calldata entries) external {
        if (msg.sender != address(rounds)) revert NotRounds(msg.sender);
        uint256 count = entries.length / OutcomeTree.ENTRY;
        Machine memory m;
        for (uint256 i; i < count; ++i) {
            (uint256 pair, uint256 claimed) = OutcomeTree.entryAt(entries, i);
            uint256 position = first + i;
            uint256 demand = _bindRequest(round, t, position, pair);
            if (i == 0 || pair >> 192 != m.offer) {
                if (pair >> 192 < m.offer) revert Refuted(OFFERS_NOT_ASCENDING, uint32(position));
                _leave(m);
                _enter(m, pair >> 192, t, position);
                // Only a later chunk's first entry may go on with a sum that this chunk does not show.
                if (i == 0 && first != 0) m.sum = _sumBefore(claimed, demand, position);
            } else if (_keyOf(pair) >= m.key) {
                revert Refuted(WRONG_ORDER, uint32(position));
            }
            m.key = _keyOf(pair);
            _hold(m, claimed, demand, position);
        }
        _leave(m);
        _stampChunk(round, first / OutcomeTree.CHUNK);
        emit LeasesOpened(round, first, uint64(block.timestamp), entries);
    }

    /// @inheritdoc IMarket
    /// @dev A lease that has ended already is passed over, so that nobody's race fails a batch.
    function closeLeases(uint64[] calldata requestIds) external {
        if (requestIds.length == 0 || requestIds.length > MAX_CLOSES) revert BadBatch(requestIds.length);
        for (uint256 i; i < requestIds.length; ++i) {
            _close(requestIds[i]);
        }
    }

    /// @inheritdoc IMarket
    function leaseOf(uint64 requestId)
        external
        view
        returns (uint64 round, uint32 position, uint64 offerId, uint64 start, uint64 end)
    {
        uint256 slot = _slots[requestId];
        round = uint64(_roundTagOf(slot));
        if (round == 0) return (0, 0, 0, 0, 0);
        position = uint32(slot >> 152);
        return (round, position, uint64(slot >> 184), uint64(_startOf(slot)), uint64(_ends[requestId] & TIME));
    }

    /// @dev When the lease in a request's slot began.
    function _startOf(uint256 slot) internal view returns (uint256) {
        uint256 chunk = uint32(slot >> 152) / OutcomeTree.CHUNK;
        return _chunkTimes[_timesKey(_roundTagOf(slot) - 1, chunk)] >> _timesShift(chunk) & TIME;
    }

    /// @dev Checks the request of an entry, writes its lease, and returns what it asks for, packed.
    function _bindRequest(uint256 round, uint256 t, uint256 position, uint256 pair) private returns (uint256) {
        uint256 id = uint64(pair >> 128);
        uint256 slot = _slots[id];
        if (slot == 0) revert Refuted(UNKNOWN_REQUEST, uint32(position));
        if (_roundTagOf(slot) != 0) revert Refuted(MATCHED_TWICE, uint32(position));
        uint256 locator = _locatorOfRequest(slot);
        uint256 word = RecordPages.word(
            RecordPages.pageOf(locator), RecordPages.offsetOf(locator, Orders.REQUEST) + Orders.REQUEST_DEMAND
        );
        if (slot & TIME > t || t >= _closedOf(slot) || t >= Orders.validUntilOf(word)) {
            revert Refuted(REQUEST_NOT_OPEN, uint32(position));
        }
        if (slot & REQUEST_PAID != 0) revert PaidRequestMatched(uint64(id));
        _slots[id] = slot | (round + 1) << 112 | position << 152 | pair >> 192 << 184;
        return Orders.demandOf(word);
    }

    /// @dev Turns to another machine: its version at T, what is used of it now and what was at T.
    function _enter(Machine memory m, uint256 offer, uint256 t, uint256 position) private view {
        uint256 head = _heads[offer];
        if (head == 0) revert Refuted(UNKNOWN_OFFER, uint32(position));
        uint256 locator = _locatorAt(offer, head, t);
        if (locator == 0) revert Refuted(OFFER_NOT_OPEN, uint32(position));
        address page = RecordPages.pageOf(locator);
        uint256 offset = RecordPages.offsetOf(locator, Orders.OFFER);
        uint256 word = RecordPages.word(page, offset + Orders.OFFER_CAPACITY);
        if (t >= Orders.availableUntilOf(word)) revert Refuted(OFFER_NOT_OPEN, uint32(position));

        m.offer = offer;
        m.head = head;
        m.used = UsedTrace.used(head);
        m.usedNow = Capacity.spread(m.used);
        m.usedAtT = Capacity.spread(UsedTrace.valueAt(_history, offer, head, t));
        m.capacity = Capacity.spread(Orders.capacityOf(word, RecordPages.word(page, offset + Orders.OFFER_GPUS)));
        m.sum = 0;
    }

    /// @dev The sum before a chunk's first entry, taken on trust here: entries of two chunks are compared by a
    /// dispute, not by posting.
    function _sumBefore(uint256 claimed, uint256 demand, uint256 position) private pure returns (uint256) {
        claimed = Capacity.spread(claimed);
        demand = Capacity.spread(demand);
        if (!Capacity.fits(demand, claimed)) revert Refuted(WRONG_SUM, uint32(position));
        return claimed - demand;
    }

    /// @dev Adds one match to the machine. Beside the claimed sum on what was used at T, what is used now must
    /// fit too: it cannot fail for an honest list (since T only this round has opened leases), and it keeps a
    /// lying one that shows a machine in many chunks from filling it more than once.
    function _hold(Machine memory m, uint256 claimed, uint256 demand, uint256 position) private pure {
        uint256 lanes = Capacity.spread(demand);
        uint256 sum = m.sum + lanes;
        uint256 usedNow = m.usedNow + lanes;
        if (sum != Capacity.spread(claimed)) revert Refuted(WRONG_SUM, uint32(position));
        if (!Capacity.fits(m.usedAtT + sum, m.capacity) || !Capacity.fits(usedNow, m.capacity)) {
            revert Refuted(OVER_CAPACITY, uint32(position));
        }
        m.sum = sum;
        m.usedNow = usedNow;
        m.used += demand; // no component overflows: each is within the capacity
    }

    /// @dev Writes what the machine holds now.
    function _leave(Machine memory m) private {
        if (m.offer != 0) _heads[m.offer] = UsedTrace.push(_history, m.offer, m.head, m.used);
    }

    function _stampChunk(uint256 round, uint256 chunk) private {
        _chunkTimes[_timesKey(round, chunk)] |= block.timestamp << _timesShift(chunk);
    }

    function _close(uint64 id) private {
        uint256 slot = _slots[id];
        if (_roundTagOf(slot) == 0) revert NotLeased(id);
        if (_ends[id] != 0) return;
        uint64 offer = uint64(slot >> 184);
        uint256 head = _heads[offer];
        uint256 locator = _locatorOfRequest(slot);
        uint256 word = RecordPages.word(
            RecordPages.pageOf(locator), RecordPages.offsetOf(locator, Orders.REQUEST) + Orders.REQUEST_DEMAND
        );

        uint256 over = _startOf(slot) + Orders.termOf(word);
        uint8 reason = block.timestamp >= over ? TERM_OVER : _reasonOf(slot, locator, _locatorOf(head));
        _ends[id] = uint256(reason) << 40 | (reason == TERM_OVER ? over : block.timestamp);
        emit LeaseClosed(id, offer, uint64(block.timestamp), reason);

        uint256 used = UsedTrace.used(head) - Orders.demandOf(word); // no component borrows: the lease is in it
        _heads[offer] = UsedTrace.push(_history, offer, head, used);
        emit UsedChanged(offer, uint64(block.timestamp), uint136(used));
    }

    /// @dev Why the caller may end a lease whose term is not over.
    function _reasonOf(uint256 slot, uint256 request, uint256 offer) private view returns (uint8 reason) {
        if (msg.sender == _ownerOf(request, Orders.REQUEST)) reason = BY_TENANT;
        else if (msg.sender == _ownerOf(offer, Orders.OFFER)) reason = BY_PROVIDER;
        else revert NotParty(msg.sender);
        if (rounds.isVoid(uint64(_roundTagOf(slot) - 1))) reason = VOID_ROUND;
    }

    /// @dev What orders the entries of one offer: score ‖ tie ‖ request.
    function _keyOf(uint256 pair) private pure returns (uint256) {
        return uint256(uint128(pair)) << 64 | uint64(pair >> 128);
    }

    function _timesKey(uint256 round, uint256 chunk) private pure returns (uint256) {
        return round << 32 | chunk / TIMES_PER_SLOT;
    }

    function _timesShift(uint256 chunk) private pure returns (uint256) {
        return chunk % TIMES_PER_SLOT * 40;
    }
}
