// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IDisputes} from "../../../src/interfaces/IDisputes.sol";
import {IRounds} from "../../../src/interfaces/IRounds.sol";
import {Bounties} from "../../../src/l2/Bounties.sol";
import {Disputes} from "../../../src/l2/Disputes.sol";
import {GamesKit} from "./GamesKit.sol";

/// @notice A receiver that refuses money, or takes it again while it is being paid.
contract BadReceiver {
    IDisputes private immutable _court;
    bool private immutable _again;

    constructor(IDisputes court, bool again) {
        (_court, _again) = (court, again);
    }

    function commit(uint64 n, bytes32 c) external payable {
        _court.commit{value: msg.value}(n, c);
    }

    function reveal(bytes32 salt, bytes calldata header, bytes calldata witness) external {
        _court.reveal(salt, header, witness);
    }

    function withdraw() external {
        _court.withdraw();
    }

    receive() external payable {
        if (!_again) revert();
        _court.withdraw();
    }
}

/// @notice Bonds of proposals, money that leaves, and leases that are annulled.
contract BondsTest is GamesKit {
    // --- bonds of proposals ---

    function _proposeWrong() private returns (bytes memory header, bytes memory witness) {
        Outcome memory wrong;
        (wrong, witness) = _wrong();
        IRounds.Settlement memory s = _settlementOf(wrong);
        (s.bitmap, s.aggregate) = (bytes(""), bytes(""));
        vm.warp(_halfOf(N));
        vm.deal(PROPOSER, BOND);
        vm.prank(PROPOSER);
        rounds.propose{value: BOND}(s);
        header = _header(wrong);
        _post(wrong, header);
    }

    function test_aLostBondPaysTheBountyFirstAndThePotTheRest() external {
        (bytes memory header, bytes memory witness) = _proposeWrong();
        _assertSolvent(0, BOND);
        _commitAs(CHALLENGER, header, witness);
        vm.warp(block.timestamp + 1);
        vm.expectRevert(abi.encodeWithSelector(Bounties.BondNotDue.selector, N));
        court.settleBond(N);
        _revealAs(CHALLENGER, header, witness);
        assertEq(court.creditOf(CHALLENGER), COMMIT_BOND + BOUNTY_CAP, "bond and bounty");
        assertEq(court.pot(), BOND - BOUNTY_CAP, "the rest");
        _assertSolvent(0, 0);
        vm.expectRevert(abi.encodeWithSelector(Bounties.BondNotDue.selector, N));
        court.settleBond(N);
    }

    /// @dev Whoever proposes a lie and refutes it loses more than the bounty.
    function test_selfAccusationIsNoRebate() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        IRounds.Settlement memory s = _settlementOf(wrong);
        (s.bitmap, s.aggregate) = (bytes(""), bytes(""));
        vm.warp(_halfOf(N));
        vm.deal(PROPOSER, BOND + COMMIT_BOND);
        vm.prank(PROPOSER);
        rounds.propose{value: BOND}(s);
        bytes memory header = _header(wrong);
        _commitAs(PROPOSER, header, witness);
        vm.warp(block.timestamp + 1);
        _revealAs(PROPOSER, header, witness);
        assertTrue(court.creditOf(PROPOSER) < BOND, "less than it paid");
        assertEq(court.creditOf(PROPOSER), COMMIT_BOND + BOUNTY_CAP, "bond and bounty");
    }

    function test_withoutABountyTheBondGoesToThePotAfterTheWindows() external {
        (bytes memory header, bytes memory witness) = _proposeWrong();
        _challengeAs(OTHER, header, witness);
        vm.expectRevert(abi.encodeWithSelector(Bounties.BondNotDue.selector, N));
        court.settleBond(N);
        vm.warp(rounds.challengeableUntil(N) + 1);
        court.settleBond(N);
        assertEq(court.pot(), BOND, "pot");
        assertEq(court.creditOf(PROPOSER), 0, "lost");
        _assertSolvent(0, 0);
    }

    function test_theBondOfARightProposalGoesBackWhenItIsFinal() external {
        Outcome memory right = _right(N);
        IRounds.Settlement memory s = _settlementOf(right);
        (s.bitmap, s.aggregate) = (bytes(""), bytes(""));
        vm.warp(_halfOf(N));
        vm.deal(PROPOSER, BOND);
        vm.prank(PROPOSER);
        rounds.propose{value: BOND}(s);
        _post(right, _header(right));
        vm.expectRevert(abi.encodeWithSelector(Bounties.BondNotDue.selector, N));
        court.settleBond(N);
        vm.warp(rounds.challengeableUntil(N) + 1);
        court.settleBond(N);
        assertEq(court.creditOf(PROPOSER), BOND, "back");
        _assertSolvent(0, 0);
    }

    function test_theBondOfAProposalThatIsNotPostedIsLost() external {
        Outcome memory right = _right(N);
        IRounds.Settlement memory s = _settlementOf(right);
        (s.bitmap, s.aggregate) = (bytes(""), bytes(""));
        vm.warp(_halfOf(N));
        vm.deal(PROPOSER, BOND);
        vm.prank(PROPOSER);
        rounds.propose{value: BOND}(s);
        vm.warp(_closeOf(N) + TIMEOUT + 1);
        assertTrue(rounds.isVoid(N), "void");
        vm.expectRevert(abi.encodeWithSelector(Bounties.BondNotDue.selector, N));
        court.settleBond(N); // until the windows are over it may have to pay a bounty
        vm.warp(rounds.challengeableUntil(N) + 1);
        court.settleBond(N);
        assertEq(court.pot(), BOND, "pot");
    }

    /// @dev A certificate takes a lying proposal's place: nobody can show anything of it, whoever had committed to.
    function test_aCertificateFreesBondAndCommitments() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        IRounds.Settlement memory s = _settlementOf(wrong);
        (s.bitmap, s.aggregate) = (bytes(""), bytes(""));
        vm.warp(_halfOf(N));
        vm.deal(PROPOSER, BOND);
        vm.prank(PROPOSER);
        rounds.propose{value: BOND}(s);
        _commitAs(CHALLENGER, _header(wrong), witness);
        Outcome memory right = _right(N);
        _settleAndPost(right);
        assertEq(court.creditOf(PROPOSER), BOND, "released");
        vm.warp(rounds.challengeableUntil(N) + 1);
        court.forfeit(N, CHALLENGER);
        assertEq(court.creditOf(CHALLENGER), COMMIT_BOND, "not forfeited");
        assertEq(court.pot(), 0, "pot");
        _assertSolvent(0, 0);
    }

    function test_onlyRoundsHandsBondsOver() external {
        vm.expectRevert(abi.encodeWithSelector(Bounties.NotRounds.selector, address(this)));
        court.holdBond{value: 1}(N, PROPOSER);
        vm.expectRevert(abi.encodeWithSelector(Bounties.NotRounds.selector, address(this)));
        court.releaseBond(N);
    }

    function test_aBountyIsBelowTheBondOfAProposal() external {
        vm.expectRevert(abi.encodeWithSelector(Bounties.BountyTooLarge.selector, BOND, BOND));
        new Disputes(rounds, market, verifier, COMMIT_BOND, BOND);
        new Disputes(rounds, market, verifier, COMMIT_BOND, BOND - 1);
    }

    // --- money leaves ---

    function _credited(bool again) private returns (BadReceiver receiver) {
        receiver = new BadReceiver(court, again);
        (Outcome memory wrong, bytes memory witness) = _wrong();
        bytes memory header = _settleAndPost(wrong);
        court.fund{value: 2 ether}();
        receiver.commit{value: COMMIT_BOND}(N, court.commitmentOf(address(receiver), SALT, header, witness));
        vm.warp(block.timestamp + 1);
        receiver.reveal(SALT, header, witness);
    }

    function test_whoRefusesMoneyKeepsItsCredit() external {
        BadReceiver receiver = _credited(false);
        vm.expectRevert(abi.encodeWithSelector(Bounties.Refused.selector, address(receiver)));
        receiver.withdraw();
        assertEq(court.creditOf(address(receiver)), COMMIT_BOND + BOUNTY_CAP, "credit");
    }

    function test_noOneIsPaidTwice() external {
        BadReceiver receiver = _credited(true);
        uint256 held = address(court).balance;
        vm.expectRevert(abi.encodeWithSelector(Bounties.Refused.selector, address(receiver)));
        receiver.withdraw();
        assertEq(address(court).balance, held, "nothing left");
    }

    // --- annulment ---

    /// @dev A round with an entry that is no pair: its request asks for more uptime than the machine has.
    function _ineligible() private returns (Outcome memory wrong, uint64 request) {
        Outcome memory right = _right(N);
        for (uint64 r = 1; r <= market.requestCount(); ++r) {
            for (uint64 o = 1; o <= market.offerCount(); ++o) {
                uint8 code = verifier.pairs(N, right.seed, abi.encodePacked(r, o))[0].ineligible;
                if (code < 12 || code > 22) continue; // it has the room, so that posting takes it
                Entry[] memory entries = new Entry[](1);
                entries[0] = Entry(o, r, 1, 1);
                return (_outcomeOf(right, entries), r);
            }
        }
        revert("none");
    }

    function test_theLeaseOfAnIneligiblePairIsAnnulled() external {
        (Outcome memory wrong, uint64 request) = _ineligible();
        bytes memory header = _settleAndPost(wrong);
        bytes memory witness = _witness(2, wrong, _positions(0));
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NotChallengeable.selector, N));
        court.annul(header, witness); // the round stands
        court.challenge(header, witness);
        court.annul(header, witness);
        (,,,, uint64 end) = market.leaseOf(request);
        assertEq(end, block.timestamp, "ended");
    }

    function test_aWrongScoreAnnulsNothing() external {
        (Outcome memory wrong, bytes memory witness) = _wrong();
        bytes memory header = _settleAndPost(wrong);
        court.challenge(header, witness);
        vm.expectRevert(abi.encodeWithSelector(Disputes.NotAnnullable.selector, N, uint8(11)));
        court.annul(header, witness);
    }

    /// @dev The list names a request that an earlier void round has matched rightly: that lease goes on.
    function test_theLeaseOfAnotherRoundIsNotAnnulled() external {
        (Outcome memory wrong,) = _wrong();
        bytes memory header = _settleAndPost(wrong);
        bytes memory witness = _witness(2, wrong, _positions(0));
        for (uint256 i; i < _count(wrong); ++i) {
            (uint8 code,) = _judge(wrong, _witness(2, wrong, _positions(i)));
            if (code != 0) witness = _witness(2, wrong, _positions(i));
        }
        court.challenge(header, witness);
        uint64 next = uint64((rounds.challengeableUntil(N) - GENESIS) / PERIOD) + 2;
        while (!rounds.isLive(next)) ++next;
        Outcome memory later = _right(next);
        Entry[] memory entries = new Entry[](1);
        entries[0] = Entry(_entryAt(wrong.list, 0).offer, _entryAt(wrong.list, 0).request, 1, 1);
        later = _outcomeOf(later, entries);
        rounds.settle(_settlementOf(later));
        bytes memory laterHeader = _header(later);
        bytes memory laterWitness = _witness(2, later, _positions(0));
        court.challenge(laterHeader, laterWitness);
        vm.expectRevert(abi.encodeWithSelector(Disputes.NotAnnullable.selector, next, uint8(3)));
        court.annul(laterHeader, laterWitness);
    }
}
