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

    event ChargeStored(bytes32 indexed id, uint32 indexed operatorIndex, uint64 n, Offence offence, bytes32 certifiedDigest);
    event WordReceived(uint64 indexed n, bytes32 digest, uint8 verdict);
    /// @notice `shares` are those that the core really took; an empty slash has `moved == false` and ejects.
    event OperatorSlashed(
        address indexed operator, uint32 indexed operatorIndex, bytes32 indexed offenceId, Offence offence, uint256 wad, uint256[] shares, bool moved
    );
    event ChargeLapsed(bytes32 indexed id);

    /// @notice Equivocation: judged and slashed at once. Evidence bytes of docs/formats.md section 11,
    /// with the two signatures again in EIP-2537 form (128 bytes each).
    function proveEquivocation(uint32 operatorIndex, bytes calldata headerA, bytes calldata signatureA, bytes calldata headerB, bytes calldata signatureB)
        external;
    /// @notice Divergence: the charge is stored at once, executed only when L2's word has come.
    function chargeDivergence(uint32 operatorIndex, bytes calldata certifiedHeader, bytes calldata otherHeader, bytes calldata signature)
        external
        returns (bytes32 id);
    function execute(bytes32 chargeId) external;
    /// @notice L2's word (bridge only, through `receiveMessage`).
    function wordOf(uint64 n) external view returns (bytes32 digest, uint8 verdict);
    function offenceOf(uint32 operatorIndex, uint64 n) external view returns (Offence offence, uint256 wad);
}
