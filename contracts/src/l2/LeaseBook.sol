// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {Orders} from "../lib/Orders.sol";
import {OutcomeTree} from "../lib/OutcomeTree.sol";
import {RecordPages} from "../lib/RecordPages.sol";
import {UsedTrace} from "../lib/UsedTrace.sol";
import {LeaseOpener} from "./LeaseOpener.sol";

/// @title Leases: ended by their parties, by time, with a void round, or because the pair was shown ineligible.
/// @dev A void round kills no job at once: its leases go on at their price until the policy's notice is over. Nor does a
/// provider: it gives the notice that its offer named.
abstract contract LeaseBook is LeaseOpener {
    /// @notice Most leases that one call closes.
    uint256 public constant MAX_CLOSES = 256;

    uint8 private constant BY_TENANT = 1;
    uint8 private constant BY_PROVIDER = 2;
    uint8 private constant TERM_OVER = 3;
    uint8 private constant VOID_ROUND = 4;
    uint8 private constant ANNULLED = 5;

    /// @dev Places in a lease's second word.
    uint256 private constant REASON = 40;
    uint256 private constant EXTRA = 48;
    uint256 private constant NOTICE = 88;

    /// @dev What a batch has read of the round it came by last.
    struct Voiding {
        uint256 tag; // round + 1
        uint256 time; // when it became void, 0 if it is not
        uint256 notice; // seconds for which its leases go on from then
    }

    /// @dev Of a lease that is not as it was opened: end 40 (0 while it goes on) | reason 8 | seconds that it was extended
    /// by 40 | end of the provider's notice 40 (0 without one).
    mapping(uint256 requestId => uint256) internal _turns;

    /// @notice The request has no lease.
    error NotLeased(uint64 requestId);
    /// @notice Before its term or a notice is over a lease is ended by its tenant, its payer or its provider.
    error NotParty(address caller);
    /// @notice Only disputes annul leases.
    error NotDisputes(address caller);
    /// @notice Only leases of void rounds are annulled.
    error NotVoid(uint64 round);

    constructor(IRounds rounds_, IProviders providers_, IEscrow escrow_, address forwarder)
        LeaseOpener(rounds_, providers_, escrow_, forwarder)
    {}

    /// @inheritdoc IMarket
    /// @dev A lease that has ended already is passed over, so that nobody's race fails a batch.
    function closeLeases(uint64[] calldata requestIds) external {
        if (requestIds.length == 0 || requestIds.length > MAX_CLOSES) revert BadBatch(requestIds.length);
        Voiding memory v;
        for (uint256 i; i < requestIds.length; ++i) {
            _close(requestIds[i], v);
        }
    }

    /// @inheritdoc IMarket
    /// @dev Whether the lease goes on or has ended before; frees its place if it still holds it. The escrow refuses one
    /// whose money has left.
    function annul(uint64 requestId) external {
        if (msg.sender != rounds.disputes()) revert NotDisputes(msg.sender);
        uint256 slot = _leaseSlot(requestId);
        uint64 round = uint64(_roundTagOf(slot) - 1);
        if (!rounds.isVoid(round)) revert NotVoid(round);
        uint256 turn = _turns[requestId];
        bool goesOn = turn & TIME == 0;
        _end(requestId, slot, turn, goesOn ? block.timestamp : turn & TIME, ANNULLED);
        if (goesOn) _free(slot, _demandWord(_locatorOfRequest(slot)));
        escrow.annulled(requestId);
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
        return (round, position, uint64(slot >> 184), uint64(_startOf(slot)), uint64(_turns[requestId] & TIME));
    }

    /// @dev The slot of a request that has a lease.
    function _leaseSlot(uint64 id) internal view returns (uint256 slot) {
        slot = _slots[id];
        if (slot == 0) revert Unknown(id);
        if (_roundTagOf(slot) == 0) revert NotLeased(id);
    }

    /// @dev When the lease in a request's slot began.
    function _startOf(uint256 slot) internal view returns (uint256) {
        return _timeOfChunk(_roundTagOf(slot) - 1, uint32(slot >> 152) / OutcomeTree.CHUNK);
    }

    /// @dev When a lease is over that nobody ends before, and the reason then.
    function _overAt(uint256 slot, uint256 turn, uint256 word, Voiding memory v)
        internal
        view
        returns (uint256 end, uint8 reason)
    {
        (end, reason) = (_startOf(slot) + Orders.termOf(word) + _extraIn(turn), TERM_OVER);
        uint256 notice = _noticeIn(turn);
        if (notice != 0 && notice < end) (end, reason) = (notice, BY_PROVIDER);
        _look(v, _roundTagOf(slot));
        if (v.time != 0 && v.time + v.notice < end) (end, reason) = (v.time + v.notice, VOID_ROUND);
    }

    /// @dev The version of an offer that a lease in this slot was made with.
    function _askOf(uint256 slot) internal view returns (Orders.Ask memory) {
        uint64 round = uint64(_roundTagOf(slot) - 1);
        return Orders.decodeAsk(_offerRecordAt(uint64(slot >> 184), rounds.closeOf(round) - 1));
    }

    /// @dev Seconds that a lease was extended by.
    function _extraIn(uint256 turn) internal pure returns (uint256) {
        return turn >> EXTRA & TIME;
    }

    /// @dev When the provider's notice is over, 0 without one.
    function _noticeIn(uint256 turn) internal pure returns (uint256) {
        return turn >> NOTICE & TIME;
    }

    /// @dev Why a lease ended, 0 while it goes on.
    function _reasonIn(uint256 turn) internal pure returns (uint8) {
        return uint8(turn >> REASON);
    }

    /// @dev A turn with more seconds of extension.
    function _withExtra(uint256 turn, uint256 seconds_) internal pure returns (uint256) {
        return turn + (seconds_ << EXTRA);
    }

    /// @dev The word of a request at `REQUEST_DEMAND`.
    function _demandWord(uint256 locator) internal view returns (uint256) {
        return RecordPages.word(
            RecordPages.pageOf(locator), RecordPages.offsetOf(locator, Orders.REQUEST) + Orders.REQUEST_DEMAND
        );
    }

    /// @dev Asks when a round became void, unless the lease before was of the same one.
    function _look(Voiding memory v, uint256 tag) internal view {
        if (v.tag == tag) return;
        v.tag = tag;
        v.time = rounds.voidedAt(uint64(tag - 1));
        if (v.time != 0) v.notice = _money(uint64(tag - 1)).voidNotice;
    }

    function _close(uint64 id, Voiding memory v) private {
        uint256 slot = _leaseSlot(id);
        uint256 turn = _turns[id];
        if (turn & TIME != 0) return;
        uint256 word = _demandWord(_locatorOfRequest(slot));
        (uint256 end, uint8 reason) = _overAt(slot, turn, word, v);
        if (block.timestamp < end) {
            reason = _reasonNow(slot, turn, v.time != 0);
            uint256 notice = reason == BY_PROVIDER && _noticeIn(turn) == 0 ? _askOf(slot).notice : 0;
            if (notice != 0) return _giveNotice(id, slot, turn, end, notice);
            if (reason == 0) return;
            end = block.timestamp;
        }
        _end(id, slot, turn, end, reason);
        _free(slot, word);
    }

    /// @dev Writes down when a lease ended.
    function _end(uint64 id, uint256 slot, uint256 turn, uint256 end, uint8 reason) private {
        _turns[id] = turn >> EXTRA << EXTRA | uint256(reason) << REASON | end;
        emit LeaseClosed(id, uint64(slot >> 184), uint64(block.timestamp), reason);
    }

    /// @dev The provider's notice begins; nothing lengthens the lease from here on.
    function _giveNotice(uint64 id, uint256 slot, uint256 turn, uint256 end, uint256 notice) private {
        uint256 until = block.timestamp + notice < end ? block.timestamp + notice : end;
        _turns[id] = turn | until << NOTICE;
        emit LeaseReclaimed(id, uint64(slot >> 184), uint64(block.timestamp), uint64(until));
    }

    /// @dev Takes a lease off its machine.
    function _free(uint256 slot, uint256 word) private {
        uint64 offer = uint64(slot >> 184);
        uint256 head = _heads[offer];
        uint256 used = UsedTrace.used(head) - Orders.demandOf(word); // no component borrows: the lease is in it
        _heads[offer] = UsedTrace.push(_history, offer, head, used);
        emit UsedChanged(offer, uint64(block.timestamp), uint136(used));
    }

    /// @dev Why the caller may end a lease whose time is not over; 0 where its notice runs already. Who leaves while the
    /// provider's notice runs has not left early.
    function _reasonNow(uint256 slot, uint256 turn, bool isVoid) private view returns (uint8) {
        address caller = _msgSender();
        bool reclaimed = _noticeIn(turn) != 0;
        if (_isTenantOrPayer(slot, caller)) {
            if (isVoid) return VOID_ROUND;
            return reclaimed ? BY_PROVIDER : BY_TENANT;
        }
        if (caller != _ownerOf(_locatorOf(_heads[uint64(slot >> 184)]), Orders.OFFER)) revert NotParty(caller);
        if (isVoid) return VOID_ROUND;
        return reclaimed ? 0 : BY_PROVIDER;
    }
}
