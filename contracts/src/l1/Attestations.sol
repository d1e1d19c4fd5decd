// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ISlasher} from "../interfaces/ISlasher.sol";
import {BLS12381} from "../lib/BLS12381.sol";
import {HealthMessages} from "../lib/HealthMessages.sol";
import {Punishments} from "./Punishments.sol";
import {Signers} from "./Signers.sol";
import {Times, TimesLib} from "./Times.sol";

/// @title False attestations: an operator that called a window DOWN and had given a receipt for it.
/// @notice Two signatures by one key that contradict each other (docs/formats.md, section 14), so that L1 needs nobody's
/// word. Who sat on the committee does not matter: an honest ledger signs no list with a window of which it has given
/// a receipt.
abstract contract Attestations is Punishments, Signers {
    using TimesLib for Times;

    /// @dev tag("quorate/attest/v1")
    bytes32 private constant ATTEST_TAG = "quorate/attest/v1";

    /// @notice Seconds of a health epoch, as `Rounds` was told.
    uint32 public immutable healthEpoch;

    /// @notice The list has fewer entries.
    error NoSuchEntry(uint16 got, uint256 count);

    constructor(uint32 healthEpoch_) {
        if (healthEpoch_ == 0) revert TimesLib.ZeroDuration();
        healthEpoch = healthEpoch_;
    }

    /// @inheritdoc ISlasher
    function proveAttesters(bytes calldata list, bytes calldata bitmap, bytes calldata aggregate) external {
        (uint32 epoch,) = _headOf(list);
        bytes32 digest = sha256(list);
        _proveSigners(digest, bitmap, aggregate);
        emit AttestersProven(epoch, digest, bitmap);
    }

    /// @inheritdoc ISlasher
    /// @dev What else the list holds is its signers' affair: an entry out of order shields none that is in order.
    function proveFalseAttestation(
        uint32 operatorIndex,
        bytes calldata list,
        uint16 entry,
        uint16 window,
        bytes calldata receiptSignature
    ) external {
        (uint32 epoch, uint256 count) = _headOf(list);
        _requireSigner(sha256(list), operatorIndex);
        if (entry >= count) revert NoSuchEntry(entry, count);
        (uint256 subject, uint256 windows) = HealthMessages.entryAt(list, entry, 0, type(uint256).max);
        if (subject >> 64 != HealthMessages.MACHINE || window > 255 || windows >> window & 1 == 0) revert NoFault();

        uint64 machine = uint64(subject);
        _requireReceipt(operatorIndex, HealthMessages.receipt(_network(), epoch, machine, window), receiptSignature);
        uint256 stakeEpoch = uint256(epoch) * healthEpoch / _times.stakeEpoch;
        _punish(operatorIndex, attestationId(operatorIndex, epoch, machine), stakeEpoch, Offence.FalseAttestation);
    }

    /// @notice Until when evidence about a health epoch is taken: as about a round that closes when it begins, since the
    /// same table counts its seats.
    function attestationEvidenceUntil(uint32 epoch) public view returns (uint256) {
        return uint256(_times.genesis) + uint256(epoch) * healthEpoch + _times.evidenceWindow();
    }

    /// @notice Names one false attestation about a machine (docs/formats.md, section 11).
    function attestationId(uint32 operatorIndex, uint32 epoch, uint64 machine) public pure returns (bytes32) {
        return sha256(abi.encodePacked(ATTEST_TAG, operatorIndex, epoch, uint8(HealthMessages.MACHINE), machine));
    }

    /// @dev Epoch and number of entries of a list, which must be one of this deployment, whole, and still open to
    /// evidence.
    function _headOf(bytes calldata list) private view returns (uint32 epoch, uint256 count) {
        (epoch, count) = HealthMessages.headOf(list, _network());
        uint256 until = attestationEvidenceUntil(epoch);
        if (block.timestamp > until) revert EvidenceTooLate(until);
    }

    function _requireReceipt(uint32 operatorIndex, bytes32 receipt, bytes calldata signature) private view {
        _requireSigned(BLS12381.padKey(serviceManager.keyAt(operatorIndex)), receipt, signature);
    }
}
