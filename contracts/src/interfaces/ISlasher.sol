// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Takes evidence against operators and slashes them through EigenLayer's AllocationManager.
interface ISlasher {
    enum Offence {
        None,
        Equivocation,
        Divergence,
        WrongOutcome,
        WrongSeed,
        FalseAttestation
    }

    event ChargeStored(
        bytes32 indexed id, uint32 indexed operatorIndex, uint64 n, Offence offence, bytes32 certifiedDigest
    );
    event WordReceived(uint64 indexed n, bytes32 digest, uint8 verdict);
    /// @notice `shares` are those that the core really took; an empty slash has `moved == false` and ejects.
    event OperatorSlashed(
        address indexed operator,
        uint32 indexed operatorIndex,
        bytes32 indexed offenceId,
        Offence offence,
        uint256 wad,
        uint256[] shares,
        bool moved
    );
    event ChargeLapsed(bytes32 indexed id);
    /// @notice These operators signed the header of this digest (some may have been known before).
    event SignersProven(uint64 indexed n, bytes32 indexed digest, bytes bitmap);
    /// @notice These operators signed the list of windows DOWN of this digest.
    event AttestersProven(uint32 indexed epoch, bytes32 indexed digest, bytes bitmap);
    /// @notice A header's seed is not the beacon's: judged here, at once.
    event WrongSeedProven(uint64 indexed n, bytes32 indexed digest);
    /// @notice The guardian cancelled what a verdict about this digest would cost.
    event VerdictCancelled(bytes32 indexed digest);

    /// @notice Equivocation: judged and slashed at once. Evidence bytes of docs/formats.md section 11,
    /// with the two signatures again in EIP-2537 form (128 bytes each).
    function proveEquivocation(
        uint32 operatorIndex,
        bytes calldata headerA,
        bytes calldata signatureA,
        bytes calldata headerB,
        bytes calldata signatureB
    ) external;
    /// @notice Divergence: the charge is stored at once, executed only when L2's word has come.
    function chargeDivergence(
        uint32 operatorIndex,
        bytes calldata certifiedHeader,
        bytes calldata otherHeader,
        bytes calldata signature
    ) external returns (bytes32 id);
    function execute(bytes32 chargeId) external;

    /// @notice Shows who signed a header: the aggregate is verified over its digest by the keys of the bitmap's
    /// indices (docs/formats.md, section 9; of the certificate, of `present`, or of one vote). Adds up over calls.
    function proveSigners(bytes calldata header, bytes calldata bitmap, bytes calldata aggregate) external;
    /// @notice Judges that a header's seed is wrong: `beaconSignature` is the beacon's for the header's round and gives
    /// another seed, or it gives this seed and is not the beacon's. Stored once.
    function proveWrongSeed(bytes calldata header, bytes calldata beaconSignature) external;
    /// @notice Slashes one proven signer of a header of round `n` that L2's word (wrong outcome, wrong seed) or
    /// `proveWrongSeed` has judged. Anyone, until the round's horizon.
    function executeVerdict(bytes32 digest, uint32 operatorIndex) external;
    /// @notice Shows who signed a list of windows DOWN (docs/formats.md, section 14), as `proveSigners` does of a header.
    function proveAttesters(bytes calldata list, bytes calldata bitmap, bytes calldata aggregate) external;
    /// @notice False attestation: a proven signer of the list signed a receipt for `window` of its `entry`-th machine
    /// (from 0). Judged and slashed at once, once for (operator, health epoch, machine).
    /// @param receiptSignature 128 bytes, EIP-2537, over the receipt that the list's own words make up
    function proveFalseAttestation(
        uint32 operatorIndex,
        bytes calldata list,
        uint16 entry,
        uint16 window,
        bytes calldata receiptSignature
    ) external;
    /// @notice Whether an operator was proven to have signed a digest.
    function hasSigned(bytes32 digest, uint32 operatorIndex) external view returns (bool);
    /// @notice What is known against a header: `Offence.None`, `WrongOutcome` or `WrongSeed`.
    function verdictOf(uint64 n, bytes32 digest) external view returns (Offence);

    /// @notice L2's word (bridge only, through `receiveMessage`).
    function wordOf(uint64 n) external view returns (bytes32 digest, uint8 verdict);
    function offenceOf(uint32 operatorIndex, uint64 n) external view returns (Offence offence, uint256 wad);
}
