// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title The market's money: locked for requests, held for leases, credited, withdrawn. Amounts are micro-dollars
/// unless said otherwise; a currency's unit turns them into tokens.
/// @notice What a lease earned is held until its round is final and the health epochs that it covers are settled. Held
/// money pays, in this order: windows DOWN and maintenance go back to the payer, a void round's annulled pair goes back
/// in full, the protocol fee, the provider. The contract never owes more than it holds.
/// What a person calls may come through the trusted forwarder (ERC-2771), signed, for somebody without gas.
interface IEscrow {
    event Allowed(address indexed payer, address indexed tenant, uint8 currency, uint256 cap, uint64 until);
    /// @notice Money came in: `micro` for requests or the extension of a lease, and `fee` beside it.
    event Locked(address indexed payer, address indexed tenant, uint8 currency, uint256 micro, uint256 fee);
    /// @notice Money of a request moved. All amounts are of this call, and their sum is what left. `returned` goes to the
    /// payer, `withheld` into the provider's deposit. Its lease is paid up to `until` (0 without a lease).
    event Settled(
        uint64 indexed requestId, uint256 toProvider, uint256 returned, uint256 fee, uint256 withheld, uint64 until
    );
    /// @notice All money of a request has left.
    event Emptied(uint64 indexed requestId);
    event Withdrawn(address indexed account, uint8 indexed currency, uint256 amount);
    /// @notice A deposit that an entry-tier provider builds up out of earnings.
    event DepositChanged(address indexed provider, uint8 indexed currency, uint256 micro);

    // --- payers ---
    /// @notice Lets `tenant` (a person, or a session key) lock up to `cap` of the caller's money, until `until`
    /// (the last second). Each lock and its fee use the cap up. Replaces what was allowed before; a cap of 0 ends it.
    function allow(address tenant, uint8 currency, uint256 cap, uint64 until) external;
    /// @notice ERC-2612 for whoever holds no gas: anyone hands in the owner's signature. One that was used already
    /// changes nothing, and does not fail.
    function permit(uint8 currency, address owner, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;

    // --- leases ---
    /// @notice Moves what can move of a lease: pay up to where everything is known, and what can never be due any more.
    /// Anyone, again and again: a call covers a bounded number of health epochs. One that can move nothing yet changes
    /// nothing.
    function settle(uint64 requestId) external;
    /// @notice The same over the time of at most `most` health epochs: for leases with so much downtime that `settle` would
    /// take more gas than a block has. Anyone.
    function settleEpochs(uint64 requestId, uint16 most) external;
    /// @notice Gives back the money of a request that was never matched, once nothing can bind it. The fee stays.
    function reclaim(uint64 requestId) external;
    /// @notice Sends the caller all that it was credited in a currency.
    function withdraw(uint8 currency) external returns (uint256 amount);
    /// @notice Credits a settler with `settle_fee` for every round that it settled under the policy of round `n`, and was not
    /// paid for yet. Out of the pot, currency 0. Anyone.
    function rewardSettler(address settler, uint64 n) external returns (uint256 micro);
    /// @notice Credits a poster or settler with what the pot lacked, as far as it reaches now. Anyone. Currency 0.
    function collectDebt(address poster) external returns (uint256 micro);
    /// @notice Gives an entry-tier provider's deposit back once it has no registered GPUs, and the health epoch after
    /// the one in which it retired the last is settled. Anyone.
    function releaseDeposit(address provider, uint8 currency) external;

    // --- Market only ---
    /// @notice Pulls `micro + fee` from the payer, of which `micro` is locked for requests. `tenant` is the payer, or
    /// allowed by it.
    function lock(address payer, address tenant, uint8 currency, uint256 micro, uint256 fee) external;
    /// @notice Pays whoever posted chunks, out of the pot. Never fails for want of money: the rest is owed.
    function reward(address account, uint256 micro) external;
    /// @notice Gives a request all its money back that has not left: its pair was shown ineligible.
    function annulled(uint64 requestId) external;

    // --- Health only ---
    /// @notice Takes a share of a provider's deposits, to the treasury.
    function forfeit(address provider, uint16 bps) external;

    // --- views ---
    function token(uint8 currency) external view returns (address);
    /// @notice What `account` can withdraw, in the token's smallest unit.
    function creditOf(address account, uint8 currency) external view returns (uint256);
    /// @notice What is locked or held for a request now.
    function lockedOf(uint64 requestId) external view returns (uint256);
    function allowanceOf(address payer, address tenant, uint8 currency)
        external
        view
        returns (uint256 cap, uint64 until);
    /// @notice Up to when a lease is paid (its start before anything was), and for how many seconds.
    function paidOf(uint64 requestId) external view returns (uint64 until, uint64 paidSeconds);
    /// @notice What reputation a provider has, and the fees that it weighs, both as in docs/formats.md, section 14.
    function reputationOf(address provider) external view returns (uint16 reputation, uint64 weight);
    function depositOf(address provider, uint8 currency) external view returns (uint256);
    /// @notice What the pot that pays posters and settlers holds, in micro-dollars of currency 0.
    function pot() external view returns (uint256);
    /// @notice What the pot still owes, in micro-dollars of currency 0. It is paid out of fees to come.
    function debtOf(address account) external view returns (uint256);
}
