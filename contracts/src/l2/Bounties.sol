// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {IRounds} from "../interfaces/IRounds.sol";

/// @title Bonds of commitments and proposals, and the bounties that they and the pot pay.
/// @dev Every wei is a commitment's bond, a proposal's bond, in the pot, or credited to somebody.
abstract contract Bounties is IDisputes, ReentrancyGuardTransient {
    /// @dev A challenger's commitment for a round, and the header that stood then.
    struct Commitment {
        bytes32 hash;
        uint40 time;
        uint216 digest; // the low bits: enough to tell headers apart
    }

    /// @dev What a proposer has at stake.
    struct Bond {
        address proposer;
        uint96 amount;
    }

    /// @notice Where rounds are settled and refuted.
    IRounds public immutable rounds;
    /// @inheritdoc IDisputes
    uint256 public immutable commitBond;
    /// @inheritdoc IDisputes
    uint256 public immutable bountyCap;
    uint32 private immutable _revealWindow;

    /// @inheritdoc IDisputes
    uint256 public pot;
    /// @inheritdoc IDisputes
    mapping(address account => uint256) public creditOf;
    /// @notice Whether the bounty of a round was paid.
    mapping(uint64 n => bool) public isPaid;
    mapping(uint64 n => mapping(address challenger => Commitment)) private _commitments;
    mapping(uint64 n => Bond) private _bonds;

    /// @notice A bounty as large as a proposal's bond would give it back to a proposer who refutes itself.
    error BountyTooLarge(uint256 cap, uint256 bond);
    /// @notice Bonds lie in 96 bits.
    error BondTooLarge(uint256 bond);
    /// @notice Only `Rounds` hands proposals' bonds over.
    error NotRounds(address caller);
    /// @notice A commitment costs exactly this.
    error WrongBond(uint256 got, uint256 expected);
    /// @notice A commitment of zero is none.
    error ZeroCommitment();
    /// @notice One commitment for each round and challenger.
    error AlreadyCommitted(uint64 n, address challenger);
    /// @notice The caller has no such commitment for this round.
    error NoCommitment(uint64 n, address challenger);
    /// @notice There is none, or it may still be shown.
    error NotForfeit(uint64 n);
    /// @notice There is no bond, or what becomes of it is not known yet.
    error BondNotDue(uint64 n);
    /// @notice The caller was not credited with anything.
    error NothingToWithdraw(address account);
    /// @notice The caller does not take the money.
    error Refused(address account);

    constructor(IRounds rounds_, uint256 commitBond_, uint256 bountyCap_) {
        uint256 bond = rounds_.proposalBond();
        if (bountyCap_ >= bond) revert BountyTooLarge(bountyCap_, bond);
        if (bond > type(uint96).max) revert BondTooLarge(bond);
        rounds = rounds_;
        commitBond = commitBond_;
        bountyCap = bountyCap_;
        _revealWindow = rounds_.schedule().revealWindow;
    }

    /// @inheritdoc IDisputes
    /// @dev From the moment that a header stands: the witness of one that is not posted yet may be known.
    function commit(uint64 n, bytes32 commitment) external payable {
        if (msg.value != commitBond) revert WrongBond(msg.value, commitBond);
        if (commitment == 0) revert ZeroCommitment();
        (IRounds.Status status, bytes32 digest,,,,) = rounds.roundOf(n);
        uint256 until = rounds.challengeableUntil(n);
        bool open = until == 0 || block.timestamp + _revealWindow <= until;
        if (!open || status == IRounds.Status.None || status == IRounds.Status.Refuted) revert NotChallengeable(n);
        Commitment storage c = _commitments[n][msg.sender];
        if (c.hash != 0) revert AlreadyCommitted(n, msg.sender);
        (c.hash, c.time, c.digest) = (commitment, uint40(block.timestamp), uint216(uint256(digest)));
        emit Committed(n, msg.sender, commitment, uint64(block.timestamp));
    }

    /// @inheritdoc IDisputes
    /// @dev If another header has taken the place of the one that was committed against, nothing could be shown of
    /// it any more, and the bond goes back.
    function forfeit(uint64 n, address challenger) external {
        Commitment memory c = _commitments[n][challenger];
        uint256 until = rounds.challengeableUntil(n);
        if (c.hash == 0 || until == 0 || block.timestamp <= until) revert NotForfeit(n);
        delete _commitments[n][challenger];
        (, bytes32 digest,,,,) = rounds.roundOf(n);
        bool replaced = digest != 0 && uint216(uint256(digest)) != c.digest;
        if (replaced) creditOf[challenger] += commitBond;
        else pot += commitBond;
    }

    /// @inheritdoc IDisputes
    function holdBond(uint64 n, address proposer) external payable {
        _requireRounds();
        _bonds[n] = Bond(proposer, uint96(msg.value)); // exactly the bond that the constructor looked at
        emit BondHeld(n, proposer, msg.value);
    }

    /// @inheritdoc IDisputes
    /// @dev Never refuses: a certificate waits for this call.
    function releaseBond(uint64 n) external {
        _requireRounds();
        _returnBond(n);
    }

    /// @inheritdoc IDisputes
    /// @dev A lost bond stays here until the bounty that it pays first is paid, or can be no more.
    function settleBond(uint64 n) external {
        if (_bonds[n].amount == 0) revert BondNotDue(n);
        if (rounds.isFinal(n)) {
            _returnBond(n);
            return;
        }
        bool due = rounds.isVoid(n) && (isPaid[n] || block.timestamp > rounds.challengeableUntil(n));
        if (!due) revert BondNotDue(n);
        pot += _loseBond(n);
    }

    /// @inheritdoc IDisputes
    function fund() external payable {
        pot += msg.value;
        emit Funded(msg.sender, msg.value);
    }

    /// @inheritdoc IDisputes
    function withdraw() external nonReentrant returns (uint256 amount) {
        amount = creditOf[msg.sender];
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        creditOf[msg.sender] = 0;
        emit Withdrawn(msg.sender, amount);
        (bool ok,) = msg.sender.call{value: amount}("");
        if (!ok) revert Refused(msg.sender);
    }

    /// @notice A challenger's commitment for a round, zero if there is none, and when it was made.
    function commitmentIn(uint64 n, address challenger) external view returns (bytes32 hash, uint64 time) {
        Commitment storage c = _commitments[n][challenger];
        return (c.hash, c.time);
    }

    /// @notice The bond that is held for the proposal of round n, if there is one.
    function bondOf(uint64 n) external view returns (address proposer, uint256 amount) {
        return (_bonds[n].proposer, _bonds[n].amount);
    }

    /// @dev Ends the caller's commitment, which must be this one; returns when it was made.
    function _takeCommitment(uint64 n, bytes32 commitment) internal returns (uint256 time) {
        Commitment storage c = _commitments[n][msg.sender];
        if (c.hash != commitment) revert NoCommitment(n, msg.sender);
        time = c.time;
        delete _commitments[n][msg.sender];
    }

    /// @dev Gives the caller back the bond of a commitment that has shown a fault, and the bounty if it is the first
    /// of those that are older than the refutation. Out of the lost bond first, then out of the pot, as far as they
    /// reach; a bounty that found nothing counts as paid.
    function _reward(uint64 n, uint256 committedAt) internal {
        uint256 bounty;
        (,, uint64 refutedAt) = rounds.refutationOf(n);
        if (!isPaid[n] && committedAt < refutedAt) {
            isPaid[n] = true;
            pot += _loseBond(n);
            bounty = pot < bountyCap ? pot : bountyCap;
            pot -= bounty;
        }
        creditOf[msg.sender] += commitBond + bounty;
        emit Revealed(n, msg.sender, bounty);
    }

    /// @dev Takes the bond of a void round from its proposer, if it had one.
    function _loseBond(uint64 n) private returns (uint256 amount) {
        Bond memory b = _bonds[n];
        if (b.amount == 0) return 0;
        delete _bonds[n];
        emit BondLost(n, b.proposer, b.amount);
        return b.amount;
    }

    function _returnBond(uint64 n) private {
        Bond memory b = _bonds[n];
        if (b.amount == 0) return;
        delete _bonds[n];
        creditOf[b.proposer] += b.amount;
        emit BondReturned(n, b.proposer, b.amount);
    }

    function _requireRounds() private view {
        if (msg.sender != address(rounds)) revert NotRounds(msg.sender);
    }
}
