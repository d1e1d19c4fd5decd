// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IDisputes} from "../../../src/interfaces/IDisputes.sol";
import {IRounds} from "../../../src/interfaces/IRounds.sol";
import {Bounties} from "../../../src/l2/Bounties.sol";
import {Disputes} from "../../../src/l2/Disputes.sol";
import {Rounds} from "../../../src/l2/Rounds.sol";
import {GamesKit} from "./GamesKit.sol";

/// @notice Who is paid for a refutation, and when.
contract GamesTest is GamesKit {
    // --- one step ---

    function test_anyoneRefutesInOneStepWithoutBounty() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        bytes memory header = _settleAndPost(wrong);
        court.fund{value: 1 ether}();
        _challengeAs(OTHER, header, witness);
        (uint8 code,, uint64 time) = rounds.refutationOf(N);
        assertEq(code, 11, "code");
        assertEq(time, block.timestamp, "time");
        assertTrue(rounds.isVoid(N), "void");
        assertEq(court.creditOf(OTHER), 0, "no bounty");
        assertEq(court.pot(), 1 ether, "the pot is untouched");
    }

    function test_aRoundIsRefutedOnce() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        bytes memory header = _settleAndPost(wrong);
        _challengeAs(OTHER, header, witness);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NotChallengeable.selector, N));
        court.challenge(header, witness);
    }

    function test_aRightOutcomeIsNotRefuted() external {
        Outcome memory right = _right(N);
        bytes memory header = _settleAndPost(right);
        bytes memory witness = _witness(2, right, _positions(0));
        vm.expectRevert(IDisputes.NoFault.selector);
        court.challenge(header, witness);
    }

    function test_anotherHeaderIsRefused() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        Outcome memory right = _right(N);
        bytes memory standing = _settleAndPost(right);
        bytes memory header = _header(wrong);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.WrongHeader.selector, sha256(header), sha256(standing)));
        court.challenge(header, witness);
        bytes memory short = _slice(standing, 0, 271);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.WrongHeader.selector, sha256(short), bytes32(0)));
        court.challenge(short, witness);
    }

    function test_aRoundWithoutHeaderIsNotChallenged() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        bytes memory header = _header(wrong);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NotChallengeable.selector, N));
        court.challenge(header, witness);
    }

    function test_aRoundIsRefutedBeforeItIsPosted() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        rounds.settle(_settlementOf(wrong));
        _challengeAs(OTHER, _header(wrong), witness);
        assertTrue(_statusOf(N) == IRounds.Status.Refuted, "refuted");
    }

    /// @dev Where the list's entries stand is read from the leases: before they are all there it tells nothing.
    function test_aBlockingPairWaitsForTheLastChunk() external {
        Outcome memory right = _right(N);
        Entry[] memory none = new Entry[](0);
        Outcome memory wrong = _outcomeOf(right, none);
        bytes memory header = _header(wrong);
        Entry memory e = _entryAt(right.list, 0);
        bytes memory witness = _blocking(wrong, e.request, e.offer);
        rounds.settle(_settlementOf(wrong));
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NotChallengeable.selector, N));
        court.challenge(header, witness);
        _post(wrong, header);
        court.challenge(header, witness);
        (uint8 code, uint32 position,) = rounds.refutationOf(N);
        assertTrue(code == 14 && position == type(uint32).max, "blocking");
    }

    function test_challengesEndWithTheWindows() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        bytes memory header = _settleAndPost(wrong);
        uint256 last = rounds.challengeableUntil(N);
        vm.warp(last + 1);
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotRefutable.selector, N));
        court.challenge(header, witness);
        vm.warp(last);
        court.challenge(header, witness);
    }

    function test_aWrongSeedIsRefuted() external {
        Outcome memory right = _right(N);
        IRounds.Settlement memory s = _settlementOf(right);
        bytes memory real = s.beaconSignature;
        s.beaconSignature = new bytes(48);
        rounds.settle(s);
        bytes memory header = _headerOf(s);
        uint256 state = vm.snapshotState();
        court.challenge(header, bytes.concat(hex"06", real));
        (uint8 code,,) = rounds.refutationOf(N);
        assertEq(code, 15, "the beacon's signature gives another seed");
        vm.revertToState(state);
        court.challenge(header, bytes.concat(hex"06", new bytes(48)));
        (code,,) = rounds.refutationOf(N);
        assertEq(code, 15, "what gives this seed is not the beacon's");
    }

    function test_aRightSeedStands() external {
        Outcome memory right = _right(N);
        bytes memory header = _settleAndPost(right);
        bytes memory real = _beacon(rounds.beaconRound(N));
        bytes memory next = _beacon(rounds.beaconRound(N) + 1);
        vm.expectRevert(IDisputes.NoFault.selector);
        court.challenge(header, bytes.concat(hex"06", real));
        vm.expectRevert(IDisputes.NoFault.selector);
        court.challenge(header, bytes.concat(hex"06", next));
        vm.expectRevert(IDisputes.NoFault.selector);
        court.challenge(header, bytes.concat(hex"06", new bytes(48)));
    }

    // --- commit, then reveal ---

    function test_theFirstToHaveCommittedIsPaid() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        bytes memory header = _settleAndPost(wrong);
        court.fund{value: 2 ether}();
        _commitAs(CHALLENGER, header, witness);
        _assertSolvent(1, 0);
        vm.warp(block.timestamp + 1);
        _revealAs(CHALLENGER, header, witness);
        assertEq(court.creditOf(CHALLENGER), COMMIT_BOND + BOUNTY_CAP, "bond and bounty");
        assertEq(court.pot(), 2 ether - BOUNTY_CAP, "pot");
        assertTrue(_statusOf(N) == IRounds.Status.Refuted, "refuted");
        _assertSolvent(0, 0);
        uint256 before = CHALLENGER.balance;
        vm.prank(CHALLENGER);
        assertEq(court.withdraw(), COMMIT_BOND + BOUNTY_CAP, "withdrawn");
        assertEq(CHALLENGER.balance - before, COMMIT_BOND + BOUNTY_CAP, "paid");
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(Bounties.NothingToWithdraw.selector, CHALLENGER));
        court.withdraw();
    }

    function test_theBountyIsWhatIsThere() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        bytes memory header = _settleAndPost(wrong);
        court.fund{value: 7}();
        _commitAs(CHALLENGER, header, witness);
        vm.warp(block.timestamp + 1);
        _revealAs(CHALLENGER, header, witness);
        assertEq(court.creditOf(CHALLENGER), COMMIT_BOND + 7, "bond and all of the pot");
        assertEq(court.pot(), 0, "pot");
    }

    /// @dev A copier sees the witness in the pending reveal and refutes first: it gains nothing, the other loses nothing.
    function test_aCopierGainsNothing() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        bytes memory header = _settleAndPost(wrong);
        court.fund{value: 2 ether}();
        _commitAs(CHALLENGER, header, witness);
        vm.warp(block.timestamp + 10);
        // In the copier's own block, before the reveal: in one step, or by a commitment.
        uint256 state = vm.snapshotState();
        _challengeAs(OTHER, header, witness);
        _revealAs(CHALLENGER, header, witness);
        assertEq(court.creditOf(CHALLENGER), COMMIT_BOND + BOUNTY_CAP, "bond and bounty");
        assertEq(court.creditOf(OTHER), 0, "nothing");

        vm.revertToState(state);
        _commitAs(OTHER, header, witness);
        vm.prank(OTHER);
        vm.expectRevert(abi.encodeWithSelector(Disputes.NotRevealable.selector, N));
        court.reveal(SALT, header, witness);
        _revealAs(CHALLENGER, header, witness);
        assertEq(court.creditOf(CHALLENGER), COMMIT_BOND + BOUNTY_CAP, "bond and bounty");
        // Its commitment is as old as the refutation: the bond comes back, and that is all.
        vm.warp(block.timestamp + 1);
        _revealAs(OTHER, header, witness);
        assertEq(court.creditOf(OTHER), COMMIT_BOND, "the bond");
        _assertSolvent(0, 0);
    }

    function test_aCommitmentInTheBlockOfTheRefutationIsTooYoung() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        bytes memory header = _settleAndPost(wrong);
        court.fund{value: 2 ether}();
        _commitAs(CHALLENGER, header, witness);
        _challengeAs(OTHER, header, witness);
        vm.warp(block.timestamp + 1);
        _revealAs(CHALLENGER, header, witness);
        assertEq(court.creditOf(CHALLENGER), COMMIT_BOND, "the bond");
        assertEq(court.pot(), 2 ether, "pot");
    }

    function test_aSecondOlderCommitmentGetsItsBond() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        bytes memory header = _settleAndPost(wrong);
        court.fund{value: 2 ether}();
        _commitAs(CHALLENGER, header, witness);
        _commitAs(OTHER, header, witness);
        vm.warp(block.timestamp + 1);
        _revealAs(OTHER, header, witness);
        _revealAs(CHALLENGER, header, witness);
        assertEq(court.creditOf(OTHER), COMMIT_BOND + BOUNTY_CAP, "the first");
        assertEq(court.creditOf(CHALLENGER), COMMIT_BOND, "the second");
        _assertSolvent(0, 0);
    }

    /// @dev Refuted by posting: whoever had committed to show it is paid all the same.
    function test_aRefutationByPostingPaysTheOlderCommitment() external {
        Outcome memory wrong = _right(N);
        _put(wrong.list, 32, 1, 200); // the first entry's sum of GPUs
        rounds.settle(_settlementOf(wrong));
        bytes memory header = _header(wrong);
        bytes memory witness = _witness(3, wrong, _positions(0));
        court.fund{value: 2 ether}();
        _commitAs(CHALLENGER, header, witness);
        vm.warp(block.timestamp + 1);
        _post(wrong, header);
        assertTrue(_statusOf(N) == IRounds.Status.Refuted, "by posting");
        _revealAs(CHALLENGER, header, witness);
        assertEq(court.creditOf(CHALLENGER), COMMIT_BOND + BOUNTY_CAP, "bond and bounty");
    }

    function test_aRevealNeedsItsCommitment() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        bytes memory header = _settleAndPost(wrong);
        _commitAs(CHALLENGER, header, witness);
        vm.warp(block.timestamp + 1);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(Bounties.NoCommitment.selector, N, CHALLENGER));
        court.reveal(bytes32(uint256(1)), header, witness);
        vm.prank(OTHER);
        vm.expectRevert(abi.encodeWithSelector(Bounties.NoCommitment.selector, N, OTHER));
        court.reveal(SALT, header, witness);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(Bounties.NoCommitment.selector, N, CHALLENGER));
        court.reveal(SALT, header, bytes.concat(witness, hex"00"));
        // None of this has used the commitment up.
        _revealAs(CHALLENGER, header, witness);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(Bounties.NoCommitment.selector, N, CHALLENGER));
        court.reveal(SALT, header, witness);
    }

    function test_aRevealOfNoFaultReverts() external {
        Outcome memory right = _right(N);
        bytes memory header = _settleAndPost(right);
        bytes memory witness = _witness(2, right, _positions(0));
        _commitAs(CHALLENGER, header, witness);
        vm.warp(block.timestamp + 1);
        vm.prank(CHALLENGER);
        vm.expectRevert(IDisputes.NoFault.selector);
        court.reveal(SALT, header, witness);
    }

    function test_windowsOfCommitmentsAndReveals() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        bytes memory header = _settleAndPost(wrong);
        bytes32 c = court.commitmentOf(CHALLENGER, SALT, header, witness);
        IRounds.Schedule memory s = _scheduleOfTests();
        uint256 lastCommit = _endOf(N) + s.challengeWindow;
        vm.warp(lastCommit + 1);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NotChallengeable.selector, N));
        court.commit{value: COMMIT_BOND}(N, c);
        vm.warp(lastCommit);
        _commitAs(CHALLENGER, header, witness);
        uint256 lastReveal = _endOf(N) + s.challengeWindow + s.revealWindow;
        vm.warp(lastReveal + 1);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(Disputes.NotRevealable.selector, N));
        court.reveal(SALT, header, witness);
        vm.warp(lastReveal);
        _revealAs(CHALLENGER, header, witness);
    }

    function test_commitmentsAreTakenFromTheHeaderOnUpToTheRefutation() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        bytes memory header = _header(wrong);
        bytes32 c = court.commitmentOf(CHALLENGER, SALT, header, witness);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NotChallengeable.selector, N));
        court.commit{value: COMMIT_BOND}(N, c);
        rounds.settle(_settlementOf(wrong));
        _commitAs(CHALLENGER, header, witness);
        vm.warp(block.timestamp + 1);
        _revealAs(CHALLENGER, header, witness); // before its end, too
        vm.prank(OTHER);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NotChallengeable.selector, N));
        court.commit{value: COMMIT_BOND}(N, c);
    }

    function test_commitmentsCostTheirBondAndAreOneEach() external {
        (Outcome memory wrong,) = _wrong();
        _settleAndPost(wrong);
        vm.expectRevert(abi.encodeWithSelector(Bounties.WrongBond.selector, COMMIT_BOND - 1, COMMIT_BOND));
        court.commit{value: COMMIT_BOND - 1}(N, SALT);
        vm.expectRevert(Bounties.ZeroCommitment.selector);
        court.commit{value: COMMIT_BOND}(N, 0);
        court.commit{value: COMMIT_BOND}(N, SALT);
        vm.expectRevert(abi.encodeWithSelector(Bounties.AlreadyCommitted.selector, N, address(this)));
        court.commit{value: COMMIT_BOND}(N, SALT);
    }

    function test_junkIsForfeitedAndDelaysNothing() external {
        Outcome memory right = _right(N);
        _settleAndPost(right);
        uint256 until = rounds.challengeableUntil(N);
        vm.prank(OTHER);
        court.commit{value: COMMIT_BOND}(N, keccak256("junk"));
        assertEq(rounds.challengeableUntil(N), until, "the windows stay");
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(Bounties.NotForfeit.selector, N));
        court.forfeit(N, OTHER);
        vm.warp(until + 1);
        assertTrue(rounds.isFinal(N), "final");
        court.forfeit(N, OTHER);
        assertEq(court.pot(), COMMIT_BOND, "in the pot");
        vm.expectRevert(abi.encodeWithSelector(Bounties.NotForfeit.selector, N));
        court.forfeit(N, OTHER);
        _assertSolvent(0, 0);
    }
}
