// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ISlasher} from "../../src/interfaces/ISlasher.sol";
import {Punishments} from "../../src/l1/Punishments.sol";
import {Slasher} from "../../src/l1/Slasher.sol";
import {Signers} from "../../src/l1/Signers.sol";
import {Verdicts} from "../../src/l1/Verdicts.sol";
import {VerdictBase} from "./VerdictBase.sol";

/// @dev Four operators. 0 to 2 signed the wrong outcome, 3 the right one. This contract is the bridge.
contract VerdictsTest is VerdictBase {
    function setUp() external {
        _start(4);
    }

    // --- L2's verdicts ---

    function test_eachSignerOfAWrongOutcomeIsSlashed() external {
        _prove(WRONG, hex"07");
        _word(_digest(WRONG), 2);
        assertTrue(slasher.verdictOf(N, _digest(WRONG)) == ISlasher.Offence.WrongOutcome, "known");
        for (uint32 i = 0; i < 3; ++i) {
            slasher.executeVerdict(_digest(WRONG), i);
            assertEq(_left(i), HELD * 95 / 100, "a twentieth is gone");
            (ISlasher.Offence offence, uint256 wad) = slasher.offenceOf(i, N);
            assertTrue(offence == ISlasher.Offence.WrongOutcome, "recorded");
            assertEq(wad, 0.05e18, "share");
        }
        assertEq(_left(3), HELD, "the honest one keeps all");
    }

    function test_theWordMayComeBeforeTheSigners() external {
        _word(_digest(WRONG), 2);
        _prove(WRONG, hex"01");
        slasher.executeVerdict(_digest(WRONG), 0);
        assertEq(_left(0), HELD * 95 / 100, "a twentieth is gone");
    }

    function test_aWrongSeedByL2sWordCostsMore() external {
        _prove(WRONG, hex"01");
        _word(_digest(WRONG), 3);
        slasher.executeVerdict(_digest(WRONG), 0);
        assertEq(_left(0), HELD * 90 / 100, "a tenth is gone");
        (ISlasher.Offence offence,) = slasher.offenceOf(0, N);
        assertTrue(offence == ISlasher.Offence.WrongSeed, "recorded");
    }

    function test_nobodyIsSlashedTwice() external {
        _prove(WRONG, hex"01");
        _word(_digest(WRONG), 2);
        bytes32 digest = _digest(WRONG);
        slasher.executeVerdict(digest, 0);
        vm.expectRevert(abi.encodeWithSelector(Punishments.AlreadyPunished.selector, slasher.offenceId(0, N)));
        slasher.executeVerdict(digest, 0);
        assertEq(core.slashCount(), 1, "one slash");
    }

    function test_whoDidNotSignIsNotSlashed() external {
        _prove(WRONG, hex"07");
        _word(_digest(WRONG), 2);
        bytes32 digest = _digest(WRONG);
        vm.expectRevert(abi.encodeWithSelector(Signers.NotASigner.selector, digest, uint32(3)));
        slasher.executeVerdict(digest, 3);
        vm.expectRevert(abi.encodeWithSelector(Signers.NotASigner.selector, digest, type(uint32).max));
        slasher.executeVerdict(digest, type(uint32).max);
    }

    /// @dev The honest minority: what it signed is another header than the one that was refuted.
    function test_aVerdictConvictsOneHeaderOnly() external {
        _prove(WRONG, hex"07");
        _prove(RIGHT, hex"08");
        _word(_digest(WRONG), 2);
        _noVerdict(RIGHT, 3);
        assertEq(_left(3), HELD, "keeps all");
    }

    function test_aRoundThatStandsConvictsNobody() external {
        _prove(RIGHT, hex"08");
        _word(_digest(RIGHT), 1);
        _noVerdict(RIGHT, 3);
    }

    function testFuzz_otherVerdictsConvictNobody(uint8 verdict) external {
        vm.assume(verdict != 0 && verdict != 2 && verdict != 3);
        _prove(RIGHT, hex"08");
        _word(_digest(RIGHT), verdict);
        _noVerdict(RIGHT, 3);
    }

    /// @dev A word names a round and a digest: about another round it says nothing of this header.
    function test_aWordOfAnotherRoundConvictsNobody() external {
        _prove(WRONG, hex"01");
        slasher.receiveMessage(abi.encodePacked(N + 1, _digest(WRONG), uint8(2)));
        _noVerdict(WRONG, 0);
    }

    function test_verdictsAreExecutedUntilTheHorizon() external {
        _prove(WRONG, hex"03");
        _word(_digest(WRONG), 2);
        uint256 until = slasher.slashableUntil(N);
        assertEq(until, slasher.evidenceUntil(N) + 1 days, "evidence and execution");
        vm.warp(until);
        slasher.executeVerdict(_digest(WRONG), 0);
        vm.warp(until + 1);
        bytes32 digest = _digest(WRONG);
        vm.expectRevert(abi.encodeWithSelector(Verdicts.ExecutionTooLate.selector, until));
        slasher.executeVerdict(digest, 1);
    }

    // --- a lying quorum that withholds ---

    /// @dev The liars certify a wrong outcome, publish nothing that would refute it, and charge the honest one with
    /// divergence. L2 never settles the round, so no word comes, and nothing is ever executed.
    function test_liarsThatWithholdCannotConvictTheHonest() external {
        _prove(WRONG, hex"07");
        bytes32 charge = _charge(3, WRONG, RIGHT);
        vm.expectRevert(abi.encodeWithSelector(Slasher.NoWordYet.selector, N));
        slasher.execute(charge);
        _noVerdict(WRONG, 0);
        vm.warp(slasher.slashableUntil(N) + 1);
        slasher.execute(charge);
        assertTrue(slasher.chargeOf(charge).state == Slasher.ChargeState.Closed, "lapsed");
        assertEq(core.slashCount(), 0, "nobody was slashed");
    }

    function test_chargesLapseOnARefutation() external {
        for (uint8 verdict = 2; verdict < 4; ++verdict) {
            uint256 snapshot = vm.snapshotState();
            bytes32 charge = _charge(3, WRONG, RIGHT);
            _word(_digest(WRONG), verdict);
            slasher.execute(charge);
            assertTrue(slasher.chargeOf(charge).state == Slasher.ChargeState.Closed, "lapsed");
            assertEq(_left(3), HELD, "keeps all");
            vm.revertToState(snapshot);
        }
    }

    // --- one offence, several classes ---

    function test_anEquivocationFoundLaterCostsTheDifference() external {
        _prove(WRONG, hex"01");
        _word(_digest(WRONG), 2);
        slasher.executeVerdict(_digest(WRONG), 0);
        _equivocate(0, N);
        // In two steps, each rounded up.
        assertEq(_left(0), HELD * 8 / 10 - 1, "a fifth in all");
        (ISlasher.Offence offence, uint256 wad) = slasher.offenceOf(0, N);
        assertTrue(offence == ISlasher.Offence.Equivocation, "the graver");
        assertEq(wad, 0.2e18, "share");
    }

    function test_aWrongSeedFoundLaterCostsTheDifference() external {
        bytes memory header = _withSeed(keccak256("chosen"));
        slasher.proveSigners(header, hex"01", _signBy(hex"01", header));
        _word(sha256(header), 2);
        slasher.executeVerdict(sha256(header), 0);
        slasher.proveWrongSeed(header, _beaconSignature(N));
        slasher.executeVerdict(sha256(header), 0);
        // In two steps, each rounded up.
        assertEq(_left(0), HELD * 9 / 10 - 1, "a tenth in all");
    }

    function test_afterAnEquivocationAVerdictAddsNothing() external {
        _prove(WRONG, hex"01");
        _word(_digest(WRONG), 2);
        _equivocate(0, N);
        bytes32 digest = _digest(WRONG);
        vm.expectRevert(abi.encodeWithSelector(Punishments.AlreadyPunished.selector, slasher.offenceId(0, N)));
        slasher.executeVerdict(digest, 0);
    }

    // --- cap, guardian, sunset ---

    function test_lossesOfOneEpochAreCapped() external {
        // Seven wrong rounds of one epoch: six twentieths, and nothing for the last.
        for (uint64 n = N; n < N + 7; ++n) {
            _wrongRound(n, 0);
        }
        assertEq(slasher.lostIn(0, 2), slasher.EPOCH_CAP(), "the cap");
        (ISlasher.Offence offence, uint256 wad) = slasher.offenceOf(0, N + 6);
        assertTrue(offence == ISlasher.Offence.WrongOutcome, "recorded");
        assertEq(wad, 0, "for nothing");
        (, bool registered) = manager.operatorAt(0);
        assertTrue(!registered, "and out");
    }

    function test_theCapEndsWithTheSunset() external {
        uint64 n = uint64(365 days / 60);
        vm.warp(_close(n));
        for (uint64 i = 0; i < 7; ++i) {
            _wrongRound(n + i, 0);
        }
        assertEq(slasher.lostIn(0, 365), 0.35e18, "no cap");
    }

    function test_theGuardianCancelsAVerdict() external {
        _prove(WRONG, hex"01");
        _word(_digest(WRONG), 2);
        _cancel(WRONG);
        assertTrue(slasher.verdictOf(N, _digest(WRONG)) == ISlasher.Offence.None, "nothing follows");
        _noVerdict(WRONG, 0);
    }

    /// @dev L2's word takes days, and may be executed in the very block in which it comes.
    function test_theGuardianCancelsBeforeTheWordComes() external {
        _cancel(WRONG);
        _prove(WRONG, hex"01");
        _word(_digest(WRONG), 2);
        _noVerdict(WRONG, 0);
    }

    function test_theGuardianCancelsWrongSeedsToo() external {
        bytes memory header = _withSeed(keccak256("chosen"));
        slasher.proveSigners(header, hex"01", _signBy(hex"01", header));
        slasher.proveWrongSeed(header, _beaconSignature(N));
        bytes32 digest = sha256(header);
        vm.prank(GUARDIAN);
        slasher.cancelVerdict(digest);
        vm.expectRevert(abi.encodeWithSelector(Verdicts.NoVerdict.selector, digest));
        slasher.executeVerdict(digest, 0);
    }

    function test_onlyTheGuardianCancelsAndOnce() external {
        bytes32 digest = _digest(WRONG);
        vm.expectRevert(abi.encodeWithSelector(Punishments.NotGuardian.selector, address(this)));
        slasher.cancelVerdict(digest);
        _cancel(WRONG);
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(Verdicts.VerdictStands.selector, digest));
        slasher.cancelVerdict(digest);
    }

    function test_theGuardianGoesAtTheSunset() external {
        uint64 sunset = slasher.sunset();
        vm.warp(sunset);
        vm.startPrank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(Punishments.GuardianGone.selector, sunset));
        slasher.cancelVerdict(bytes32(uint256(1)));
        vm.stopPrank();
    }

    /// @dev The guardian makes no verdict: what it may call beside `cancel` needs what everybody needs.
    function test_theGuardianConvictsNobody() external {
        _prove(WRONG, hex"01");
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(Slasher.NotBridge.selector, GUARDIAN));
        slasher.receiveMessage(abi.encodePacked(N, bytes32(0), uint8(2)));
    }

    // --- a slash that moves nothing ---

    function test_whoHasNothingLeftIsEjected() external {
        core.setStake(_operator(1), STRATEGY_A, 0);
        core.setStake(_operator(1), STRATEGY_B, 0);
        _prove(WRONG, hex"02");
        _word(_digest(WRONG), 2);
        slasher.executeVerdict(_digest(WRONG), 1);
        (, bool registered) = manager.operatorAt(1);
        assertTrue(!registered, "ejected");
    }

    /// @dev Keys outlive the registration: whoever leaves after signing is slashed while the core allows it.
    function test_whoLeftIsSlashed() external {
        core.deregister(_operator(1), address(manager), _ids(SET_ID));
        _prove(WRONG, hex"07");
        _word(_digest(WRONG), 2);
        slasher.executeVerdict(_digest(WRONG), 1);
        assertEq(_left(1), HELD * 95 / 100, "a twentieth is gone");
    }

    function test_signersConvictNobodyByThemselves() external {
        _prove(WRONG, hex"07");
        _noVerdict(WRONG, 0);
        assertTrue(slasher.verdictOf(N, _digest(WRONG)) == ISlasher.Offence.None, "nothing known");
    }

    // --- want of gas ---

    function test_wantOfGasSlashesWholeOrNotAtAll() external {
        _prove(WRONG, hex"01");
        _word(_digest(WRONG), 2);
        bytes memory call = abi.encodeCall(slasher.executeVerdict, (_digest(WRONG), 0));
        uint256 snapshot = vm.snapshotState();
        uint256 slashed;
        for (uint256 gas = 5_000; gas < 400_000; gas += 1_719) {
            (bool ok,) = address(slasher).call{gas: gas}(call);
            assertEq(_left(0), ok ? HELD * 95 / 100 : HELD, "all or nothing");
            (, bool registered) = manager.operatorAt(0);
            assertTrue(registered, "never out for want of gas");
            if (ok) ++slashed;
            vm.revertToState(snapshot);
            snapshot = vm.snapshotState();
        }
        assertTrue(slashed > 10, "some had enough");
    }
}
