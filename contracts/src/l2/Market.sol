// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {Charges} from "../lib/Charges.sol";
import {Orders} from "../lib/Orders.sol";
import {PolicyPage} from "../lib/PolicyPage.sol";
import {RecordPages} from "../lib/RecordPages.sol";
import {InputViews} from "./InputViews.sol";

/// @title Offers, requests and leases, as far as money is locked for them. The money itself lies in `Escrow`.
/// @notice A request locks k x budget x term, rounded up, and a fee that is not returned; an extension k x ask for each
/// second more.
contract Market is InputViews {
    uint64 private immutable _genesis;
    uint32 private immutable _period;

    /// @notice The lease has ended, is over, was reclaimed, or its round is void.
    error LeaseOver(uint64 requestId);
    /// @notice The machine's offer is closed, dearer than the lease, or takes its currency no more; or the lease is dearer
    /// than its request's budget.
    error NotOffered(uint64 offerId);
    /// @notice An extension of nothing.
    error NoSeconds();
    /// @notice The lease cannot be extended so far.
    error TooLong(uint256 end, uint256 latest);

    /// @param rounds_ deployed before, knowing this address
    /// @param providers_ must grant this contract the role MARKET
    /// @param escrow_ deployed afterwards, knowing this address
    /// @param forwarder whose calls are those of the account that signed them (ERC-2771); zero for none
    constructor(IRounds rounds_, IProviders providers_, IEscrow escrow_, address forwarder)
        InputViews(rounds_, providers_, escrow_, forwarder)
    {
        IRounds.Schedule memory s = rounds_.schedule();
        _genesis = s.genesis;
        _period = s.period;
    }

    /// @inheritdoc IMarket
    function postRequests(bytes calldata batch) external returns (uint64 firstId) {
        bytes memory records = batch;
        address tenant = _msgSender();
        uint256 count;
        (firstId, count) = _storeRequests(records, tenant);
        uint256 fee = PolicyPage.money(_pageNow()).requestFee;

        // Neighbours of one payer and currency are pulled together.
        Orders.Bid memory last = Orders.decodeBid(records, 0);
        uint256 due;
        uint256 fees;
        for (uint256 i; i < count; ++i) {
            Orders.Bid memory bid = Orders.decodeBid(records, i * Orders.REQUEST);
            if (bid.payer != last.payer || bid.currency != last.currency) {
                escrow.lock(last.payer, tenant, last.currency, due, fees);
                (last, due, fees) = (bid, 0, 0);
            }
            due += Charges.lockOf(bid.gpus, bid.budget, bid.term);
            fees += fee;
        }
        escrow.lock(last.payer, tenant, last.currency, due, fees);
    }

    /// @inheritdoc IMarket
    function extend(uint64 requestId, uint32 seconds_) external {
        if (seconds_ == 0) revert NoSeconds();
        uint256 slot = _leaseSlot(requestId);
        address caller = _msgSender();
        if (!_isTenantOrPayer(slot, caller)) revert NotParty(caller);
        uint256 turn = _turns[requestId];
        uint256 end = _extendable(requestId, slot, turn) + seconds_;
        uint64 offerId = uint64(slot >> 184);
        Orders.Bid memory bid = _bidOf(slot);
        uint256 ask = _askOf(slot).ask;
        // What a pair above its budget costs is bounded by its lock, which an extension at its price would not follow.
        if (ask > bid.budget) revert NotOffered(offerId);
        _requireOffered(offerId, ask, bid.currency, end);

        uint256 extra = _extraIn(turn);
        uint256 micro = Charges.extensionOf(bid.gpus, ask, extra + seconds_) - Charges.extensionOf(bid.gpus, ask, extra);
        _turns[requestId] = _withExtra(turn, seconds_);
        emit LeaseExtended(requestId, offerId, uint64(block.timestamp), uint64(end));
        escrow.lock(bid.payer, caller, bid.currency, micro, 0);
    }

    /// @inheritdoc IMarket
    function leaseMoney(uint64 requestId) external view returns (LeaseMoney memory m) {
        uint256 slot = _slots[requestId];
        if (slot == 0) revert Unknown(requestId);
        Orders.Bid memory bid = _bidOf(slot);
        (m.payer, m.tenant, m.currency) = (bid.payer, bid.tenant, bid.currency);
        (m.gpus, m.budget, m.term) = (bid.gpus, bid.budget, bid.term);
        uint256 closed = _closedOf(slot);
        m.openUntil = bid.validUntil < closed ? bid.validUntil : uint64(closed);
        m.round = uint64(_roundTagOf(slot));
        if (m.round != 0) _fillLease(m, requestId, slot);
    }

    function _mayBind(uint64 closed) internal view override returns (bool) {
        return rounds.mayBind(closed);
    }

    /// @dev The part of `leaseMoney` that a lease has.
    function _fillLease(LeaseMoney memory m, uint64 requestId, uint256 slot) private view {
        Orders.Ask memory ask = _askOf(slot);
        (m.provider, m.ask, m.tier) = (ask.provider, ask.ask, ask.tier);
        (m.offerId, m.start) = (uint64(slot >> 184), uint64(_startOf(slot)));
        uint256 turn = _turns[requestId];
        m.extra = uint64(_extraIn(turn));
        m.reason = _reasonIn(turn);
        uint256 end = turn & TIME;
        m.ended = end != 0;
        if (end == 0) {
            Voiding memory v;
            (end,) = _overAt(slot, turn, _demandWord(_locatorOfRequest(slot)), v);
        }
        m.until = uint64(end);
    }

    /// @dev When the term of a lease is over that can still be extended.
    function _extendable(uint64 requestId, uint256 slot, uint256 turn) private view returns (uint256 end) {
        Voiding memory v;
        (end,) = _overAt(slot, turn, _demandWord(_locatorOfRequest(slot)), v);
        bool over = turn & TIME != 0 || block.timestamp >= end;
        if (over || _noticeIn(turn) != 0 || v.time != 0) revert LeaseOver(requestId);
    }

    /// @dev The newest version of an offer must be open and allow a lease of this price and currency up to `end`.
    function _requireOffered(uint64 offerId, uint256 price, uint8 currency, uint256 end) private view {
        uint256 head = _heads[offerId];
        Orders.Ask memory now_ = Orders.decodeAsk(RecordPages.read(_locatorOf(head), Orders.OFFER));
        bool taken = now_.currencies >> currency & 1 != 0;
        if (head & OFFER_CLOSED != 0 || now_.ask > price || !taken) revert NotOffered(offerId);
        uint256 latest = block.timestamp + now_.maxTerm;
        if (now_.availableUntil < latest) latest = now_.availableUntil;
        if (end > latest) revert TooLong(end, latest);
    }

    function _bidOf(uint256 slot) private view returns (Orders.Bid memory) {
        return Orders.decodeBid(RecordPages.read(_locatorOfRequest(slot), Orders.REQUEST), 0);
    }

    /// @dev That of the first round that can see what is written now.
    function _pageNow() internal view override returns (address page) {
        uint256 next = block.timestamp < _genesis ? 0 : (block.timestamp - _genesis) / _period + 1;
        (,, page) = rounds.policyAt(uint64(next));
    }
}
