// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Offers, requests, leases and escrow. Records are those of docs/formats.md, section 2.
/// @notice Nothing here names a block number; every change carries its block's timestamp.
interface IMarket {
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
    /// @notice A lease ended. `reason`: 1 tenant, 2 provider, 3 term over, 4 void round,
    /// 5 annulled (the pair was shown ineligible: nothing is paid).
    /// With reason 3 it ended with its term, which may lie before `time`; its place is free from `time` on.
    event LeaseClosed(uint64 indexed requestId, uint64 indexed offerId, uint64 time, uint8 reason);
    /// @notice Leases of a machine ended; what is used of it now (Capacity, 17 bytes, packed in the low 136 bits).
    /// Emitted by closing only: what opening adds is in `LeasesOpened`.
    event UsedChanged(uint64 indexed offerId, uint64 time, uint136 used);
    /// @notice Money left the escrow of a request.
    event Settled(uint64 indexed requestId, uint256 toProvider, uint256 toTenant, uint256 fee);
    event TenantApproved(address indexed payer, address indexed tenant, bool approved);
    event Withdrawn(address indexed account, uint8 indexed currency, uint256 amount);

    // --- providers ---
    function postOffers(bytes calldata records) external returns (uint64 firstId);
    function reviseOffer(uint64 id, bytes calldata record) external;
    function closeOffer(uint64 id) external;
    /// @notice Takes the GPUs of a closed offer without leases out of the provider's registered GPUs.
    function retireOffer(uint64 id) external;

    // --- tenants: locks k x budget x term and the fee, pulled from the payer (must be the caller or have approved it here) ---
    /// @notice Lets `tenant` post requests that the caller pays for, or no longer.
    function approveTenant(address tenant, bool approved) external;
    function postRequests(bytes calldata records) external returns (uint64 firstId);
    function cancelRequest(uint64 id) external;
    /// @notice Credits the payer with the money of a request that was never matched, once it is closed or
    /// expired and no round can bind it any more. The fee is not returned.
    function reclaim(uint64 id) external;

    // --- leases ---
    /// @notice Ends leases. The tenant at once, the provider too (reason 2), anyone when the term is over, or when the
    /// policy's `void_notice` is over since the lease's round became void (reason 4, as its parties before).
    function closeLeases(uint64[] calldata requestIds) external;
    /// @notice Credits what an ended lease held to provider and payer, once the round's challenge windows are over.
    function settleLease(uint64 requestId) external;
    /// @notice Sends the caller all that it was credited in a currency.
    function withdraw(uint8 currency) external returns (uint256 amount);
    /// @notice Credits a poster of chunks with what the pot lacked when it posted, as far as the pot reaches now.
    /// Anyone. In micro-dollars of currency 0.
    function collectDebt(address poster) external returns (uint256 micro);

    // --- Disputes only ---
    /// @notice Ends the lease of a pair that was shown ineligible in a void round, at once and without pay.
    function annul(uint64 requestId) external;

    // --- Rounds only ---
    /// @notice Opens the leases of one chunk. Reverts with `Refuted` if a signed chunk breaks a rule
    /// that posting checks: then, and only then, the round is void.
    /// @param round the round's number, @param t its T, @param first position of the first entry
    /// @param poster is credited the posting fee for each entry out of the pot of fees
    function openLeases(uint64 round, uint64 t, uint32 first, bytes calldata entries, address poster) external;
    /// @dev code: 1 unknown request, 2 unknown offer, 3 request matched twice, 4 request not open at T,
    /// 5 offer not open at T, 6 order within an offer, 7 offers not ascending, 8 running sum, 9 over capacity at T
    error Refuted(uint8 code, uint32 position);

    // --- views, values as of any T; `closed` is 2^64 - 1 while open, so that `created <= T < closed` holds as written ---
    function offerRecord(uint64 id, uint32 version) external view returns (bytes memory record, uint64 created, uint64 closed);
    function offerVersionAt(uint64 id, uint64 t) external view returns (uint32 version);
    function requestRecord(uint64 id) external view returns (bytes memory record, uint64 created, uint64 closed);
    /// @return round 0-based round + 1, or 0 if never matched
    function leaseOf(uint64 requestId) external view returns (uint64 round, uint32 position, uint64 offerId, uint64 start, uint64 end);
    function usedAt(uint64 offerId, uint64 t) external view returns (uint136 used);
    function offerCount() external view returns (uint64);
    function requestCount() external view returns (uint64);
    function token(uint8 currency) external view returns (address);
    /// @notice What `account` can withdraw, in the token's smallest unit.
    function creditOf(address account, uint8 currency) external view returns (uint256);
    /// @notice What the pot that pays for posting holds, in micro-dollars of currency 0.
    function postingPot() external view returns (uint256);
    /// @notice What a poster of chunks is still owed, in micro-dollars of currency 0. It is paid out of fees to come.
    function debtOf(address poster) external view returns (uint256);
    /// @notice Whether `payer` lets `tenant` post requests that it pays for.
    function isApproved(address payer, address tenant) external view returns (bool);
}
