// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../interfaces/IRounds.sol";
import {Alerts} from "../lib/Alerts.sol";
import {OutcomeTree} from "../lib/OutcomeTree.sol";
import {RoundState} from "../lib/RoundState.sol";
import {Schedules} from "../lib/Schedules.sol";
import {Clock} from "./Clock.sol";

/// @title What has become of each round: its state, its end, what refuted it.
/// @dev The newest round with a header lies in one slot, and only its digest beside it, in a ring; when it has come
/// to an end, or at the latest when the next one gets a header, its state moves to a slot of its own for good. All
/// else of a round is in the events and in the header, which whoever needs it brings along.
/// A round's end never changes: a later refutation leaves it, and with it the live rounds that follow from it.
abstract contract RoundBook is Clock {
    using RoundState for RoundState.State;
    using RoundState for uint256;

    /// @inheritdoc IRounds
    uint32 public immutable override ring;

    uint256 internal _head;
    mapping(uint256 place => bytes32) internal _digests;
    mapping(uint256 n => uint256) internal _past;

    constructor(uint32 ring_) {
        ring = ring_;
    }

    /// @inheritdoc IRounds
    /// @dev While the newest round has not ended only it is live: the next one is known when it has.
    function isLive(uint64 n) external view returns (bool) {
        RoundState.State memory h = _head.unpack();
        if (_isPending(h)) return n == h.n;
        Schedule memory t = _schedule();
        return Schedules.isLive(t, _firstLive(h, t), n);
    }

    /// @inheritdoc IRounds
    /// @dev While the newest round has not ended: the value if its last chunk should never come.
    function firstLive() external view returns (uint64 first) {
        return uint64(_firstLive(_head.unpack(), _schedule()));
    }

    /// @inheritdoc IRounds
    function roundOf(uint64 n)
        external
        view
        returns (Status status, bytes32 digest, uint64 certifiedAt, uint64 endedAt, uint32 count, uint32 posted)
    {
        uint256 head = _head;
        RoundState.State memory p = _slotOf(head, n).unpack();
        if (p.status == Status.None) return (Status.None, 0, 0, 0, 0, 0);
        if (_isKept(head.number(), n)) digest = _digests[n % ring];
        return (p.status, digest, p.certifiedAt, p.endedAt, p.count, p.posted);
    }

    /// @inheritdoc IRounds
    function isFinal(uint64 n) external view returns (bool) {
        return _isFinal(_stateOf(n));
    }

    /// @inheritdoc IRounds
    function isVoid(uint64 n) external view returns (bool) {
        return _isVoid(_stateOf(n));
    }

    /// @inheritdoc IRounds
    /// @dev A round that came to nothing at its deadline was void from then on, whatever is shown of it later.
    function voidedAt(uint64 n) external view returns (uint64 time) {
        RoundState.State memory p = _stateOf(n);
        if (!_isVoid(p)) return 0;
        if (p.status != Status.Refuted) return p.endedAt;
        (,, time) = _refutationOf(n);
        bool whole = p.posted != 0 && p.posted == OutcomeTree.chunksOf(p.count);
        if (!whole && p.endedAt < time) time = p.endedAt;
    }

    /// @inheritdoc IRounds
    function refutationOf(uint64 n) external view returns (uint8 code, uint32 position, uint64 time) {
        return _refutationOf(n);
    }

    /// @inheritdoc IRounds
    /// @dev Of a refuted round too: until then others may show what they had committed to.
    function challengeableUntil(uint64 n) external view returns (uint64) {
        RoundState.State memory p = _stateOf(n);
        return p.endedAt == 0 ? 0 : uint64(p.endedAt + _windows());
    }

    /// @inheritdoc IRounds
    function mayBind(uint64 closedAt) external view returns (bool) {
        if (closedAt > block.timestamp) return true;
        RoundState.State memory h = _head.unpack();
        if (_isPending(h)) return closeOf(h.n) <= closedAt;
        // Live rounds lie further apart than the time-out: only the last that has closed can be open still.
        Schedule memory t = _schedule();
        (bool any, uint256 n) = Schedules.lastLive(t, _firstLive(h, t), closedAt);
        return any && block.timestamp <= _deadlineOf(n);
    }

    /// @dev Makes round n the newest one. The one before keeps its state in a slot of its own.
    function _begin(RoundState.State memory h, uint64 n, bytes32 digest, bool proposed) internal {
        if (h.status == Status.Certified) _end(h, Status.Certified, _deadlineOf(h.n));
        RoundState.State memory next;
        next.n = uint40(n);
        next.status = Status.Certified;
        next.certifiedAt = uint40(block.timestamp);
        next.proposed = proposed;
        next.alert = h.alert;
        next.policyFrom = h.policyFrom;
        next.policyIndex = h.policyIndex;
        _head = next.pack();
        _digests[n % ring] = digest;
    }

    /// @dev Writes down for good how the newest round came out. The caller stores the head.
    function _end(RoundState.State memory h, Status status, uint256 time) internal {
        h.status = status;
        h.endedAt = uint40(time);
        _past[h.n] = h.pack();
    }

    /// @dev Voids a round that has a header and was not refuted before. Its end stays; if it has none yet, that is
    /// its deadline.
    function _void(uint256 head, uint64 n, uint8 code, uint32 position) internal {
        uint256 newest = head.number();
        head = head.alerted(Alerts.mark(newest, ring));
        uint256 slot;
        if (n == newest) {
            uint256 end = head.endedAt();
            head = head.ended(Status.Refuted, end != 0 ? end : _deadlineOf(n));
            slot = head;
        } else {
            slot = _past[n];
        }
        _head = head;
        _past[n] = slot.refuted(code, position, block.timestamp);
        emit RoundRefuted(n, code, position, uint64(block.timestamp));
    }

    /// @dev Whether the digest of round n is kept, if it has one.
    function _isKept(uint256 newest, uint64 n) internal view returns (bool) {
        return uint256(n) + ring > newest;
    }

    /// @dev Whether round n has a header, as far as its digest is still kept.
    function _hasHeader(RoundState.State memory h, uint64 n) internal view returns (bool) {
        if (h.status == Status.None || n > h.n) return false;
        return n == h.n || (_isKept(h.n, n) && _past[n] != 0);
    }

    /// @dev Whether the newest round has a header and its chunks may still come.
    function _isPending(RoundState.State memory h) internal view returns (bool) {
        return h.status == Status.Certified && block.timestamp <= _deadlineOf(h.n);
    }

    /// @dev n0. It rests on the newest round's end alone, which is the deadline where the slot holds none.
    function _firstLive(RoundState.State memory h, Schedule memory t) internal pure returns (uint256) {
        if (h.status == Status.None) return 0;
        return Schedules.firstAfter(t, h.endedAt != 0 ? h.endedAt : Schedules.deadlineOf(t, h.n));
    }

    /// @dev State of round n, with the end that time alone has brought.
    function _stateOf(uint64 n) internal view returns (RoundState.State memory) {
        return _slotOf(_head, n).unpack();
    }

    /// @dev The slot of that state.
    function _slotOf(uint256 head, uint64 n) internal view returns (uint256) {
        Status status = head.status();
        if (status == Status.None || n != head.number()) return _past[n];
        if (status != Status.Certified || block.timestamp <= _deadlineOf(n)) return head;
        return head.ended(status, _deadlineOf(n));
    }

    function _isFinal(RoundState.State memory p) internal view returns (bool) {
        return p.status == Status.Settled && block.timestamp > p.endedAt + _windows();
    }

    /// @dev Of a state by `_stateOf`.
    function _isVoid(RoundState.State memory p) internal pure returns (bool) {
        return p.status == Status.Refuted || (p.status == Status.Certified && p.endedAt != 0);
    }

    function _refutationOf(uint64 n) internal view returns (uint8 code, uint32 position, uint64 time) {
        return _past[n].refutation();
    }
}
