// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ISlasher} from "../interfaces/ISlasher.sol";
import {BLS12381} from "../lib/BLS12381.sol";
import {Punishments} from "./Punishments.sol";
import {Signers} from "./Signers.sol";
import {Times, TimesLib} from "./Times.sol";

/// @title False attestations: an operator that called a window DOWN and had given a receipt for it.
/// @notice Two signatures by one key that contradict each other (docs/formats.md, section 14), so that L1 needs nobody's
/// word. Who sat on the committee does not matter: an honest ledger signs no list with a window of which it has given
/// a receipt.
abstract contract Attestations is Punishments, Signers {
    using TimesLib for Times;

    /// @dev tag("quorate/down/v1") and tag("quorate/receipt/v1")
    bytes32 private constant DOWN_TAG = "quorate/down/v1";
    bytes32 private constant RECEIPT_TAG = "quorate/receipt/v1";
    /// @dev tag("quorate/attest/v1")
    bytes32 private constant ATTEST_TAG = "quorate/attest/v1";
    /// @dev The version of both messages.
    uint32 private constant VERSION = 1;
    /// @dev Where a list's fields begin, and its entries; bytes of an entry, and of its subject.
    uint256 private constant NETWORK = 36;
    uint256 private constant EPOCH = 96;
    uint256 private constant COUNT = 100;
    uint256 private constant HEAD = 102;
    uint256 private constant ENTRY = 41;
    uint256 private constant SUBJECT = 9;
    /// @dev Windows of a health epoch at most.
    uint16 private constant WINDOWS = 256;

    /// @notice Seconds of a health epoch, as `Rounds` was told.
    uint32 public immutable healthEpoch;

    /// @notice The bytes are no list of windows DOWN of this deployment.
    error BadList();
    /// @notice The list has fewer entries.
    error NoSuchEntry(uint16 got, uint16 count);

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
    function proveFalseAttestation(
        uint32 operatorIndex,
        bytes calldata list,
        uint16 entry,
        uint16 window,
        bytes calldata receiptSignature
    ) external {
        (uint32 epoch, uint16 count) = _headOf(list);
        _requireSigner(sha256(list), operatorIndex);
        if (entry >= count) revert NoSuchEntry(entry, count);
        uint256 from = HEAD + uint256(entry) * ENTRY;
        bytes9 subject = bytes9(list[from:from + SUBJECT]);
        uint256 windows = uint256(bytes32(list[from + SUBJECT:from + ENTRY]));
        if (window >= WINDOWS || windows >> window & 1 == 0) revert NoFault();

        _requireReceipt(operatorIndex, _receipt(list[NETWORK:EPOCH], subject, epoch, window), receiptSignature);
        _punishAttestation(operatorIndex, epoch, subject);
    }

    /// @notice Until when evidence about a health epoch is taken: as about a round that closes when it begins, since the
    /// same table counts its seats.
    function attestationEvidenceUntil(uint32 epoch) public view returns (uint256) {
        return uint256(_times.genesis) + uint256(epoch) * healthEpoch + _times.evidenceWindow();
    }

    /// @notice Names one false attestation (docs/formats.md, section 11).
    function attestationId(uint32 operatorIndex, uint32 epoch, bytes9 subject) public pure returns (bytes32) {
        return sha256(abi.encodePacked(ATTEST_TAG, operatorIndex, epoch, subject));
    }

    /// @dev Epoch and number of entries of a list, which must be one of this deployment, whole, and still open to
    /// evidence. What its entries hold is its signers' affair.
    function _headOf(bytes calldata list) private view returns (uint32 epoch, uint16 count) {
        if (list.length < HEAD || bytes32(list[:32]) != DOWN_TAG || uint32(bytes4(list[32:36])) != VERSION) {
            revert BadList();
        }
        if (!_isOurs(list[NETWORK:EPOCH])) revert WrongDomain();
        epoch = uint32(bytes4(list[EPOCH:COUNT]));
        count = uint16(bytes2(list[COUNT:HEAD]));
        if (list.length != HEAD + uint256(count) * ENTRY) revert BadList();
        uint256 until = attestationEvidenceUntil(epoch);
        if (block.timestamp > until) revert EvidenceTooLate(until);
    }

    /// @dev The digest of the receipt that a list's own words make up: network, machine and epoch cannot differ.
    function _receipt(bytes calldata network, bytes9 subject, uint32 epoch, uint16 window)
        private
        pure
        returns (bytes32)
    {
        return sha256(abi.encodePacked(RECEIPT_TAG, VERSION, network, subject, epoch, window, bytes17(0)));
    }

    function _requireReceipt(uint32 operatorIndex, bytes32 receipt, bytes calldata signature) private view {
        _requireSigned(BLS12381.padKey(serviceManager.keyAt(operatorIndex)), receipt, signature);
    }

    function _punishAttestation(uint32 operatorIndex, uint32 epoch, bytes9 subject) private {
        uint256 stakeEpoch = uint256(epoch) * healthEpoch / _times.stakeEpoch;
        _punish(operatorIndex, attestationId(operatorIndex, epoch, subject), stakeEpoch, Offence.FalseAttestation);
    }
}
