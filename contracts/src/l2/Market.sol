// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {Orders} from "../lib/Orders.sol";
import {PolicyPage} from "../lib/PolicyPage.sol";
import {RecordPages} from "../lib/RecordPages.sol";
import {Escrow} from "./Escrow.sol";
import {InputViews} from "./InputViews.sol";
import {LeaseOpener} from "./LeaseOpener.sol";
import {PostingPot} from "./PostingPot.sol";

/// @title Offers, requests, leases and escrow.
/// @notice A request locks k x budget x term, rounded up, and a fee that is not returned. A lease earns
/// k x ask for each second, rounded down; what it earned is held until its round is final (or has long been void),
/// and the rest goes back to the payer then. Money is counted in micro-dollars; a currency's unit turns them into tokens.
contract Market is InputViews, PostingPot {
    uint256 private constant HOUR = 3600;
    uint256 private constant FULL = 10_000;

    uint64 private immutable _genesis;
    uint32 private immutable _period;
    uint64 private immutable _windows;
    mapping(address payer => mapping(address tenant => bool)) private _approved;

    /// @notice The payer has not approved this tenant.
    error NotApproved(address payer, address tenant);
    /// @notice The request is open, or a round that has not ended may still match it.
    error MayStillBind(uint64 id);
    /// @notice The request's money has left already.
    error AlreadyPaid(uint64 id);
    /// @notice The lease goes on.
    error NotEnded(uint64 id);
    /// @notice The windows of the lease's round are not over.
    error NotFinal(uint64 round);

    /// @param rounds_ deployed before, knowing this address
    /// @param providers_ must grant this contract the role MARKET
    /// @param treasury_ is credited with the fees, but for those that fill the pot
    /// @param tokens_ token of each currency by index, at most 32, 6 to 18 decimals, zero address for none
    /// @param potCap_ the most that the pot which pays for posting holds, in micro-dollars of currency 0
    constructor(IRounds rounds_, IProviders providers_, address treasury_, address[] memory tokens_, uint256 potCap_)
        InputViews(rounds_, providers_)
        Escrow(treasury_, tokens_)
        PostingPot(potCap_)
    {
        IRounds.Schedule memory s = rounds_.schedule();
        _genesis = s.genesis;
        _period = s.period;
        _windows = uint64(s.challengeWindow) + s.revealWindow;
    }

    /// @inheritdoc IMarket
    function approveTenant(address tenant, bool approved) external {
        _approved[msg.sender][tenant] = approved;
        emit TenantApproved(msg.sender, tenant, approved);
    }

    /// @inheritdoc IMarket
    function postRequests(bytes calldata batch) external nonReentrant returns (uint64 firstId) {
        bytes memory records = batch;
        uint256 count;
        (firstId, count) = _storeRequests(records);
        uint256 fee = _money(_nextRound()).requestFee;

        // Neighbours of one payer and currency are pulled together.
        Orders.Bid memory last = Orders.decodeBid(records, 0);
        uint256 due;
        uint256 fees;
        for (uint256 i; i < count; ++i) {
            Orders.Bid memory bid = Orders.decodeBid(records, i * Orders.REQUEST);
            if (bid.payer != msg.sender && !_approved[bid.payer][msg.sender]) {
                revert NotApproved(bid.payer, msg.sender);
            }
            if (bid.payer != last.payer || bid.currency != last.currency) {
                _take(last, due, fees);
                (last, due, fees) = (bid, 0, 0);
            }
            due += _lockOf(bid) + fee;
            fees += fee;
        }
        _take(last, due, fees);
    }

    /// @inheritdoc IMarket
    function reclaim(uint64 id) external {
        (uint256 slot, Orders.Bid memory bid) = _unpaid(id);
        if (_roundTagOf(slot) != 0) revert AlreadyMatched(id);
        uint256 closed = _closedOf(slot);
        if (bid.validUntil < closed) closed = bid.validUntil;
        if (closed > block.timestamp || _mayBind(uint64(closed))) revert MayStillBind(id);
        _slots[id] = slot | REQUEST_PAID;
        emit Settled(id, 0, _credit(bid.currency, bid.payer, _lockOf(bid)), 0);
    }

    /// @inheritdoc IMarket
    /// @dev Anyone. Of a void round too: seconds that were served are paid. But not before its windows, counted
    /// again from its refutation, are over: until then a pair may be shown ineligible, which undoes its pay.
    function settleLease(uint64 requestId) external {
        (uint256 slot, Orders.Bid memory bid) = _unpaid(requestId);
        if (_roundTagOf(slot) == 0) revert NotLeased(requestId);
        if (_ends[requestId] == 0) revert NotEnded(requestId);
        uint64 round = uint64(_roundTagOf(slot) - 1);
        if (!_isOver(round)) revert NotFinal(round);
        _slots[requestId] = slot | REQUEST_PAID;

        Orders.Ask memory ask = Orders.decodeAsk(_offerRecordAt(uint64(slot >> 184), rounds.closeOf(round) - 1));
        uint256 locked = _lockOf(bid);
        PolicyPage.Money memory money = _money(round);
        uint256 charge = _chargeOf(requestId, slot, bid, ask, money.minCharge);
        if (charge > locked) charge = locked; // whatever a wrong list paired: never more than was locked
        uint256 fee = charge * money.protocolFeeBps / FULL;

        emit Settled(
            requestId,
            _credit(bid.currency, ask.provider, charge - fee),
            _credit(bid.currency, bid.payer, locked - charge),
            _credit(bid.currency, treasury, fee)
        );
    }

    /// @inheritdoc IMarket
    function annul(uint64 requestId) external {
        (uint256 slot, Orders.Bid memory bid) = _unpaid(requestId);
        _annul(requestId, slot);
        _slots[requestId] = slot | REQUEST_PAID;
        emit Settled(requestId, 0, _credit(bid.currency, bid.payer, _lockOf(bid)), 0);
    }

    /// @inheritdoc IMarket
    function isApproved(address payer, address tenant) external view returns (bool) {
        return _approved[payer][tenant];
    }

    /// @notice What is locked for a request now, in the token's micro-dollars; 0 once its money has left.
    function lockedOf(uint64 id) external view returns (uint256) {
        uint256 slot = _slots[id];
        return slot == 0 || slot & REQUEST_PAID != 0 ? 0 : _lockOf(_bidOf(slot));
    }

    function _mayBind(uint64 closed) internal view override returns (bool) {
        return rounds.mayBind(closed);
    }

    function _payPoster(address poster, uint256 micro) internal override(LeaseOpener, PostingPot) {
        PostingPot._payPoster(poster, micro);
    }

    /// @dev Whether nothing can be shown of a round any more that would change what its leases pay.
    function _isOver(uint64 round) private view returns (bool) {
        if (rounds.isFinal(round)) return true;
        uint64 time = rounds.voidedAt(round);
        if (time == 0) return false;
        (,, uint64 refutedAt) = rounds.refutationOf(round);
        if (refutedAt > time) time = refutedAt;
        return block.timestamp > time + _windows;
    }

    /// @dev Pulls what is due from the payer of `bid` and takes in the fees in it.
    function _take(Orders.Bid memory bid, uint256 due, uint256 fees) private {
        _pull(bid.currency, bid.payer, due);
        _takeFees(bid.currency, fees);
    }

    /// @dev What the lease earned, in micro-dollars: by the second, rounded to the tenant's good.
    function _chargeOf(uint64 id, uint256 slot, Orders.Bid memory bid, Orders.Ask memory ask, uint256 minCharge)
        private
        view
        returns (uint256 charge)
    {
        uint256 end = _ends[id];
        charge = bid.gpus * uint256(ask.ask) * ((end & TIME) - _startOf(slot)) / HOUR;
        if (end >> 40 == BY_TENANT && charge < minCharge) charge = minCharge;
    }

    /// @dev What a request locks, in micro-dollars, rounded up.
    function _lockOf(Orders.Bid memory bid) private pure returns (uint256) {
        return (bid.gpus * uint256(bid.budget) * bid.term + HOUR - 1) / HOUR;
    }

    /// @dev A request whose money is still here.
    function _unpaid(uint64 id) private view returns (uint256 slot, Orders.Bid memory bid) {
        slot = _slots[id];
        if (slot == 0) revert Unknown(id);
        if (slot & REQUEST_PAID != 0) revert AlreadyPaid(id);
        bid = _bidOf(slot);
    }

    function _bidOf(uint256 slot) private view returns (Orders.Bid memory) {
        return Orders.decodeBid(RecordPages.read(_locatorOfRequest(slot), Orders.REQUEST), 0);
    }

    /// @dev The first round that can see what is written now.
    function _nextRound() private view returns (uint64) {
        return block.timestamp < _genesis ? 0 : uint64((block.timestamp - _genesis) / _period + 1);
    }
}
