// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IDisputes} from "../interfaces/IDisputes.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {IVerifier} from "../interfaces/IVerifier.sol";
import {Headers} from "../lib/Headers.sol";
import {OutcomeTree} from "../lib/OutcomeTree.sol";
import {Witnesses} from "../lib/Witnesses.sol";
import {Bounties} from "./Bounties.sol";

/// @title Where wrong outcomes are refuted.
/// @notice In one step, without bounty; or by a commitment inside the challenge window and its reveal, so that whoever
/// copies a witness out of a pending transaction gains nothing by it: the bounty goes to a commitment older than the
/// refutation, whoever has refuted. Windows are fixed by the round's end: commitments delay nothing.
/// @dev The verifier decides and is never called under try: what it reverts for, want of gas too, reverts here.
contract Disputes is Bounties {
    /// @dev tag("quorate/commit/v1")
    bytes32 private constant COMMIT_TAG = "quorate/commit/v1";

    /// @notice Where leases of wrong pairs end.
    IMarket public immutable market;
    /// @inheritdoc IDisputes
    address public immutable verifier;

    /// @notice A commitment is shown in a later block, and while its window is open.
    error NotRevealable(uint64 n);
    /// @notice The witness does not show that an entry with a lease is no eligible pair.
    error NotAnnullable(uint64 n, uint8 code);

    /// @param rounds_ deployed before, naming this contract's address as the one that refutes
    /// @param market_ that opens the leases of `rounds_`
    /// @param verifier_ that reads from both
    /// @param commitBond_ wei that a commitment costs until it is shown
    /// @param bountyCap_ wei, below the bond of a proposal: whoever proposes and refutes loses
    constructor(IRounds rounds_, IMarket market_, IVerifier verifier_, uint256 commitBond_, uint256 bountyCap_)
        Bounties(rounds_, commitBond_, bountyCap_)
    {
        market = market_;
        verifier = address(verifier_);
    }

    /// @inheritdoc IDisputes
    /// @dev `Rounds` refuses what comes after the windows.
    function challenge(bytes calldata header, bytes calldata witness) external {
        uint64 n = _roundOf(header);
        if (!_isStanding(n, header, witness)) revert NotChallengeable(n);
        _refute(n, header, witness);
    }

    /// @inheritdoc IDisputes
    function reveal(bytes32 salt, bytes calldata header, bytes calldata witness) external {
        uint64 n = _roundOf(header);
        uint256 committedAt = _takeCommitment(n, commitmentOf(msg.sender, salt, header, witness));
        uint256 until = rounds.challengeableUntil(n);
        bool open = until == 0 || block.timestamp <= until;
        if (committedAt >= block.timestamp || !open) revert NotRevealable(n);
        if (_isStanding(n, header, witness)) _refute(n, header, witness);
        else _judge(header, witness);
        _reward(n, committedAt);
    }

    /// @inheritdoc IDisputes
    function annul(bytes calldata header, bytes calldata witness) external {
        uint64 n = _roundOf(header);
        if (_isStanding(n, header, witness)) revert NotChallengeable(n);
        (uint8 code,) = _judge(header, witness);
        if (uint8(witness[0]) != Witnesses.ENTRY || !_isNoPair(code)) revert NotAnnullable(n, code);
        (uint64 request, uint32 position) = Witnesses.entryOf(witness);
        // Not the lease of another round, or of another entry: the same request may stand in several.
        (uint64 round, uint32 leased,,,) = market.leaseOf(request);
        if (round != uint256(n) + 1 || leased != position) revert NotAnnullable(n, code);
        emit Annulled(n, request, code);
        market.annul(request);
    }

    /// @inheritdoc IDisputes
    function commitmentOf(address challenger, bytes32 salt, bytes calldata header, bytes calldata witness)
        public
        pure
        returns (bytes32)
    {
        return sha256(abi.encodePacked(COMMIT_TAG, challenger, salt, sha256(header), sha256(witness)));
    }

    /// @dev Voids the round of a header that stands, if the witness shows a fault.
    function _refute(uint64 n, bytes calldata header, bytes calldata witness) private {
        (uint8 code, uint32 position) = _judge(header, witness);
        emit Refutation(n, msg.sender, code, position);
        rounds.refute(n, code, position);
    }

    function _judge(bytes calldata header, bytes calldata witness) private view returns (uint8 code, uint32 position) {
        (code, position) = IVerifier(verifier).judge(header, witness);
        if (code == 0) revert NoFault();
    }

    /// @dev Whether the round has not been refuted. Reverts unless its header is this one, and the witness of a kind
    /// that may be judged: a pair blocks only a list that was posted in full, since else its leases tell nothing.
    function _isStanding(uint64 n, bytes calldata header, bytes calldata witness) private view returns (bool) {
        (IRounds.Status status, bytes32 expected,,, uint32 count, uint32 posted) = rounds.roundOf(n);
        if (status == IRounds.Status.None) revert NotChallengeable(n);
        bytes32 got = sha256(header);
        if (got != expected) revert WrongHeader(got, expected);
        bool whole = posted != 0 && posted == OutcomeTree.chunksOf(count);
        if (!whole && witness.length != 0 && uint8(witness[0]) == Witnesses.BLOCKING) revert NotChallengeable(n);
        return status != IRounds.Status.Refuted;
    }

    /// @dev The round that a header is of, if it is one.
    function _roundOf(bytes calldata header) private pure returns (uint64) {
        if (header.length != Headers.LENGTH) revert WrongHeader(sha256(header), 0);
        return Headers.roundOf(header);
    }

    /// @dev Whether a code of kind 2 says that the pair does not exist, and not only that its numbers are wrong.
    function _isNoPair(uint8 code) private pure returns (bool) {
        return code <= Witnesses.OFFER_NOT_OPEN || code == Witnesses.INELIGIBLE;
    }
}
