// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ISlasher} from "../interfaces/ISlasher.sol";
import {Punishments} from "./Punishments.sol";
import {Seeds} from "./Seeds.sol";
import {Signers} from "./Signers.sol";

/// @title Verdicts about headers, and those who signed them.
/// @notice Three things are kept apart, may come in any order and from anyone: who signed a header, what was judged
/// about it (L2's word, or a wrong seed, which is judged here), and the slash of one signer, by one call each.
/// Nothing is ever enumerated. Only what was judged convicts: without a word nothing follows from a signature.
abstract contract Verdicts is Punishments, Seeds, Signers {
    struct Word {
        bytes32 digest;
        uint8 verdict; // zero: none came
    }

    /// @dev What is known of a header by its digest. `n` is the header's own, so it holds once anything was proven.
    struct Finding {
        uint64 n;
        bool wrongSeed;
        bool cancelled;
    }

    /// @notice L2's verdict that a round was settled in full and outlived its windows.
    uint8 public constant VERDICT_STANDS = 1;
    /// @notice L2's verdict that a round's outcome was refuted.
    uint8 public constant VERDICT_WRONG_OUTCOME = 2;
    /// @notice L2's verdict that a round's seed was refuted.
    uint8 public constant VERDICT_WRONG_SEED = 3;

    mapping(uint64 n => Word) private _words;
    mapping(bytes32 digest => Finding) private _findings;

    /// @notice Nothing has been judged about this header, or the guardian cancelled it.
    error NoVerdict(bytes32 digest);
    /// @notice The header was judged, or its verdict cancelled, before.
    error VerdictStands(bytes32 digest);
    /// @notice Nobody is slashed for this round any more.
    error ExecutionTooLate(uint256 closedAt);
    /// @notice The message is not one of docs/formats.md, section 12.
    error BadMessage();
    /// @notice L2 has spoken about this round before.
    error WordStands(uint64 n);

    // --- who signed ---

    /// @inheritdoc ISlasher
    function proveSigners(bytes calldata header, bytes calldata bitmap, bytes calldata aggregate) external {
        uint64 n = _roundOf(header);
        bytes32 digest = sha256(header);
        _proveSigners(digest, bitmap, aggregate);
        _findings[digest].n = n;
        emit SignersProven(n, digest, bitmap);
    }

    // --- what was judged ---

    /// @inheritdoc ISlasher
    function proveWrongSeed(bytes calldata header, bytes calldata beaconSignature) external {
        uint64 n = _roundOf(header);
        bytes32 digest = sha256(header);
        if (_findings[digest].wrongSeed) revert VerdictStands(digest);
        if (!_isWrongSeed(header, n, beaconSignature)) revert NoFault();
        _findings[digest].n = n;
        _findings[digest].wrongSeed = true;
        emit WrongSeedProven(n, digest);
    }

    /// @notice Cancels for good what any verdict about a header costs. Guardian only, until the sunset; before or
    /// after the verdict is known here, since L2's takes days to come and may be executed in the block it comes in.
    function cancelVerdict(bytes32 digest) external onlyGuardian {
        if (_findings[digest].cancelled) revert VerdictStands(digest);
        _findings[digest].cancelled = true;
        emit VerdictCancelled(digest);
    }

    /// @inheritdoc ISlasher
    /// @dev `None` also after the guardian cancelled it. A wrong seed is the graver of the two.
    function verdictOf(uint64 n, bytes32 digest) public view returns (Offence) {
        Finding memory f = _findings[digest];
        if (f.cancelled) return Offence.None;
        if (f.wrongSeed && f.n == n) return Offence.WrongSeed;
        Word memory word = _words[n];
        if (word.digest != digest) return Offence.None;
        if (word.verdict == VERDICT_WRONG_SEED) return Offence.WrongSeed;
        return word.verdict == VERDICT_WRONG_OUTCOME ? Offence.WrongOutcome : Offence.None;
    }

    /// @inheritdoc ISlasher
    function wordOf(uint64 n) public view returns (bytes32 digest, uint8 verdict) {
        return (_words[n].digest, _words[n].verdict);
    }

    /// @dev Keeps L2's word about a round. The first stands.
    function _hear(bytes calldata payload) internal {
        if (payload.length != 41) revert BadMessage();
        uint64 n = uint64(bytes8(payload[:8]));
        bytes32 digest = bytes32(payload[8:40]);
        uint8 verdict = uint8(payload[40]);
        if (verdict == 0) revert BadMessage();
        if (_words[n].verdict != 0) revert WordStands(n);
        _words[n] = Word(digest, verdict);
        emit WordReceived(n, digest, verdict);
    }

    // --- the slash ---

    /// @inheritdoc ISlasher
    function executeVerdict(bytes32 digest, uint32 operatorIndex) external {
        _requireSigner(digest, operatorIndex);
        // Whoever has signed has a header with this round.
        uint64 n = _findings[digest].n;
        Offence offence = verdictOf(n, digest);
        if (offence == Offence.None) revert NoVerdict(digest);
        if (block.timestamp > slashableUntil(n)) revert ExecutionTooLate(slashableUntil(n));
        _punish(operatorIndex, n, offence);
    }
}
