// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Records of offers and requests: docs/formats.md, section 2. The one place that knows their bytes.
/// @dev Offsets are those of the format; `at` below means a record's first byte within `data`.
library Orders {
    /// @notice Bytes of an offer's record.
    uint256 internal constant OFFER = 160;
    /// @notice Bytes of a request's record.
    uint256 internal constant REQUEST = 320;

    /// @dev The owner's field, provider or tenant, ends here in both records.
    uint256 internal constant OWNER_END = 32;
    /// @dev The word that holds cpu, memory, disk, mbits, currencies and available_until of an offer.
    uint256 internal constant OFFER_CAPACITY = 108;
    /// @dev A word whose last byte is an offer's number of GPUs.
    uint256 internal constant OFFER_GPUS = 118;
    /// @dev The word that holds cpu, memory, disk, mbits, term, valid_until, min_uptime and GPUs of a request.
    uint256 internal constant REQUEST_DEMAND = 256;
    /// @dev Where a request's payer begins.
    uint256 internal constant REQUEST_PAYER = 224;

    /// @notice Field `offset` of record `index` of the batch is out of its range.
    error BadRecord(uint256 index, uint256 offset);

    /// @notice What leases need of an offer.
    struct Ask {
        address provider;
        uint64 ask;
        uint32 currencies;
        uint64 availableUntil;
        uint32 maxTerm;
        uint32 notice;
        uint8 tier;
    }

    /// @notice Who stands behind an offer, and with what.
    struct Identity {
        address provider;
        bytes32 machineKey;
        uint8 gpus;
        uint8 tier;
    }

    /// @notice What money needs of a request.
    struct Bid {
        address tenant;
        address payer;
        uint64 budget;
        uint64 validUntil;
        uint32 term;
        uint8 gpus;
        uint8 currency;
    }

    /// @notice Reverts unless record `index` of `data` is an offer as a provider may send it.
    function validateOffer(bytes memory data, uint256 index) internal pure {
        uint256 at_ = index * OFFER;
        _zero(data, at_, index, 0, 32); // id, version, provider: the market fills them in
        if (_uint(data, at_ + 96, 8) == 0) revert BadRecord(index, 96); // ask
        if (_uint(data, at_ + 124, 4) == 0) revert BadRecord(index, 124); // currencies
        if (_uint(data, at_ + 140, 4) < _uint(data, at_ + 136, 4)) revert BadRecord(index, 140); // max_term
        if (_uint(data, at_ + 149, 1) == 0) revert BadRecord(index, 149); // gpus
        if (_uint(data, at_ + 151, 1) > 7) revert BadRecord(index, 151); // kind
        if (_uint(data, at_ + 152, 1) > 7) revert BadRecord(index, 152); // tier
        _zero(data, at_, index, 153, 7);
    }

    /// @notice Reverts unless record `index` of `data` is a request as a tenant may send it.
    function validateRequest(bytes memory data, uint256 index) internal pure {
        uint256 at_ = index * REQUEST;
        _zero(data, at_, index, 0, 32); // id, version, tenant: the market fills them in
        if (_uint(data, at_ + 32, 32) == 0) revert BadRecord(index, 32); // models
        if (_uint(data, at_ + 64, 32) == 0) revert BadRecord(index, 64); // regions
        if (_uint(data, at_ + 224, 20) == 0) revert BadRecord(index, 224); // payer
        if (_uint(data, at_ + 244, 8) == 0) revert BadRecord(index, 244); // budget
        if (_uint(data, at_ + 272, 4) == 0) revert BadRecord(index, 272); // term
        if (_uint(data, at_ + 284, 2) > 10_000) revert BadRecord(index, 284); // min_uptime
        if (_uint(data, at_ + 286, 1) == 0) revert BadRecord(index, 286); // gpus
        if (_uint(data, at_ + 288, 1) == 0) revert BadRecord(index, 288); // kinds
        if (_uint(data, at_ + 289, 1) == 0) revert BadRecord(index, 289); // tiers
        if (_uint(data, at_ + 290, 1) > 31) revert BadRecord(index, 290); // currency
        if (_uint(data, at_ + 291, 1) > 3) revert BadRecord(index, 291); // profile
        _zero(data, at_, index, 292, 28);
    }

    /// @notice Writes id, version and owner into the first 32 bytes of the record at `offset`.
    function fill(bytes memory data, uint256 offset, uint64 id, uint32 version, address owner) internal pure {
        assembly ("memory-safe") {
            let head := or(or(shl(192, id), shl(160, version)), owner)
            mstore(add(add(data, 0x20), offset), head)
        }
    }

    /// @notice What a request asks for (Capacity, packed), from its word at `REQUEST_DEMAND`.
    function demandOf(uint256 word) internal pure returns (uint256) {
        return (word >> 8 & 0xff) << 128 | word >> 128;
    }

    /// @notice A request's term in seconds, from its word at `REQUEST_DEMAND`.
    function termOf(uint256 word) internal pure returns (uint256) {
        return uint32(word >> 96);
    }

    /// @notice A request's `valid_until`, from its word at `REQUEST_DEMAND`.
    function validUntilOf(uint256 word) internal pure returns (uint256) {
        return uint64(word >> 32);
    }

    /// @notice What a machine has (Capacity, packed), from the words at `OFFER_CAPACITY` and `OFFER_GPUS`.
    function capacityOf(uint256 word, uint256 gpusWord) internal pure returns (uint256) {
        return (gpusWord & 0xff) << 128 | word >> 128;
    }

    /// @notice An offer's `available_until`, from its word at `OFFER_CAPACITY`.
    function availableUntilOf(uint256 word) internal pure returns (uint256) {
        return uint64(word >> 32);
    }

    /// @notice GPUs of the offer at `offset`.
    function offerGpus(bytes memory data, uint256 offset) internal pure returns (uint8) {
        return uint8(_uint(data, offset + 149, 1));
    }

    /// @notice Who stands behind one whole offer.
    function decodeIdentity(bytes memory record) internal pure returns (Identity memory i) {
        i.provider = address(uint160(_uint(record, 12, 20)));
        i.machineKey = bytes32(_uint(record, 32, 32));
        i.gpus = offerGpus(record, 0);
        i.tier = uint8(_uint(record, 152, 1));
    }

    /// @notice Model and tier of the offer at `offset`.
    function modelAndTier(bytes memory data, uint256 offset) internal pure returns (uint8 model, uint8 tier) {
        return (uint8(_uint(data, offset + 148, 1)), uint8(_uint(data, offset + 152, 1)));
    }

    /// @notice What leases need of one whole offer.
    function decodeAsk(bytes memory record) internal pure returns (Ask memory a) {
        a.provider = address(uint160(_uint(record, 12, 20)));
        a.ask = uint64(_uint(record, 96, 8));
        a.currencies = uint32(_uint(record, 124, 4));
        a.availableUntil = uint64(_uint(record, 128, 8));
        a.maxTerm = uint32(_uint(record, 140, 4));
        a.notice = uint32(_uint(record, 144, 4));
        a.tier = uint8(_uint(record, 152, 1));
    }

    /// @notice What money needs of the request at `offset`.
    function decodeBid(bytes memory data, uint256 offset) internal pure returns (Bid memory b) {
        b.tenant = address(uint160(_uint(data, offset + 12, 20)));
        b.payer = address(uint160(_uint(data, offset + 224, 20)));
        b.budget = uint64(_uint(data, offset + 244, 8));
        b.term = uint32(_uint(data, offset + 272, 4));
        b.validUntil = uint64(_uint(data, offset + 276, 8));
        b.gpus = uint8(_uint(data, offset + 286, 1));
        b.currency = uint8(_uint(data, offset + 290, 1));
    }

    /// @dev The big-endian number of `width` bytes (1 to 32) at `offset`.
    function _uint(bytes memory data, uint256 offset, uint256 width) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, width)), mload(add(add(data, 0x20), offset)))
        }
    }

    /// @dev Reverts unless `width` bytes (1 to 32) from `offset` of the record are zero.
    function _zero(bytes memory data, uint256 start, uint256 index, uint256 offset, uint256 width) private pure {
        if (_uint(data, start + offset, width) != 0) revert BadRecord(index, offset);
    }
}
