// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {Orders} from "../lib/Orders.sol";
import {OutcomeTree} from "../lib/OutcomeTree.sol";
import {RecordPages} from "../lib/RecordPages.sol";
import {UsedTrace} from "../lib/UsedTrace.sol";
import {LeaseOpener} from "./LeaseOpener.sol";

/// @title Leases: ended by their parties, by time, with a void round, or because the pair was shown ineligible.
/// @dev A void round kills no job at once: its leases go on at their price until the policy's notice is over.
abstract contract LeaseBook is LeaseOpener {
    /// @notice Most leases that one call closes.
    uint256 public constant MAX_CLOSES = 256;

    uint8 internal constant BY_TENANT = 1;
    uint8 private constant BY_PROVIDER = 2;
    uint8 private constant TERM_OVER = 3;
    uint8 private constant VOID_ROUND = 4;
    uint8 private constant ANNULLED = 5;

    /// @dev What a batch has read of the round it came by last.
    struct Voiding {
        uint256 tag; // round + 1
        uint256 time; // when it became void, 0 if it is not
        uint256 notice; // seconds for which its leases go on from then
    }

    /// @dev Of a lease that ended: end 40 | reason 8.
    mapping(uint256 requestId => uint256) internal _ends;

    /// @notice The request has no lease.
    error NotLeased(uint64 requestId);
    /// @notice Before its term (or the notice of its void round) is over a lease is ended by its tenant or its
    /// provider.
    error NotParty(address caller);
    /// @notice Only disputes annul leases.
    error NotDisputes(address caller);
    /// @notice Only leases of void rounds are annulled.
    error NotVoid(uint64 round);

    constructor(IRounds rounds_, IProviders providers_) LeaseOpener(rounds_, providers_) {}

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
        return _timeOfChunk(_roundTagOf(slot) - 1, uint32(slot >> 152) / OutcomeTree.CHUNK);
    }

    /// @dev Ends the lease of a request at once for that reason, whether it goes on or has ended before, and frees
    /// its place if it still holds it.
    function _annul(uint64 id, uint256 slot) internal {
        if (msg.sender != rounds.disputes()) revert NotDisputes(msg.sender);
        uint256 tag = _roundTagOf(slot);
        if (tag == 0) revert NotLeased(id);
        if (!rounds.isVoid(uint64(tag - 1))) revert NotVoid(uint64(tag - 1));
        uint256 end = _ends[id] & TIME;
        _ends[id] = uint256(ANNULLED) << 40 | (end == 0 ? block.timestamp : end);
        emit LeaseClosed(id, uint64(slot >> 184), uint64(block.timestamp), ANNULLED);
        if (end == 0) _free(slot, _demandWord(_locatorOfRequest(slot)));
    }

    function _close(uint64 id, Voiding memory v) private {
        uint256 slot = _slots[id];
        if (_roundTagOf(slot) == 0) revert NotLeased(id);
        if (_ends[id] != 0) return;
        uint256 word = _demandWord(_locatorOfRequest(slot));

        (uint256 end, uint8 reason) = (_startOf(slot) + Orders.termOf(word), TERM_OVER);
        _look(v, _roundTagOf(slot));
        if (v.time != 0 && v.time + v.notice < end) (end, reason) = (v.time + v.notice, VOID_ROUND);
        if (block.timestamp < end) (end, reason) = (block.timestamp, _reasonOf(slot, v.time != 0));
        _ends[id] = uint256(reason) << 40 | end;
        emit LeaseClosed(id, uint64(slot >> 184), uint64(block.timestamp), reason);
        _free(slot, word);
    }

    /// @dev Takes a lease off its machine.
    function _free(uint256 slot, uint256 word) private {
        uint64 offer = uint64(slot >> 184);
        uint256 head = _heads[offer];
        uint256 used = UsedTrace.used(head) - Orders.demandOf(word); // no component borrows: the lease is in it
        _heads[offer] = UsedTrace.push(_history, offer, head, used);
        emit UsedChanged(offer, uint64(block.timestamp), uint136(used));
    }

    /// @dev Asks when a round became void, unless the lease before was of the same one.
    function _look(Voiding memory v, uint256 tag) private view {
        if (v.tag == tag) return;
        v.tag = tag;
        v.time = rounds.voidedAt(uint64(tag - 1));
        if (v.time != 0) v.notice = _money(uint64(tag - 1)).voidNotice;
    }

    /// @dev Why the caller may end a lease whose time is not over.
    function _reasonOf(uint256 slot, bool isVoid) private view returns (uint8 reason) {
        if (msg.sender == _ownerOf(_locatorOfRequest(slot), Orders.REQUEST)) {
            reason = BY_TENANT;
        } else if (msg.sender == _ownerOf(_locatorOf(_heads[uint64(slot >> 184)]), Orders.OFFER)) {
            reason = BY_PROVIDER;
        } else {
            revert NotParty(msg.sender);
        }
        if (isVoid) reason = VOID_ROUND;
    }

    /// @dev The word of a request at `REQUEST_DEMAND`.
    function _demandWord(uint256 locator) private view returns (uint256) {
        return RecordPages.word(
            RecordPages.pageOf(locator), RecordPages.offsetOf(locator, Orders.REQUEST) + Orders.REQUEST_DEMAND
        );
    }
}
