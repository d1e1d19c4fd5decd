// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IServiceManager} from "../../src/interfaces/IServiceManager.sol";
import {ISlasher} from "../../src/interfaces/ISlasher.sol";
import {Dialect} from "../../src/l1/CoreAdapter.sol";
import {Evidence} from "../../src/l1/Evidence.sol";
import {OperatorBook} from "../../src/l1/OperatorBook.sol";
import {Punishments} from "../../src/l1/Punishments.sol";
import {Beacon} from "../../src/l1/Seeds.sol";
import {Slasher} from "../../src/l1/Slasher.sol";
import {Verdicts} from "../../src/l1/Verdicts.sol";
import {BLS12381} from "../../src/lib/BLS12381.sol";
import {Headers} from "../../src/lib/Headers.sol";
import {Vm} from "../Base.t.sol";
import {BlsKit} from "../BlsKit.sol";
import {L1Base} from "./L1Base.sol";

/// @dev This contract is the bridge to the slasher.
contract SlasherTest is L1Base {
    uint64 private constant N = 3_000; // closes 50 hours after genesis, epoch 2
    uint256 private constant HELD = 1_000_000;
    bytes32 private constant RIGHT = keccak256("the right outcome");
    bytes32 private constant WRONG = keccak256("a wrong outcome");

    function setUp() external {
        _deploy(Dialect.Appointee, 0);
        for (uint256 i = 0; i < 3; ++i) {
            core.setStake(_operator(i), STRATEGY_A, HELD);
            core.setStake(_operator(i), STRATEGY_B, HELD);
            _register(i);
        }
        vm.warp(_close(N));
    }

    function _close(uint64 n) private pure returns (uint256) {
        return GENESIS + uint256(n) * 60;
    }

    function _domain() private view returns (Headers.Domain memory) {
        return Headers.Domain(uint64(block.chainid), L2_CHAIN, ROUNDS, address(manager), SET_ID);
    }

    function _header(uint64 n, bytes32 outcome) private view returns (bytes memory) {
        return _header(_domain(), n, outcome);
    }

    function _header(Headers.Domain memory d, uint64 n, bytes32 outcome) private pure returns (bytes memory) {
        return Headers.encode(
            Headers.prefix(d),
            Headers.Body(
                n, 77, keccak256("snapshot"), keccak256("policy"), keccak256("inputs"), keccak256("seed"), outcome
            )
        );
    }

    function _sign(uint256 i, bytes memory header) private view returns (bytes memory) {
        return BlsKit.sign(5000 + i, BLS12381.DST_VOTE, sha256(header));
    }

    function _equivocate(uint256 i, uint64 n) private {
        (bytes memory a, bytes memory b) = (_header(n, RIGHT), _header(n, WRONG));
        (bytes memory signatureA, bytes memory signatureB) = (_sign(i, a), _sign(i, b));
        slasher.proveEquivocation(uint32(i), a, signatureA, b, signatureB);
    }

    function _charge(uint256 i, uint64 n) private returns (bytes32) {
        bytes memory other = _header(n, WRONG);
        bytes memory signature = _sign(i, other);
        return slasher.chargeDivergence(uint32(i), _header(n, RIGHT), other, signature);
    }

    function _word(uint64 n, bytes32 digest, uint8 verdict) private {
        slasher.receiveMessage(abi.encodePacked(n, digest, verdict));
    }

    function _stands(uint64 n) private {
        _word(n, sha256(_header(n, RIGHT)), 1);
    }

    function _left(uint256 i) private view returns (uint256) {
        return core.stake(_operator(i), STRATEGY_A);
    }

    // --- equivocation ---

    function test_anEquivocationIsSlashedAtOnce() external {
        vm.recordLogs();
        _equivocate(1, N);
        assertEq(_left(1), HELD * 8 / 10, "a fifth is gone");
        assertEq(core.stake(_operator(1), STRATEGY_B), HELD * 8 / 10, "of each strategy");
        assertEq(_left(0), HELD, "nobody else's");
        (ISlasher.Offence offence, uint256 wad) = slasher.offenceOf(1, N);
        assertTrue(offence == ISlasher.Offence.Equivocation, "recorded");
        assertEq(wad, 0.2e18, "share");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        Vm.Log memory last = logs[logs.length - 1];
        assertEq(last.topics[0], ISlasher.OperatorSlashed.selector, "event");
        assertEq(last.topics[1], bytes32(uint256(uint160(_operator(1)))), "operator");
        assertEq(last.topics[3], slasher.offenceId(1, N), "offence");
        (,, uint256[] memory shares, bool moved) = abi.decode(last.data, (uint8, uint256, uint256[], bool));
        assertEq(shares.length, 2, "each strategy");
        assertEq(shares[0], HELD / 5, "shares as the core returned them");
        assertTrue(moved, "moved");
    }

    function test_theSameOffenceIsSlashedOnce() external {
        _equivocate(1, N);
        bytes memory a = _header(N, RIGHT);
        bytes memory b = _header(N, keccak256("a third outcome"));
        (bytes memory signatureA, bytes memory signatureB) = (_sign(1, a), _sign(1, b));
        vm.expectRevert(abi.encodeWithSelector(Punishments.AlreadyPunished.selector, slasher.offenceId(1, N)));
        slasher.proveEquivocation(1, a, signatureA, b, signatureB);
        assertEq(core.slashCount(), 1, "one slash");
    }

    function test_theSameHeaderTwiceIsNoFault() external {
        bytes memory a = _header(N, RIGHT);
        bytes memory signature = _sign(1, a);
        vm.expectRevert(Evidence.NoFault.selector);
        slasher.proveEquivocation(1, a, signature, a, signature);
    }

    function test_headersOfTwoRoundsAreNoFault() external {
        (bytes memory a, bytes memory b) = (_header(N, RIGHT), _header(N + 1, WRONG));
        (bytes memory signatureA, bytes memory signatureB) = (_sign(1, a), _sign(1, b));
        vm.expectRevert(Evidence.NoFault.selector);
        slasher.proveEquivocation(1, a, signatureA, b, signatureB);
    }

    function test_bothSignaturesMustBeTheOperators() external {
        (bytes memory a, bytes memory b) = (_header(N, RIGHT), _header(N, WRONG));
        (bytes memory ours, bytes memory theirs) = (_sign(1, a), _sign(2, b));
        vm.expectRevert(Evidence.BadSignature.selector);
        slasher.proveEquivocation(1, a, ours, b, theirs);
        vm.expectRevert(Evidence.BadSignature.selector);
        slasher.proveEquivocation(2, a, ours, b, theirs);
    }

    /// @dev Forged signatures whose errors cancel in the sum must not convict: each is checked alone.
    function test_signaturesThatOnlyFitTogetherConvictNobody() external {
        (bytes memory a, bytes memory b) = (_header(N, RIGHT), _header(N, WRONG));
        bytes memory shift = BlsKit.sign(99, BLS12381.DST_VOTE, keccak256("shift"));
        bytes memory back = BlsKit.sign(
            0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001 - 99,
            BLS12381.DST_VOTE,
            keccak256("shift")
        );
        bytes memory signatureA = BlsKit.addG1(_sign(1, a), shift);
        bytes memory signatureB = BlsKit.addG1(_sign(1, b), back);
        vm.expectRevert(Evidence.BadSignature.selector);
        slasher.proveEquivocation(1, a, signatureA, b, signatureB);
    }

    function test_unknownOperatorsAreRefused() external {
        (bytes memory a, bytes memory b) = (_header(N, RIGHT), _header(N, WRONG));
        (bytes memory signatureA, bytes memory signatureB) = (_sign(1, a), _sign(1, b));
        vm.expectRevert(abi.encodeWithSelector(OperatorBook.UnknownIndex.selector, uint32(3)));
        slasher.proveEquivocation(3, a, signatureA, b, signatureB);
    }

    function _expectWrongDomain(Headers.Domain memory d) private {
        (bytes memory a, bytes memory b) = (_header(d, N, RIGHT), _header(d, N, WRONG));
        (bytes memory signatureA, bytes memory signatureB) = (_sign(1, a), _sign(1, b));
        vm.expectRevert(Evidence.WrongDomain.selector);
        slasher.proveEquivocation(1, a, signatureA, b, signatureB);
    }

    function test_headersOfAnotherDeploymentConvictNobody() external {
        Headers.Domain memory d = _domain();
        d.l1ChainId += 1;
        _expectWrongDomain(d);
        d = _domain();
        d.l2ChainId += 1;
        _expectWrongDomain(d);
        d = _domain();
        d.rounds = address(0x2223);
        _expectWrongDomain(d);
        d = _domain();
        d.avs = address(0x2223);
        _expectWrongDomain(d);
        d = _domain();
        d.operatorSet += 1;
        _expectWrongDomain(d);
    }

    function test_headersOfAnotherLengthConvictNobody() external {
        (bytes memory a, bytes memory b) = (_header(N, RIGHT), bytes.concat(_header(N, RIGHT), hex"00"));
        (bytes memory signatureA, bytes memory signatureB) = (_sign(1, a), _sign(1, b));
        vm.expectRevert(Evidence.WrongDomain.selector);
        slasher.proveEquivocation(1, a, signatureA, b, signatureB);
    }

    function test_evidenceIsTakenUntilTheWindowEnds() external {
        uint256 until = _close(N) + 10 minutes + 2 days + 1 days + 6.4 days;
        assertEq(slasher.evidenceUntil(N), until, "window");
        vm.warp(until + 1);
        (bytes memory a, bytes memory b) = (_header(N, RIGHT), _header(N, WRONG));
        (bytes memory signatureA, bytes memory signatureB) = (_sign(1, a), _sign(1, b));
        vm.expectRevert(abi.encodeWithSelector(Evidence.EvidenceTooLate.selector, until));
        slasher.proveEquivocation(1, a, signatureA, b, signatureB);
        vm.warp(until);
        slasher.proveEquivocation(1, a, signatureA, b, signatureB);
    }

    function testFuzz_noRoundNumberOverflows(uint64 n) external {
        vm.warp(GENESIS);
        _equivocate(1, n);
        assertEq(core.slashCount(), 1, "slashed");
    }

    function test_whoLeftIsSlashedWhileTheCoreAllowsIt() external {
        core.deregister(_operator(1), address(manager), _ids(SET_ID));
        _equivocate(1, N);
        assertEq(_left(1), HELD * 8 / 10, "a fifth is gone");
    }

    // --- a slash that moves nothing ---

    function test_anEmptySlashIsRecordedAndEjects() external {
        core.setStake(_operator(1), STRATEGY_A, 0);
        core.setStake(_operator(1), STRATEGY_B, 0);
        vm.recordLogs();
        _equivocate(1, N);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        bool seen = false;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != ISlasher.OperatorSlashed.selector) continue;
            (,,, bool moved) = abi.decode(logs[i].data, (uint8, uint256, uint256[], bool));
            assertTrue(!moved, "not moved");
            seen = true;
        }
        assertTrue(seen, "recorded");
        (, bool registered) = manager.operatorAt(1);
        assertTrue(!registered, "ejected");
    }

    function test_whoCannotBeSlashedAnyMoreIsRecordedAndEjected() external {
        core.setSlashable(_operator(1), false);
        _equivocate(1, N);
        (ISlasher.Offence offence,) = slasher.offenceOf(1, N);
        assertTrue(offence == ISlasher.Offence.Equivocation, "recorded");
        (, bool registered) = manager.operatorAt(1);
        assertTrue(!registered, "ejected");
    }

    function test_oneWeiIsEnoughToMove() external {
        core.setStake(_operator(1), STRATEGY_A, 1);
        core.setStake(_operator(1), STRATEGY_B, 0);
        _equivocate(1, N);
        (, bool registered) = manager.operatorAt(1);
        assertTrue(registered, "slashed, not ejected");
    }

    // --- divergence ---

    function test_aChargeWaitsForL2sWord() external {
        bytes32 id = _charge(1, N);
        vm.expectRevert(abi.encodeWithSelector(Slasher.NoWordYet.selector, N));
        slasher.execute(id);
        assertEq(_left(1), HELD, "nothing yet");
        _stands(N);
        slasher.execute(id);
        assertEq(_left(1), HELD * 99 / 100, "a hundredth is gone");
        vm.expectRevert(abi.encodeWithSelector(Slasher.NoCharge.selector, id));
        slasher.execute(id);
    }

    function _expectLapse(bytes32 id) private {
        slasher.execute(id);
        assertEq(_left(1), HELD, "nothing is gone");
        (ISlasher.Offence offence,) = slasher.offenceOf(1, N);
        assertTrue(offence == ISlasher.Offence.None, "no offence");
        vm.expectRevert(abi.encodeWithSelector(Slasher.NoCharge.selector, id));
        slasher.execute(id);
    }

    function test_aWordAboutAnotherHeaderLetsTheChargeLapse() external {
        bytes32 id = _charge(1, N);
        _word(N, keccak256("another header"), 1);
        _expectLapse(id);
    }

    function test_otherVerdictsLetTheChargeLapse() external {
        bytes32 id = _charge(1, N);
        _word(N, sha256(_header(N, RIGHT)), 2);
        _expectLapse(id);
    }

    function test_silenceLetsTheChargeLapse() external {
        bytes32 id = _charge(1, N);
        uint256 end = slasher.evidenceUntil(N) + 1 days;
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(Slasher.NoWordYet.selector, N));
        slasher.execute(id);
        vm.warp(end + 1);
        _expectLapse(id);
    }

    function test_aWordThatComesTooLateConvictsNobody() external {
        bytes32 id = _charge(1, N);
        vm.warp(slasher.evidenceUntil(N) + 1 days + 1);
        _stands(N);
        _expectLapse(id);
    }

    function test_aChargeAboutAnInventedHeaderTakesNoPlace() external {
        bytes memory other = _header(N, WRONG);
        bytes memory signature = _sign(1, other);
        bytes32 invented = slasher.chargeDivergence(1, _header(N, keccak256("invented")), other, signature);
        bytes32 real = _charge(1, N);
        _stands(N);
        slasher.execute(invented);
        assertEq(_left(1), HELD, "the invented one lapsed");
        slasher.execute(real);
        assertEq(_left(1), HELD * 99 / 100, "the real one did not");
    }

    function test_chargesAreStoredOnce() external {
        bytes32 id = _charge(1, N);
        bytes memory other = _header(N, WRONG);
        bytes memory certified = _header(N, RIGHT);
        bytes memory signature = _sign(1, other);
        vm.expectRevert(abi.encodeWithSelector(Slasher.ChargeKnown.selector, id));
        slasher.chargeDivergence(1, certified, other, signature);
        _stands(N);
        slasher.execute(id);
        vm.expectRevert(abi.encodeWithSelector(Slasher.ChargeKnown.selector, id));
        slasher.chargeDivergence(1, certified, other, signature);
    }

    function test_otherInputsAreNoDivergence() external {
        bytes memory certified = _header(N, RIGHT);
        bytes memory other = Headers.encode(
            Headers.prefix(_domain()), Headers.Body(N, 78, keccak256("fork"), keccak256("policy"), 0, 0, WRONG)
        );
        bytes memory signature = _sign(1, other);
        vm.expectRevert(Evidence.NoFault.selector);
        slasher.chargeDivergence(1, certified, other, signature);
    }

    function test_theCertifiedHeaderItselfIsNoDivergence() external {
        bytes memory certified = _header(N, RIGHT);
        bytes memory signature = _sign(1, certified);
        vm.expectRevert(Evidence.NoFault.selector);
        slasher.chargeDivergence(1, certified, certified, signature);
    }

    function test_aDivergenceNeedsTheOperatorsSignature() external {
        (bytes memory certified, bytes memory other) = (_header(N, RIGHT), _header(N, WRONG));
        bytes memory signature = _sign(2, other);
        vm.expectRevert(Evidence.BadSignature.selector);
        slasher.chargeDivergence(1, certified, other, signature);
    }

    function test_aDivergenceIsChargedInTheWindow() external {
        (bytes memory certified, bytes memory other) = (_header(N, RIGHT), _header(N, WRONG));
        bytes memory signature = _sign(1, other);
        uint256 until = slasher.evidenceUntil(N);
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(Evidence.EvidenceTooLate.selector, until));
        slasher.chargeDivergence(1, certified, other, signature);
    }

    // --- one offence, two classes ---

    function test_theGraverClassSlashesTheDifference() external {
        bytes32 id = _charge(1, N);
        _stands(N);
        slasher.execute(id);
        _equivocate(1, N);
        // 20 % of all that there was, in two steps, each rounded up.
        assertEq(_left(1), HELD * 8 / 10 - 1, "a fifth in all");
        (ISlasher.Offence offence, uint256 wad) = slasher.offenceOf(1, N);
        assertTrue(offence == ISlasher.Offence.Equivocation, "the graver");
        assertEq(wad, 0.2e18, "share");
        assertEq(slasher.lostIn(1, 2), 0.2e18, "counted once");
    }

    function test_theLighterClassAddsNothing() external {
        bytes32 id = _charge(1, N);
        _equivocate(1, N);
        _stands(N);
        vm.expectRevert(abi.encodeWithSelector(Punishments.AlreadyPunished.selector, slasher.offenceId(1, N)));
        slasher.execute(id);
    }

    // --- cap, guardian, sunset ---

    function test_lossesOfOneEpochAreCapped() external {
        _equivocate(1, N);
        _equivocate(1, N + 1);
        assertEq(slasher.lostIn(1, 2), 0.3e18, "the cap");
        uint256 left = _left(1);
        assertEq(left, HELD * 8 / 10 * 9 / 10, "a fifth, then a tenth");
        _equivocate(1, N + 2);
        assertEq(_left(1), left, "no more");
        (ISlasher.Offence offence, uint256 wad) = slasher.offenceOf(1, N + 2);
        assertTrue(offence == ISlasher.Offence.Equivocation, "recorded");
        assertEq(wad, 0, "for nothing");
        (, bool registered) = manager.operatorAt(1);
        assertTrue(!registered, "and out");
    }

    function test_otherEpochsAndOperatorsHaveTheirOwnCap() external {
        _equivocate(1, N);
        _equivocate(1, N + 1);
        _equivocate(2, N);
        assertEq(_left(2), HELD * 8 / 10, "another operator");
        _equivocate(1, N + 1440);
        assertEq(slasher.lostIn(1, 3), 0.2e18, "another epoch");
    }

    function test_theCapEndsWithTheSunset() external {
        uint64 n = uint64(365 days / 60);
        vm.warp(_close(n));
        _equivocate(1, n);
        _equivocate(1, n + 1);
        assertEq(slasher.lostIn(1, 365), 0.4e18, "no cap");
    }

    function test_theGuardianCancelsCharges() external {
        bytes32 id = _charge(1, N);
        vm.expectRevert(abi.encodeWithSelector(Punishments.NotGuardian.selector, address(this)));
        slasher.cancel(id);
        vm.prank(GUARDIAN);
        slasher.cancel(id);
        _stands(N);
        vm.expectRevert(abi.encodeWithSelector(Slasher.NoCharge.selector, id));
        slasher.execute(id);
        bytes memory other = _header(N, WRONG);
        bytes memory certified = _header(N, RIGHT);
        bytes memory signature = _sign(1, other);
        vm.expectRevert(abi.encodeWithSelector(Slasher.ChargeKnown.selector, id));
        slasher.chargeDivergence(1, certified, other, signature);
    }

    function test_theGuardianMakesNoCharges() external {
        vm.startPrank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(Slasher.NoCharge.selector, bytes32(uint256(1))));
        slasher.cancel(bytes32(uint256(1)));
        vm.stopPrank();
    }

    function test_theGuardianGoesAtTheSunset() external {
        uint64 n = uint64(365 days / 60);
        vm.warp(_close(n));
        bytes32 id = _charge(1, n);
        uint64 sunset = slasher.sunset();
        vm.startPrank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(Punishments.GuardianGone.selector, sunset));
        slasher.cancel(id);
        vm.stopPrank();
    }

    function test_theSunsetIsNotFarAway() external {
        uint256 latest = block.timestamp + 366 days;
        Beacon memory beacon = _beacon();
        vm.expectRevert(abi.encodeWithSelector(Punishments.SunsetTooFar.selector, latest + 1, latest));
        new Slasher(
            address(manager), address(this), L2_CHAIN, ROUNDS, GUARDIAN, uint64(latest + 1), beacon, HEALTH_EPOCH
        );
    }

    // --- L2's word ---

    function test_onlyTheBridgeSpeaksForL2() external {
        vm.prank(address(0xbad));
        vm.expectRevert(abi.encodeWithSelector(Slasher.NotBridge.selector, address(0xbad)));
        slasher.receiveMessage(abi.encodePacked(N, bytes32(0), uint8(1)));
    }

    function test_theFirstWordStands() external {
        _stands(N);
        vm.expectRevert(abi.encodeWithSelector(Verdicts.WordStands.selector, N));
        slasher.receiveMessage(abi.encodePacked(N, keccak256("other"), uint8(1)));
        (bytes32 digest, uint8 verdict) = slasher.wordOf(N);
        assertEq(digest, sha256(_header(N, RIGHT)), "digest");
        assertEq(verdict, 1, "verdict");
    }

    function testFuzz_malformedWordsAreRefused(bytes memory payload) external {
        vm.assume(payload.length != 41);
        vm.expectRevert(Verdicts.BadMessage.selector);
        slasher.receiveMessage(payload);
        vm.expectRevert(Verdicts.BadMessage.selector);
        slasher.receiveMessage(new bytes(41));
    }

    // --- hostile bytes, want of gas ---

    function testFuzz_hostileBytesNeverConvict(uint16 position, uint8 change, uint8 part) external {
        (bytes memory a, bytes memory b) = (_header(N, RIGHT), _header(N, WRONG));
        bytes[4] memory parts = [a, _sign(1, a), b, _sign(1, b)];
        bytes memory target = parts[part % 4];
        target[position % target.length] ^= bytes1(uint8(bound(change, 1, 255)));
        (bool ok,) = address(slasher)
            .call(abi.encodeCall(slasher.proveEquivocation, (1, parts[0], parts[1], parts[2], parts[3])));
        assertTrue(!ok, "refused");
        assertEq(_left(1), HELD, "nothing is gone");
    }

    function testFuzz_arbitraryBytesNeverConvict(bytes memory a, bytes memory sa, bytes memory b, bytes memory sb)
        external
    {
        (bool ok,) = address(slasher).call(abi.encodeCall(slasher.proveEquivocation, (1, a, sa, b, sb)));
        assertTrue(!ok, "refused");
        (ok,) = address(slasher).call(abi.encodeCall(slasher.chargeDivergence, (1, a, b, sa)));
        assertTrue(!ok, "refused");
    }

    function test_wantOfGasNeverDecides() external {
        (bytes memory a, bytes memory b) = (_header(N, RIGHT), _header(N, WRONG));
        bytes memory good = abi.encodeCall(slasher.proveEquivocation, (1, a, _sign(1, a), b, _sign(1, b)));
        bytes memory bad = abi.encodeCall(slasher.proveEquivocation, (1, a, _sign(1, a), b, _sign(2, b)));
        uint256 snapshot = vm.snapshotState();
        uint256 convicted;
        for (uint256 gas = 5_000; gas < 750_000; gas += 3_719) {
            (bool ok, bytes memory reason) = address(slasher).call{gas: gas}(good);
            assertTrue(ok || bytes4(reason) != Evidence.BadSignature.selector, "a good proof is never called bad");
            assertEq(_left(1), ok ? HELD * 8 / 10 : HELD, "all or nothing");
            if (ok) {
                ++convicted;
                (bool known,) = manager.indexOf(_operator(1));
                assertTrue(known, "still known");
            }
            vm.revertToState(snapshot);
            snapshot = vm.snapshotState();
            (ok,) = address(slasher).call{gas: gas}(bad);
            assertTrue(!ok, "a bad proof never convicts");
        }
        assertTrue(convicted > 10, "some had enough");
    }

    function test_gasOfEquivocation() external {
        (bytes memory a, bytes memory b) = (_header(N, RIGHT), _header(N, WRONG));
        (bytes memory signatureA, bytes memory signatureB) = (_sign(1, a), _sign(1, b));
        uint256 before = gasleft();
        slasher.proveEquivocation(1, a, signatureA, b, signatureB);
        uint256 used = before - gasleft();
        emit log_named_uint("proveEquivocation, core not counted", used);
        assertLe(used, 480_000, "gas of a slash");
    }
}
