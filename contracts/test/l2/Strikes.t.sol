// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";
import {IStrikes} from "../../src/interfaces/IStrikes.sol";
import {Rounds} from "../../src/l2/Rounds.sol";
import {Strikes} from "../../src/l2/Strikes.sol";
import {SignedKit} from "./SignedKit.sol";

/// @notice Signers of refuted rounds, whose signatures count no more. Ten operators with equal stake.
contract StrikesTest is SignedKit {
    function setUp() public override {
        _deploySigned(10, 4);
    }

    /// @dev Round 0 is signed by operators 0 to 6, refuted, and operators 0 to `last` are struck for it.
    function _struck(uint256 last) private {
        _runSigned(0, _only(0, 6));
        _refute(0, 14, 0);
        _strike(0, _only(0, last));
    }

    function _strike(uint64 n, bytes memory bitmap) private {
        strikes.strike(n, bitmap, _sign(bitmap, _digestOf(n)));
    }

    function _settles(uint64 n, bytes memory bitmap, bytes memory why) private {
        IRounds.Settlement memory s = _certificate(n, bitmap);
        if (block.timestamp < _closeOf(n) + 30) vm.warp(_closeOf(n) + 30);
        if (why.length != 0) vm.expectRevert(why);
        rounds.settle(s);
    }

    function _refusal(uint32 index) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IStrikes.StruckSigner.selector, index);
    }

    // --- striking ---

    function test_signersOfARefutedRoundAreStruck() external {
        _runSigned(0, _only(0, 6));
        _refute(0, 14, 0);
        bytes memory bitmap = _only(2, 4);
        bytes memory aggregate = _sign(bitmap, _digestOf(0));
        vm.expectEmit();
        emit IStrikes.Struck(0, 1, bitmap);
        vm.prank(address(0xBAD));
        strikes.strike(0, bitmap, aggregate);
        for (uint32 i; i < 10; ++i) {
            assertTrue(strikes.isStruck(i, 0) == (i >= 2 && i <= 4), "this epoch");
            assertTrue(strikes.isStruck(i, 1) == (i >= 2 && i <= 4), "the next");
            assertTrue(!strikes.isStruck(i, 2), "not the one after");
        }
        assertEq(strikes.lastEpoch(), 1, "last epoch");
    }

    function test_strikesAddUp() external {
        _struck(1);
        _strike(0, _only(5, 6));
        assertTrue(strikes.isStruck(0, 1) && strikes.isStruck(1, 1) && strikes.isStruck(6, 1), "struck");
        assertTrue(!strikes.isStruck(3, 1), "not struck");
    }

    function test_nobodyIsStruckWithoutARefutation() external {
        _runSigned(0, _only(0, 6));
        bytes memory bitmap = _only(0, 6);
        bytes memory aggregate = _sign(bitmap, _digestOf(0));
        vm.expectRevert(abi.encodeWithSelector(IStrikes.NotRefuted.selector, 0));
        strikes.strike(0, bitmap, aggregate);
        vm.expectRevert(abi.encodeWithSelector(IStrikes.NotRefuted.selector, 1));
        strikes.strike(1, bitmap, aggregate);
    }

    function test_whoHasNotSignedIsNotStruck() external {
        _runSigned(0, _only(0, 6));
        _refute(0, 14, 0);
        bytes memory aggregate = _sign(_only(0, 6), _digestOf(0));
        bytes memory bitmap = _only(0, 7);
        vm.expectRevert(IStakeTable.BadSignature.selector);
        strikes.strike(0, bitmap, aggregate);
        assertTrue(!strikes.isStruck(7, 0), "not struck");
    }

    /// @dev Another header of that round is equivocation, and L1's business.
    function test_signersOfAnotherHeaderAreNotStruck() external {
        _runSigned(0, _only(0, 6));
        _refute(0, 14, 0);
        bytes memory bitmap = _only(7, 9);
        bytes memory aggregate = _sign(bitmap, keccak256("another header"));
        vm.expectRevert(IStakeTable.BadSignature.selector);
        strikes.strike(0, bitmap, aggregate);
    }

    function test_strikingAgainDoesNotLastLonger() external {
        _struck(1);
        vm.warp(_closeOf(EPOCH) + 30);
        _strike(0, _only(0, 1));
        assertTrue(strikes.isStruck(0, 1) && !strikes.isStruck(0, 2), "as long as from the refutation");
    }

    function test_strikesLastUntilL1CanHaveHeard() external {
        uint256 epoch = _closeOf(EPOCH) - GENESIS;
        Strikes slow = new Strikes(rounds, IStakeTable(address(strikes.table())), uint32(3 * epoch));
        _runSigned(0, _only(0, 6));
        _refute(0, 14, 0);
        bytes memory bitmap = _only(2, 4);
        slow.strike(0, bitmap, _sign(bitmap, _digestOf(0)));
        assertTrue(slow.isStruck(2, 4) && !slow.isStruck(2, 5), "three epochs later, and to the end of the next");
    }

    /// @dev After a lap of the ring nothing proves any more what was signed.
    function test_nobodyIsStruckWhenTheDigestIsGone() external {
        _runSigned(0, _only(0, 6));
        _refute(0, 14, 0);
        bytes memory bitmap = _only(0, 6);
        bytes memory aggregate = _sign(bitmap, _digestOf(0));
        _runSigned(RING - 1, _only(0, 6));
        _runSigned(RING, _only(0, 6));
        vm.expectRevert(abi.encodeWithSelector(IStrikes.NotRefuted.selector, 0));
        strikes.strike(0, bitmap, aggregate);
    }

    // --- what Rounds makes of it ---

    function test_aCertificateWithAStruckSignerIsRefused() external {
        _struck(1);
        _settles(1, _only(0, 9), _refusal(0));
        _settles(1, _only(1, 9), _refusal(1));
    }

    function test_aCertificateOfTheOthersIsTaken() external {
        _struck(1);
        _settles(1, _only(2, 9), "");
        assertTrue(_statusOf(1) == IRounds.Status.Certified, "certified");
    }

    /// @dev The quorum stays that of the whole: 70 % of the others are 56 % of all.
    function test_theQuorumIsOfTheWholeTotal() external {
        _struck(1);
        _settles(1, _only(4, 9), abi.encodeWithSelector(Rounds.NoQuorum.selector, 6_000, 10_000));
    }

    function test_withTooManyStruckRoundsGoOnByProposal() external {
        _struck(6);
        IRounds.Settlement memory s = _propose(1, "");
        rounds.postChunk(_headerOf(s), _chunk(1, "", 0));
        assertTrue(_statusOf(1) == IRounds.Status.Settled, "settled");
    }

    function test_aStruckSignerConfirmsNoProposal() external {
        _struck(1);
        _propose(1, "");
        _settles(1, _only(0, 9), _refusal(0));
        IRounds.Settlement memory other = _settlement(1, keccak256("another outcome"));
        other.bitmap = _only(0, 9);
        other.aggregate = _sign(other.bitmap, sha256(_headerOf(other)));
        vm.expectRevert(_refusal(0));
        rounds.settle(other);
        _settles(1, _only(2, 9), "");
        assertEq(disputes.bondOf(1), 0, "confirmed by the others");
    }

    /// @dev Evidence of equivocation is taken from whoever signed.
    function test_aSecondCertificateIsEvidenceWhoeverSignedIt() external {
        _struck(1);
        _settles(1, _only(2, 9), "");
        IRounds.Settlement memory other = _settlement(1, keccak256("another outcome"));
        other.bitmap = _only(0, 9);
        other.aggregate = _sign(other.bitmap, sha256(_headerOf(other)));
        bytes memory header = _headerOf(other);
        vm.expectEmit();
        emit IRounds.SecondCertificate(1, sha256(header), header, other.bitmap, other.aggregate);
        rounds.settle(other);
    }

    function test_aStrikeHoldsToTheEndOfTheNextEpoch() external {
        _struck(1);
        _settles(2 * EPOCH - 1, _only(0, 9), _refusal(0));
        _settles(2 * EPOCH + 1, _only(0, 9), "");
    }

    /// @dev Once no strike holds and none can come, strikes are asked no more.
    function test_theAlertEndsWithTheStrikes() external {
        _struck(1);
        uint64 late = 2 * EPOCH + 1;
        _runSigned(late, _only(0, 9));
        vm.etch(address(strikes), hex"fe"); // whoever asks, fails
        _runSigned(late + 1, _only(0, 9));
    }

    /// @dev While a refuted round's digest is kept its signers may still be struck.
    function test_theAlertLastsWhileStrikesMayCome() external {
        uint64 n = 2 * EPOCH;
        _runSigned(n, _only(0, 6));
        _refute(n, 14, 0);
        _runSigned(n + 1, _only(0, 9)); // nobody was struck yet
        _strike(n, _only(0, 1));
        _settles(n + 2, _only(0, 9), _refusal(0));
        _runSigned(n + 2, _only(2, 9));
    }

    /// @dev The last of the refuted rounds counts, in whatever order they were refuted.
    function test_theAlertLastsForTheHighestRefutedRound() external {
        uint64 n = 2 * EPOCH;
        _runSigned(n, _only(0, 6));
        _runSigned(n + 1, _only(0, 6));
        _refute(n + 1, 14, 0);
        _refute(n, 14, 0);
        _runSigned(n + RING - 2, _only(0, 9));
        _runSigned(n + RING - 1, _only(0, 9));
        _runSigned(n + RING, _only(0, 9));
        assertTrue(_digestOf(n) == 0 && _digestOf(n + 1) != 0, "one digest is gone, one is kept");
        _strike(n + 1, _only(0, 1));
        _settles(n + RING + 1, _only(0, 9), _refusal(0));
    }

    /// @dev Struck in the last round in which that was possible: the strike holds beyond the digest.
    function test_theAlertLastsWhileAStrikeHolds() external {
        _runSigned(0, _only(0, 6));
        _refute(0, 14, 0);
        _runSigned(RING - 1, _only(0, 9));
        _strike(0, _only(0, 1));
        _runSigned(RING, _only(2, 9));
        assertTrue(_digestOf(0) == 0, "the digest is gone");
        _settles(RING + 1, _only(0, 9), _refusal(0));
    }

    /// @dev Without a refutation strikes are not asked at all.
    function test_noRefutationNoQuestion() external {
        vm.etch(address(strikes), hex"fe");
        _runSigned(0, _only(0, 9));
        _runSigned(1, _only(0, 9));
    }

    function test_aPostingsRefutationRaisesTheAlertToo() external {
        bytes memory list = _entry(Entry(1, 7, 1, 1), 1);
        IRounds.Settlement memory s = _settlement(0, _outcomeRoot(list, 0));
        s.bitmap = _only(0, 6);
        s.aggregate = _sign(s.bitmap, sha256(_headerOf(s)));
        vm.warp(GENESIS + 30);
        rounds.settle(s);
        rounds.postChunk(_headerOf(s), _chunk(0, list, 0));
        _strike(0, _only(0, 6));
        _settles(2, _only(0, 9), _refusal(0));
    }
}

/// @notice The bits of strikes against a plain list of indices, in tables of more than one word.
/// forge-config: default.fuzz.runs = 64
contract StrikesBitsTest is SignedKit {
    uint256 private constant OPERATORS = 300;

    function setUp() public override {
        _deploySigned(OPERATORS, 1);
        vm.warp(GENESIS + 30);
        rounds.settle(_certificate(0, _only(0, OPERATORS - 1)));
        _refute(0, 14, 0);
    }

    function testFuzz_theStruckAreThoseOfTheBitmap(uint256 a, uint256 b) external {
        a = bound(a, 0, OPERATORS - 1);
        b = bound(b, a, OPERATORS - 1 < a + 20 ? OPERATORS - 1 : a + 20);
        bytes memory bitmap = _only(a, b);
        strikes.strike(0, bitmap, _sign(bitmap, _digestOf(0)));
        for (uint32 i; i < OPERATORS; ++i) {
            assertTrue(strikes.isStruck(i, 0) == (i >= a && i <= b), "struck");
        }
        if (a > 0) strikes.check(0, _only(0, a - 1));
        if (b < OPERATORS - 1) strikes.check(0, _only(b + 1, OPERATORS - 1));
        bytes memory all = _only(0, OPERATORS - 1);
        vm.expectRevert(abi.encodeWithSelector(IStrikes.StruckSigner.selector, a));
        strikes.check(0, all);
    }
}
