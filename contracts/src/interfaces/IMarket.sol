// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Offers, requests and leases. Records are those of docs/formats.md, section 2.
/// @notice Nothing here names a block number; every change carries its block's timestamp. The money lies in `IEscrow`.
/// What a person calls may come through the trusted forwarder (ERC-2771), signed, for somebody without gas.
interface IMarket {
    enum OfferStatus {
        None, // no such offer
        Open,
        Closed, // takes no new leases; has perhaps some
        Retired // closed for good, and without leases
    }

    // --- events: with their data alone anyone can rebuild the market at any time T ---

    /// @notice `records` are whole offer records (160 bytes each), ids in sequence from `firstId`, version 1.
    event OffersPosted(uint64 indexed firstId, uint64 time, bytes records);
    /// @notice A new version of one offer; the version before is closed at the same time.
    event OfferRevised(uint64 indexed id, uint32 version, uint64 time, bytes record);
    /// @notice The open version of an offer was closed.
    event OfferClosed(uint64 indexed id, uint32 version, uint64 time);
    /// @notice `records` are whole request records (320 bytes each), ids in sequence from `firstId`.
    event RequestsPosted(uint64 indexed firstId, uint64 time, bytes records);
    /// @notice A request was cancelled. It still binds in the round whose snapshot saw it open.
    event RequestClosed(uint64 indexed id, uint64 time);
    /// @notice Leases of round `round` were opened, one for each entry of the list at positions `first`..`first+count-1`.
    /// `entries` are the entries' bytes (49 each). Each lease adds its request's demand to what is used of its
    /// machine; no `UsedChanged` repeats that.
    event LeasesOpened(uint64 indexed round, uint32 first, uint64 time, bytes entries);
    /// @notice A lease ended. `reason` (docs/reasons.md): 1 tenant, 2 provider, 3 term over, 4 void round,
    /// 5 annulled (the pair was shown ineligible: nothing is paid). It may have been over before `time` (with its term,
    /// the provider's notice or that of its void round); its place is free from `time` on.
    event LeaseClosed(uint64 indexed requestId, uint64 indexed offerId, uint64 time, uint8 reason);
    /// @notice Leases of a machine ended; what is used of it now (Capacity, 17 bytes, packed in the low 136 bits).
    /// Emitted by closing only: what opening adds is in `LeasesOpened`.
    event UsedChanged(uint64 indexed offerId, uint64 time, uint136 used);
    /// @notice The provider gave notice: the lease ends at `until`, or when its term is over if that is sooner.
    event LeaseReclaimed(uint64 indexed requestId, uint64 indexed offerId, uint64 time, uint64 until);
    /// @notice The lease's term is over at `until` from now on.
    event LeaseExtended(uint64 indexed requestId, uint64 indexed offerId, uint64 time, uint64 until);

    /// @notice What the money of a request rests on. Without a lease all from `round` on is zero.
    struct LeaseMoney {
        address payer;
        address tenant;
        uint8 currency;
        uint8 gpus; // k
        uint64 budget; // micro-dollars per GPU-hour
        uint32 term; // seconds, as requested
        uint64 extra; // seconds that it was extended by, at `ask`
        uint64 openUntil; // when it was cancelled or expires, whichever is first
        uint64 round; // that matched it, from 1
        uint64 offerId;
        address provider;
        uint64 ask; // micro-dollars per GPU-hour, of the version that was open at T
        uint8 tier; // likewise
        uint64 start;
        uint64 until; // its end; while it goes on: when it is over if nobody does anything
        bool ended;
        uint8 reason; // as in `LeaseClosed`, 0 while it goes on
    }

    // --- providers ---
    function postOffers(bytes calldata records) external returns (uint64 firstId);
    function reviseOffer(uint64 id, bytes calldata record) external;
    function closeOffer(uint64 id) external;
    /// @notice Takes the GPUs of a closed offer without leases out of the provider's registered GPUs.
    function retireOffer(uint64 id) external;

    // --- tenants: locks k x budget x term and the fee, pulled from the payer (the caller, or by its allowance) ---
    function postRequests(bytes calldata records) external returns (uint64 firstId);
    /// @notice Tenant or payer: whoever lent a session key takes back what it has asked for.
    function cancelRequest(uint64 id) external;

    // --- leases ---
    /// @notice Ends leases. The tenant or its payer at once; the provider gives the notice that its offer named at T, and
    /// at once where that is 0 (reason 2); in a void round either side at once (reason 4). Anyone when the term or a
    /// notice is over, or the policy's `void_notice` since the lease's round became void.
    function closeLeases(uint64[] calldata requestIds) external;
    /// @notice Lets a lease go on for `seconds_` more at its price, from its tenant or payer: locks that much more of the
    /// payer's money (rounded up). While the offer is open, not dearer, and takes its currency; the new end is
    /// within `max_term` from now and within `available_until`.
    function extend(uint64 requestId, uint32 seconds_) external;

    // --- Disputes only ---
    /// @notice Ends the lease of a pair that was shown ineligible in a void round, at once and without pay: what is held
    /// for it goes back.
    function annul(uint64 requestId) external;

    // --- Rounds only ---
    /// @notice Opens the leases of one chunk. Reverts with `Refuted` if a signed chunk breaks a rule
    /// that posting checks: then, and only then, the round is void.
    /// @param round the round's number, @param t its T, @param first position of the first entry
    /// @param poster is credited the posting fee for each entry out of the escrow's pot of fees
    function openLeases(uint64 round, uint64 t, uint32 first, bytes calldata entries, address poster) external;
    /// @dev code: 1 unknown request, 2 unknown offer, 3 request matched twice, 4 request not open at T,
    /// 5 offer not open at T, 6 order within an offer, 7 offers not ascending, 8 running sum, 9 over capacity at T
    error Refuted(uint8 code, uint32 position);

    // --- views, values as of any T; `closed` is 2^64 - 1 while open, so that `created <= T < closed` holds as written ---
    function offerRecord(uint64 id, uint32 version)
        external
        view
        returns (bytes memory record, uint64 created, uint64 closed);
    /// @notice The newest version of an offer, also after its end; empty, and `None`, if there is no such offer.
    function newestOffer(uint64 id) external view returns (bytes memory record, OfferStatus status);
    function offerVersionAt(uint64 id, uint64 t) external view returns (uint32 version);
    function requestRecord(uint64 id) external view returns (bytes memory record, uint64 created, uint64 closed);
    /// @return round 0-based round + 1, or 0 if never matched
    function leaseOf(uint64 requestId)
        external
        view
        returns (uint64 round, uint32 position, uint64 offerId, uint64 start, uint64 end);
    function usedAt(uint64 offerId, uint64 t) external view returns (uint136 used);
    function offerCount() external view returns (uint64);
    function requestCount() external view returns (uint64);
    function leaseMoney(uint64 requestId) external view returns (LeaseMoney memory);
    /// @notice When a provider last retired an offer, 0 if never.
    function retiredAt(address provider) external view returns (uint64);
}
