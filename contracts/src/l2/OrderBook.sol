// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {Orders} from "../lib/Orders.sol";
import {PolicyPage} from "../lib/PolicyPage.sol";
import {RecordPages} from "../lib/RecordPages.sol";
import {Standing} from "../lib/Standing.sol";
import {UsedTrace} from "../lib/UsedTrace.sol";

/// @title Offers and requests: posting, versions, closing, and what was open at any time.
/// @dev Layout. A head (one slot an offer), from its low bits: what `UsedTrace` keeps 208 | locator of the newest
/// version 32 | flags 16. The newest version's time of creation lies in its page. A replaced or closed version has
/// a slot of its own: created 40 | closed 40 | locator 32. A request's slot: created 40 | closed 40 (0 while
/// not cancelled) | locator 32 | round + 1 40 | position 32 | offer 64.
abstract contract OrderBook is IMarket, ERC2771Context {
    /// @dev Flags of an offer's head.
    uint256 internal constant OFFER_CLOSED = 1 << 240;
    uint256 internal constant OFFER_RETIRED = 1 << 241;
    uint256 internal constant TIME = 0xffffffffff;
    uint256 private constant OPEN = type(uint64).max;

    /// @notice Where stake and GPUs of providers are counted.
    IProviders public immutable providers;

    uint64 private _offers;
    uint64 private _requests;
    uint32 private _pages;
    mapping(uint256 offerId => uint256) internal _heads;
    mapping(uint256 offerId => mapping(uint256 version => uint256)) private _versions;
    mapping(uint256 requestId => uint256) internal _slots;
    UsedTrace.History internal _history;
    /// @inheritdoc IMarket
    mapping(address provider => uint64) public retiredAt;

    /// @notice The batch is empty, too long, or no whole number of records.
    error BadBatch(uint256 length);
    /// @notice There is no such order.
    error Unknown(uint64 id);
    /// @notice The order belongs to someone else.
    error NotOwner(address caller, address owner);
    /// @notice The order is closed.
    error AlreadyClosed(uint64 id);
    /// @notice The request has a lease.
    error AlreadyMatched(uint64 id);
    /// @notice A machine with other GPUs is another offer.
    error GpusChanged(uint8 got, uint8 expected);
    /// @notice A machine of another tier is another offer.
    error TierChanged(uint8 got, uint8 expected);
    /// @notice Record `index` names another tier than the policy gives its model.
    error WrongTier(uint256 index, uint8 got, uint8 expected);
    /// @notice Only a closed offer without leases retires, and only once.
    error NotRetirable(uint64 id);

    constructor(IProviders providers_, address forwarder) ERC2771Context(forwarder) {
        providers = providers_;
    }

    /// @inheritdoc IMarket
    function postOffers(bytes calldata batch) external returns (uint64 firstId) {
        bytes memory records = batch;
        uint256 count = _count(records.length, Orders.OFFER);
        firstId = _offers + 1;
        uint256 locator = uint256(++_pages) << 6;
        uint32 gpus;
        address provider = _msgSender();
        for (uint256 i; i < count; ++i) {
            Orders.validateOffer(records, i);
            uint64 id = firstId + uint64(i);
            Orders.fill(records, i * Orders.OFFER, id, 1, provider);
            gpus += Orders.offerGpus(records, i * Orders.OFFER);
            _heads[id] = (locator | i) << 208;
        }
        _requireTiers(records, count);
        _offers = firstId + uint64(count) - 1;
        RecordPages.create(locator >> 6, records);
        emit OffersPosted(firstId, uint64(block.timestamp), records);
        providers.addGpus(provider, gpus);
    }

    /// @inheritdoc IMarket
    /// @dev The new version counts from the next snapshot on. It keeps provider, GPUs and tier: what was paid and staked for
    /// the machine was by these.
    function reviseOffer(uint64 id, bytes calldata replacement) external {
        if (replacement.length != Orders.OFFER) revert BadBatch(replacement.length);
        bytes memory record = replacement;
        Orders.validateOffer(record, 0);
        _requireTiers(record, 1);
        (uint256 head, uint32 version, uint8 gpus, uint8 tier) = _ownOpenOffer(id);
        if (Orders.offerGpus(record, 0) != gpus) revert GpusChanged(Orders.offerGpus(record, 0), gpus);
        (, uint8 newTier) = Orders.modelAndTier(record, 0);
        if (newTier != tier) revert TierChanged(newTier, tier);
        Orders.fill(record, 0, id, version + 1, _msgSender());

        _closeVersion(id, version, head);
        uint256 page = ++_pages;
        _heads[id] = head & (1 << 208) - 1 | page << 214;
        RecordPages.create(page, record);
        emit OfferRevised(id, version + 1, uint64(block.timestamp), record);
    }

    /// @inheritdoc IMarket
    /// @dev It still binds in the round whose snapshot saw it open. For good: listing again makes a new id.
    function closeOffer(uint64 id) external {
        (uint256 head, uint32 version,,) = _ownOpenOffer(id);
        _closeVersion(id, version, head);
        _heads[id] = head | OFFER_CLOSED;
        emit OfferClosed(id, version, uint64(block.timestamp));
    }

    /// @inheritdoc IMarket
    function retireOffer(uint64 id) external {
        uint256 head = _heads[id];
        if (head & (OFFER_CLOSED | OFFER_RETIRED) != OFFER_CLOSED || UsedTrace.used(head) != 0) {
            revert NotRetirable(id);
        }
        (,, uint64 closed) = _version(id, _versionOf(_locatorOf(head)));
        if (_mayBind(closed)) revert NotRetirable(id);
        _heads[id] = head | OFFER_RETIRED;
        bytes memory record = RecordPages.read(_locatorOf(head), Orders.OFFER);
        address provider = Orders.decodeAsk(record).provider;
        retiredAt[provider] = uint64(block.timestamp);
        providers.removeGpus(provider, Orders.offerGpus(record, 0));
    }

    /// @inheritdoc IMarket
    /// @dev It still binds in the round whose snapshot saw it open.
    function cancelRequest(uint64 id) external {
        uint256 slot = _slots[id];
        if (slot == 0) revert Unknown(id);
        if (!_isTenantOrPayer(slot, _msgSender())) {
            revert NotOwner(_msgSender(), _ownerOf(_locatorOfRequest(slot), Orders.REQUEST));
        }
        if (_closedOf(slot) != OPEN) revert AlreadyClosed(id);
        if (_roundTagOf(slot) != 0) revert AlreadyMatched(id);
        _slots[id] = slot | block.timestamp << 40;
        emit RequestClosed(id, uint64(block.timestamp));
    }

    /// @inheritdoc IMarket
    function offerRecord(uint64 id, uint32 version)
        external
        view
        returns (bytes memory record, uint64 created, uint64 closed)
    {
        uint256 locator;
        (locator, created, closed) = _version(id, version);
        record = RecordPages.read(locator, Orders.OFFER);
    }

    /// @inheritdoc IMarket
    function newestOffer(uint64 id) external view returns (bytes memory record, OfferStatus status) {
        uint256 head = _heads[id];
        if (head == 0) return ("", OfferStatus.None);
        record = RecordPages.read(_locatorOf(head), Orders.OFFER);
        if (head & OFFER_CLOSED == 0) return (record, OfferStatus.Open);
        status = head & OFFER_RETIRED == 0 ? OfferStatus.Closed : OfferStatus.Retired;
    }

    /// @inheritdoc IMarket
    /// @dev 0 where no version was open. `available_until` is not looked at.
    function offerVersionAt(uint64 id, uint64 t) public view returns (uint32 version) {
        uint256 head = _heads[id];
        return head == 0 ? 0 : _versionAt(id, head, t);
    }

    /// @inheritdoc IMarket
    function requestRecord(uint64 id) external view returns (bytes memory record, uint64 created, uint64 closed) {
        uint256 slot = _slots[id];
        if (slot == 0) revert Unknown(id);
        record = RecordPages.read(_locatorOfRequest(slot), Orders.REQUEST);
        return (record, uint64(slot & TIME), uint64(_closedOf(slot)));
    }

    /// @inheritdoc IMarket
    function usedAt(uint64 offerId, uint64 t) external view returns (uint136 used) {
        return uint136(UsedTrace.valueAt(_history, offerId, _heads[offerId], t));
    }

    /// @inheritdoc IMarket
    function offerCount() external view returns (uint64) {
        return _offers;
    }

    /// @inheritdoc IMarket
    function requestCount() external view returns (uint64) {
        return _requests;
    }

    /// @dev The page of the policy that orders come under which are posted now.
    function _pageNow() internal view virtual returns (address);

    /// @dev Whether a round that has not ended may still bind an order that was open until `closed`.
    function _mayBind(uint64 closed) internal view virtual returns (bool);

    /// @dev Stores validated requests of `tenant`; fills the records in.
    function _storeRequests(bytes memory records, address tenant) internal returns (uint64 firstId, uint256 count) {
        count = _count(records.length, Orders.REQUEST);
        firstId = _requests + 1;
        uint256 locator = uint256(++_pages) << 6;
        for (uint256 i; i < count; ++i) {
            Orders.validateRequest(records, i);
            uint64 id = firstId + uint64(i);
            Orders.fill(records, i * Orders.REQUEST, id, 1, tenant);
            _slots[id] = (locator | i) << 80 | block.timestamp;
        }
        _requests = firstId + uint64(count) - 1;
        RecordPages.create(locator >> 6, records);
        emit RequestsPosted(firstId, uint64(block.timestamp), records);
    }

    /// @dev The record of an offer as it was open at `t`.
    function _offerRecordAt(uint64 id, uint64 t) internal view returns (bytes memory) {
        (uint256 locator,,) = _version(id, offerVersionAt(id, t));
        return RecordPages.read(locator, Orders.OFFER);
    }

    /// @dev The locator of the version of an existing offer that was open at `t`, or 0.
    function _locatorAt(uint256 id, uint256 head, uint256 t) internal view returns (uint256) {
        uint256 locator = _locatorOf(head);
        if (head & OFFER_CLOSED == 0 && RecordPages.createdOf(RecordPages.pageOf(locator)) <= t) return locator;
        uint32 version = _versionAt(id, head, t);
        return version == 0 ? 0 : _versions[id][version] >> 80;
    }

    /// @dev Owner of the record at a locator: provider or tenant.
    function _ownerOf(uint256 locator, uint256 width) internal view returns (address) {
        return address(uint160(RecordPages.word(RecordPages.pageOf(locator), RecordPages.offsetOf(locator, width))));
    }

    /// @dev The newest version's locator.
    function _locatorOf(uint256 head) internal pure returns (uint256) {
        return uint32(head >> 208);
    }

    function _locatorOfRequest(uint256 slot) internal pure returns (uint256) {
        return uint32(slot >> 80);
    }

    /// @dev Round + 1 of a request's lease, 0 without one.
    function _roundTagOf(uint256 slot) internal pure returns (uint256) {
        return slot >> 112 & TIME;
    }

    /// @dev Whether `who` is the tenant of the request in this slot, or pays for it.
    function _isTenantOrPayer(uint256 slot, address who) internal view returns (bool) {
        uint256 locator = _locatorOfRequest(slot);
        if (who == _ownerOf(locator, Orders.REQUEST)) return true;
        uint256 offset = RecordPages.offsetOf(locator, Orders.REQUEST) + Orders.REQUEST_PAYER;
        return who == address(uint160(RecordPages.word(RecordPages.pageOf(locator), offset) >> 96));
    }

    /// @dev When a request was cancelled; the end of time if it was not.
    function _closedOf(uint256 slot) internal pure returns (uint256 closed) {
        closed = slot >> 40 & TIME;
        if (closed == 0) closed = OPEN;
    }

    /// @dev The binary search over the replaced versions; `head` is not zero.
    function _versionAt(uint256 id, uint256 head, uint256 t) private view returns (uint32) {
        uint256 locator = _locatorOf(head);
        uint256 newest = _versionOf(locator);
        bool open = head & OFFER_CLOSED == 0;
        if (open && RecordPages.createdOf(RecordPages.pageOf(locator)) <= t) return uint32(newest);
        // Versions low + 1 to high have a slot; we look for the last one created by t.
        uint256 low;
        uint256 high = open ? newest - 1 : newest;
        while (low < high) {
            uint256 middle = (low + high + 1) / 2;
            if (_versions[id][middle] & TIME <= t) low = middle;
            else high = middle - 1;
        }
        return low != 0 && t < _versions[id][low] >> 40 & TIME ? uint32(low) : 0;
    }

    /// @dev Place and times of a version; reverts if there is none.
    function _version(uint64 id, uint32 version) private view returns (uint256 locator, uint64 created, uint64 closed) {
        uint256 slot = _versions[id][version];
        if (slot != 0) return (slot >> 80, uint64(slot & TIME), uint64(slot >> 40 & TIME));
        uint256 head = _heads[id];
        locator = _locatorOf(head);
        if (head == 0 || _versionOf(locator) != version) revert Unknown(id);
        return (locator, uint64(RecordPages.createdOf(RecordPages.pageOf(locator))), uint64(OPEN));
    }

    function _versionOf(uint256 locator) private view returns (uint32) {
        return uint32(RecordPages.word(RecordPages.pageOf(locator), RecordPages.offsetOf(locator, Orders.OFFER)) >> 160);
    }

    /// @dev The head, newest version, GPUs and tier of an open offer of the caller.
    function _ownOpenOffer(uint64 id) private view returns (uint256 head, uint32 version, uint8 gpus, uint8 tier) {
        head = _heads[id];
        if (head == 0) revert Unknown(id);
        bytes memory record = RecordPages.read(_locatorOf(head), Orders.OFFER);
        Orders.Identity memory offer = Orders.decodeIdentity(record);
        if (_msgSender() != offer.provider) revert NotOwner(_msgSender(), offer.provider);
        if (head & OFFER_CLOSED != 0) revert AlreadyClosed(id);
        return (head, _versionOf(_locatorOf(head)), offer.gpus, offer.tier);
    }

    /// @dev Each offer must name the tier of its model.
    function _requireTiers(bytes memory records, uint256 count) private view {
        address page = _pageNow();
        uint64[5] memory floors = PolicyPage.standing(page).floors;
        for (uint256 i; i < count; ++i) {
            (uint8 model, uint8 tier) = Orders.modelAndTier(records, i * Orders.OFFER);
            uint8 expected = Standing.tierOf(floors, PolicyPage.referencePrice(page, model));
            if (tier != expected) revert WrongTier(i, tier, expected);
        }
    }

    function _closeVersion(uint64 id, uint32 version, uint256 head) private {
        uint256 locator = _locatorOf(head);
        uint256 created = RecordPages.createdOf(RecordPages.pageOf(locator));
        _versions[id][version] = locator << 80 | block.timestamp << 40 | created;
    }

    function _count(uint256 length, uint256 width) private pure returns (uint256 count) {
        count = length / width;
        if (count == 0 || count > RecordPages.MAX_RECORDS || length % width != 0) revert BadBatch(length);
    }
}
