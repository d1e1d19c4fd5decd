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

/// @title Leases: ended by their parties or by time.
abstract contract LeaseBook is LeaseOpener {
    /// @notice Most leases that one call closes.
    uint256 public constant MAX_CLOSES = 256;

    uint8 internal constant BY_TENANT = 1;
    uint8 private constant BY_PROVIDER = 2;
    uint8 private constant TERM_OVER = 3;
    uint8 private constant VOID_ROUND = 4;

    /// @dev Of a lease that ended: end 40 | reason 8.
    mapping(uint256 requestId => uint256) internal _ends;

    /// @notice The request has no lease.
    error NotLeased(uint64 requestId);
    /// @notice Before its term is over a lease is ended by its tenant or its provider.
    error NotParty(address caller);

    constructor(IRounds rounds_, IProviders providers_) LeaseOpener(rounds_, providers_) {}

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
        return _timeOfChunk(_roundTagOf(slot) - 1, uint32(slot >> 152) / OutcomeTree.CHUNK);
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
}
