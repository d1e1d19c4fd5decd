// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Schedule, policy versions, certificates and outcomes.
interface IRounds {
    /// @notice What never changes; fixed by the constructor, which checks it.
    struct Schedule {
        uint64 genesis;
        uint32 period;
        uint32 settleTimeout;
        uint32 delay; // seconds from close to the beacon round
        uint32 depth; // L2 blocks on top of the one that makes a snapshot known
        uint32 stakeEpoch; // seconds
        uint32 healthEpoch; // seconds
        uint32 challengeWindow;
        uint32 revealWindow;
        uint64 beaconGenesis;
        uint32 beaconPeriod;
        bytes32 beaconChainHash;
    }

    /// @notice Whom the header names.
    struct Domain {
        uint64 l1ChainId;
        address avs;
        uint32 operatorSet;
    }

    /// @notice The part of a header that the contract does not compute itself, and what proves it.
    struct Settlement {
        uint64 n;
        uint64 snapshotNumber;
        bytes32 snapshotHash;
        bytes32 inputsRoot;
        bytes32 outcomeRoot;
        bytes beaconSignature; // 48 bytes, compressed
        bytes bitmap;
        bytes aggregate; // 128 bytes, EIP-2537
    }

    /// @notice Opens the outcome root for a chunk.
    struct Chunk {
        uint64 n;
        uint32 count; // entries in the whole list
        uint32 lowest;
        uint32 index; // of the chunk
        bytes entries; // 49 bytes each
        bytes32[] proof;
    }

    enum Status {
        None, // no certificate
        Certified, // chunks missing
        Settled, // last chunk posted
        Refuted // void, by evidence
    }

    event Tick(uint64 time);
    event RoundCertified(
        uint64 indexed n,
        bytes32 digest,
        uint64 time,
        uint256 signedStake,
        uint256 totalStake,
        uint64 snapshotNumber,
        bytes32 snapshotHash,
        bytes32 policyHash,
        bytes32 inputsRoot,
        bytes32 seed,
        bytes32 outcomeRoot,
        bytes beaconSignature,
        bytes bitmap,
        bytes aggregate
    );
    /// @notice `count` and `lowest` are those of the whole list: with the entries in `LeasesOpened` they open its root.
    event ChunkPosted(uint64 indexed n, uint32 indexed index, uint64 time, uint32 count, uint32 lowest);
    /// @notice Follows `RoundCertified` (without stake and signers) of a round that nobody certified in time: whoever
    /// posted the bond answers for its header.
    event RoundProposed(uint64 indexed n, address indexed proposer, uint256 bond);
    /// @notice The last chunk stands: the round has ended, its windows begin.
    event RoundSettled(uint64 indexed n, uint32 count, uint64 time);
    /// @notice The round is void from here on. `code` and `position`: docs/formats.md, section 13.
    event RoundRefuted(uint64 indexed n, uint8 code, uint32 position, uint64 time);
    /// @notice A second header of a round reached a quorum: evidence, kept in the event.
    event SecondCertificate(uint64 indexed n, bytes32 digest, bytes header, bytes bitmap, bytes aggregate);
    event PolicySet(uint32 indexed version, uint64 effectiveFrom, bytes32 policyHash, address page);
    event WordSent(uint64 indexed n, bytes32 digest, uint8 verdict);

    function settle(Settlement calldata s) external;
    /// @notice Posts a chunk of the live round and opens its leases. Anyone, each chunk once, any order,
    /// up to the deadline. `header` is the certified header (272 bytes): only its digest is stored.
    function postChunk(bytes calldata header, Chunk calldata c) external;
    /// @notice Does nothing but put a block with its timestamp on a quiet chain.
    function tick() external;
    /// @notice Settles a round that nobody has certified by half of its time-out, without signatures (`bitmap` and
    /// `aggregate` empty), for a bond of exactly `proposalBond()`: an outcome is unique and refutable, it needs no
    /// signatures to be right. A certificate of another header takes its place while no chunk stands.
    function propose(Settlement calldata s) external payable;
    /// @notice Voids a round: `code` of docs/formats.md, section 13. `Disputes` only, up to the end of the windows.
    function refute(uint64 n, uint8 code, uint32 position) external;
    /// @notice Tells L1 how round n came out: settled in full and outlived its windows (verdict 1), or refuted
    /// (verdict 2; 3 for a wrong seed). Anyone, once.
    function report(uint64 n) external;
    /// @notice A new policy from round `effectiveFrom`, whose close must lie in the future. Timelock only.
    function setPolicy(bytes calldata page, uint64 effectiveFrom) external;

    // --- views ---
    function schedule() external view returns (Schedule memory);
    function domain() external view returns (Domain memory);
    function closeOf(uint64 n) external view returns (uint64);
    function beaconRound(uint64 n) external view returns (uint64);
    function epochOf(uint64 n) external view returns (uint64);
    function isLive(uint64 n) external view returns (bool);
    /// @return first the n0 of DESIGN section 3, step 8
    function firstLive() external view returns (uint64 first);
    /// @notice Rounds whose digest is kept: round `n` until round `n + ring` has a header.
    function ring() external view returns (uint32);
    function policyAt(uint64 n) external view returns (uint32 version, bytes32 policyHash, address page);
    /// @return page alone, of the policy in force in round n
    function policyPageAt(uint64 n) external view returns (address page);
    /// @return status see `Status`, @return digest of the certified header, @return certifiedAt, @return endedAt
    function roundOf(uint64 n)
        external
        view
        returns (Status status, bytes32 digest, uint64 certifiedAt, uint64 endedAt, uint32 count, uint32 posted);
    /// @notice Whether the windows of a round are over and it stands: money may move.
    function isFinal(uint64 n) external view returns (bool);
    /// @notice Whether a certified round came to nothing: refuted, or not posted in full by its deadline.
    function isVoid(uint64 n) external view returns (bool);
    /// @notice When a round became void: the time of its refutation, or the deadline by which it was not posted.
    /// 0 if it is not void.
    function voidedAt(uint64 n) external view returns (uint64);
    /// @notice What refuted round n; `code` 0 if nothing has.
    function refutationOf(uint64 n) external view returns (uint8 code, uint32 position, uint64 time);
    /// @notice The last second in which round n can be refuted; 0 before its end is known.
    function challengeableUntil(uint64 n) external view returns (uint64);
    /// @notice What a proposal costs until its round is final, in wei.
    function proposalBond() external view returns (uint256);
    /// @notice Who refutes rounds.
    function disputes() external view returns (address);
    /// @notice Rounds that an account settled by certificate, under the policy of this hash.
    function settledBy(address settler, bytes32 policyHash) external view returns (uint256 count);
    /// @notice Whether an order that was open until `closedAt` may still be bound by a round that has not ended.
    function mayBind(uint64 closedAt) external view returns (bool);
    function headerBytes(
        uint64 n,
        uint64 snapshotNumber,
        bytes32 snapshotHash,
        bytes32 policyHash,
        bytes32 inputsRoot,
        bytes32 seed,
        bytes32 outcomeRoot
    ) external view returns (bytes memory);
}
