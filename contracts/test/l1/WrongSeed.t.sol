// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ISlasher} from "../../src/interfaces/ISlasher.sol";
import {Evidence} from "../../src/l1/Evidence.sol";
import {Beacon, Seeds} from "../../src/l1/Seeds.sol";
import {Slasher} from "../../src/l1/Slasher.sol";
import {TimesLib} from "../../src/l1/Times.sol";
import {Verdicts} from "../../src/l1/Verdicts.sol";
import {BLS12381} from "../../src/lib/BLS12381.sol";
import {Headers} from "../../src/lib/Headers.sol";
import {BlsKit} from "../BlsKit.sol";
import {VerdictBase} from "./VerdictBase.sol";

contract WrongSeedTest is VerdictBase {
    bytes32 private constant CHOSEN = keccak256("a seed that somebody chose");

    function setUp() external {
        _start(2);
    }

    function _isNoFault(bytes memory header, bytes memory signature) private {
        vm.expectRevert(Evidence.NoFault.selector);
        slasher.proveWrongSeed(header, signature);
    }

    // --- fault ---

    function test_theBeaconsSignatureRefutesAnotherSeed() external {
        bytes memory header = _withSeed(CHOSEN);
        slasher.proveWrongSeed(header, _beaconSignature(N));
        assertTrue(slasher.verdictOf(N, sha256(header)) == ISlasher.Offence.WrongSeed, "judged");
    }

    function test_aSeedFromASignatureThatIsNotTheBeaconsIsRefuted() external {
        bytes memory forged = _compressed(BlsKit.sign(78, BLS12381.DST_DRAND, keccak256("nothing")));
        bytes memory header = _withSeed(_seed(N, forged));
        slasher.proveWrongSeed(header, forged);
        assertTrue(slasher.verdictOf(N, sha256(header)) == ISlasher.Offence.WrongSeed, "judged");
    }

    function test_aSeedFromAnotherRoundsBeaconIsRefuted() external {
        bytes memory other = _beaconSignature(N + 1);
        bytes memory header = _withSeed(_seed(N, other));
        slasher.proveWrongSeed(header, other);
        assertTrue(slasher.verdictOf(N, sha256(header)) == ISlasher.Offence.WrongSeed, "judged");
    }

    /// @dev Total over the accused's bytes: 48 that are no point of any kind refute the seed that they give.
    function testFuzz_aSeedFromAny48BytesIsRefuted(bytes32 a, bytes16 b) external {
        bytes memory noise = bytes.concat(a, b);
        bytes memory header = _withSeed(_seed(N, noise));
        slasher.proveWrongSeed(header, noise);
        assertTrue(slasher.verdictOf(N, sha256(header)) == ISlasher.Offence.WrongSeed, "judged");
    }

    /// @dev The beacon's point with the other sign, or with its mark of compression gone, is not its signature.
    function test_aVariantOfTheBeaconsSignatureIsNotTheBeacons() external {
        for (uint256 bit = 0x20; bit < 0x100; bit <<= 1) {
            bytes memory variant = _beaconSignature(N);
            variant[0] ^= bytes1(uint8(bit));
            bytes memory header = _withSeed(_seed(N, variant));
            slasher.proveWrongSeed(header, variant);
            assertTrue(slasher.verdictOf(N, sha256(header)) == ISlasher.Offence.WrongSeed, "judged");
        }
    }

    function test_itsSignersAreSlashedAtOnce() external {
        bytes memory header = _withSeed(CHOSEN);
        slasher.proveSigners(header, hex"01", _signBy(hex"01", header));
        slasher.proveWrongSeed(header, _beaconSignature(N));
        slasher.executeVerdict(sha256(header), 0);
        assertEq(_left(0), HELD * 9 / 10, "a tenth is gone");
        assertEq(_left(1), HELD, "nobody else's");
    }

    // --- no fault ---

    function test_theRightSeedIsNoFault() external {
        _isNoFault(_header(RIGHT), _beaconSignature(N));
    }

    function testFuzz_noBytesRefuteTheRightSeed(bytes32 a, bytes16 b, bytes memory other) external {
        _isNoFault(_header(RIGHT), bytes.concat(a, b));
        _isNoFault(_header(RIGHT), other);
    }

    /// @dev Nobody shows a wrong seed by a signature of the beacon for another round.
    function testFuzz_otherRoundsOfTheBeaconRefuteNothing(uint64 n) external {
        n = uint64(bound(n, 0, 1 << 40));
        vm.assume(_beaconRound(n) != _beaconRound(N));
        _isNoFault(_header(RIGHT), _beaconSignature(n));
        _isNoFault(_withSeed(CHOSEN), _beaconSignature(n));
    }

    function test_signaturesOfAnotherLengthRefuteNothing() external {
        bytes memory signature = _beaconSignature(N);
        _isNoFault(_withSeed(CHOSEN), bytes.concat(signature, hex"00"));
        _isNoFault(_withSeed(CHOSEN), "");
    }

    function test_theVerdictIsAboutThisHeaderOnly() external {
        bytes memory header = _withSeed(CHOSEN);
        slasher.proveWrongSeed(header, _beaconSignature(N));
        assertTrue(slasher.verdictOf(N + 1, sha256(header)) == ISlasher.Offence.None, "another round");
        assertTrue(slasher.verdictOf(N, _digest(RIGHT)) == ISlasher.Offence.None, "another header");
    }

    // --- once, in time, of this deployment ---

    function test_aHeaderIsJudgedOnce() external {
        bytes memory header = _withSeed(CHOSEN);
        bytes memory signature = _beaconSignature(N);
        slasher.proveWrongSeed(header, signature);
        vm.expectRevert(abi.encodeWithSelector(Verdicts.VerdictStands.selector, sha256(header)));
        slasher.proveWrongSeed(header, signature);
    }

    function test_wrongSeedsAreJudgedUntilTheWindowEnds() external {
        bytes memory header = _withSeed(CHOSEN);
        bytes memory signature = _beaconSignature(N);
        uint256 until = slasher.evidenceUntil(N);
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(Evidence.EvidenceTooLate.selector, until));
        slasher.proveWrongSeed(header, signature);
        vm.warp(until);
        slasher.proveWrongSeed(header, signature);
    }

    function test_headersOfAnotherDeploymentAreNotJudged() external {
        Headers.Domain memory d = _domain();
        d.l2ChainId += 1;
        bytes memory header = _header(d, N, RIGHT, CHOSEN);
        bytes memory signature = _beaconSignature(N);
        vm.expectRevert(Evidence.WrongDomain.selector);
        slasher.proveWrongSeed(header, signature);
    }

    /// @dev Whatever number stands in a header, the answer is one of the two.
    function testFuzz_noRoundNumberOverflows(uint64 n) external {
        vm.warp(GENESIS);
        bytes memory header = _header(_domain(), n, RIGHT, CHOSEN);
        _isNoFault(header, new bytes(48));
    }

    function testFuzz_beaconRoundsAreThoseOfTheSchedule(uint64 n) external view {
        uint256 r = slasher.beaconRound(n);
        uint256 earliest = GENESIS + uint256(n) * 60 + 20;
        uint256 time = GENESIS - 1_000 + (r - 1) * 3;
        assertTrue(time >= earliest && time < earliest + 3, "the first one at or after it");
    }

    function test_wantOfGasNeverDecides() external {
        bytes memory right = abi.encodeCall(slasher.proveWrongSeed, (_header(RIGHT), _beaconSignature(N)));
        bytes memory wrong = abi.encodeCall(slasher.proveWrongSeed, (_withSeed(CHOSEN), _beaconSignature(N)));
        uint256 snapshot = vm.snapshotState();
        uint256 convicted;
        for (uint256 gas = 5_000; gas < 400_000; gas += 1_719) {
            (bool ok, bytes memory reason) = address(slasher).call{gas: gas}(wrong);
            assertTrue(ok || bytes4(reason) != Evidence.NoFault.selector, "a fault is never called none");
            if (ok) ++convicted;
            vm.revertToState(snapshot);
            snapshot = vm.snapshotState();
            (ok,) = address(slasher).call{gas: gas}(right);
            assertTrue(!ok, "the right seed is never a fault");
        }
        assertTrue(convicted > 10, "some had enough");
    }

    // --- the beacon's figures ---

    function _deployWith(Beacon memory beacon) private returns (Slasher) {
        return
            new Slasher(
                address(manager), address(this), L2_CHAIN, ROUNDS, GUARDIAN, uint64(GENESIS), beacon, HEALTH_EPOCH
            );
    }

    function test_aBeaconKeyMustBeAKey() external {
        Beacon memory beacon = _beacon();
        beacon.key = new bytes(192);
        vm.expectRevert(Seeds.BadBeaconKey.selector);
        _deployWith(beacon);
        beacon.key = new bytes(191);
        vm.expectRevert(Seeds.BadBeaconKey.selector);
        _deployWith(beacon);
        beacon = _beacon();
        beacon.key[191] ^= 0x01;
        vm.expectRevert(Seeds.BadBeaconKey.selector);
        _deployWith(beacon);
    }

    function test_aBeaconPeriodMustNotBeZero() external {
        Beacon memory beacon = _beacon();
        beacon.period = 0;
        vm.expectRevert(TimesLib.ZeroDuration.selector);
        _deployWith(beacon);
    }

    /// @dev The same arithmetic and bytes as L2's, against drand's own: round 1 for all closes before its genesis.
    function test_beforeTheBeaconsGenesisItsFirstRoundCounts() external {
        Beacon memory beacon = _beacon();
        beacon.genesis = GENESIS + 1_000_000;
        assertEq(_deployWith(beacon).beaconRound(0), 1, "the first");
    }
}
