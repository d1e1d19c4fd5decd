// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IHealth} from "../../src/interfaces/IHealth.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {BeaconJudge} from "../../src/l2/BeaconJudge.sol";
import {Health} from "../../src/l2/Health.sol";
import {HealthClock} from "../../src/l2/HealthClock.sol";
import {Providers} from "../../src/l2/Providers.sol";
import {CodePages} from "../../src/lib/CodePages.sol";
import {Waits} from "../../src/lib/Waits.sol";
import {vm2} from "../l2/Vm2.sol";
import {HealthKit} from "./HealthKit.sol";
import {MockRounds} from "./HealthMocks.sol";

/// @notice Opening epochs, and when they are settled.
contract HealthClockTest is HealthKit {
    function test_anEpochIsOpenedByItsBeacon() external {
        vm.warp(_start(2));
        bytes memory signature = _beacon(2);
        vm.expectEmit();
        emit IHealth.EpochOpened(2, sha256(signature), signature);
        health.openEpoch(2, signature);
        assertEq(health.randomnessOf(2), sha256(signature), "randomness");
    }

    function test_theBeaconRoundIsTheFirstThatIsNotBeforeTheStart() external view {
        for (uint32 e; e < 20; ++e) {
            uint64 r = health.beaconRoundOf(e);
            assertTrue(BEACON_GENESIS + (r - 1) * BEACON_PERIOD >= health.epochStart(e), "not before");
            assertTrue(BEACON_GENESIS + (r - 2) * BEACON_PERIOD < health.epochStart(e), "the first");
        }
    }

    function test_anotherRoundsBeaconOpensNothing() external {
        vm.warp(_start(2));
        bytes memory other = _beacon(1);
        vm.expectRevert(abi.encodeWithSelector(HealthClock.BadBeacon.selector, health.beaconRoundOf(2)));
        health.openEpoch(2, other);
    }

    function test_anEpochIsOpenedOnce() external {
        _open(0);
        bytes memory signature = _beacon(0);
        vm.expectRevert(abi.encodeWithSelector(HealthClock.AlreadyOpen.selector, 0));
        health.openEpoch(0, signature);
    }

    function test_anEpochIsNotOpenedBeforeItsPolicyIsFixed() external {
        vm.warp(_start(1) - 1);
        bytes memory signature = _beacon(1);
        vm2.expectPartialRevert(HealthClock.OutOfTime.selector);
        health.openEpoch(1, signature);
    }

    function test_aSettledEpochIsNotOpened() external {
        vm.warp(_start(2));
        bytes memory signature = _beacon(0);
        vm.expectRevert(abi.encodeWithSelector(HealthClock.AlreadySettled.selector, 0));
        health.openEpoch(0, signature);
        vm.warp(_start(2) - 1);
        health.openEpoch(0, signature);
    }

    function test_anEpochThatNobodyOpenedIsSettledAnEpochLater() external {
        vm.warp(_start(2) - 1);
        assertEq(health.settledUntil(), GENESIS, "it may still be opened");
        vm.warp(_start(2));
        assertEq(health.settledUntil(), _start(1), "nothing can be said of it any more");
    }

    function test_orSoonerIfItsWaitsAreOver() external {
        rounds.addPolicy(_policy(10, 20), 1);
        vm.warp(_start(2) + 29);
        assertEq(health.settledUntil(), _start(1), "receipts could be taken");
        vm.warp(_start(2) + 30);
        assertEq(health.settledUntil(), _start(2), "and now they could not");
        bytes memory signature = _beacon(1);
        vm.expectRevert(abi.encodeWithSelector(HealthClock.AlreadySettled.selector, 1));
        health.openEpoch(1, signature);
    }

    function test_settledIsWhatNoReceiptReachesAnyMore() external {
        _open(0);
        _open(1);
        for (uint32 e = 1; e < 6; ++e) {
            _open(e + 1); // so that it waits for receipts too
            uint64 last = health.appealableUntil(e);
            assertEq(last, _start(e + 1) - 1 + CERTIFY + APPEAL, "last second");
            vm.warp(last);
            assertEq(health.settledUntil(), _start(e), "not settled in it");
            vm.warp(last + 1);
            assertEq(health.settledUntil(), _start(e + 1), "settled after it");
        }
    }

    /// @dev Under the first policy epochs wait for eight of them and more, under the second for a third of one.
    function test_aPolicyOfShorterWaitsBringsNothingBack() external {
        rounds.addPolicy(_policy(100, 8 * LENGTH), 1);
        rounds.addPolicy(_policy(100, 100), uint64(12 * LENGTH / PERIOD));
        vm.warp(_start(12) + 10);
        uint64 settled = health.settledUntil();
        health.openEpoch(11, _beacon(11));
        assertEq(health.settledUntil(), settled, "as before");
        bytes memory signature = _beacon(10);
        vm.expectRevert(abi.encodeWithSelector(HealthClock.AlreadySettled.selector, 10));
        health.openEpoch(10, signature);
        vm.warp(_start(12) + 8 * LENGTH + 99);
        assertEq(health.settledUntil(), _start(11), "epoch 11 waits as its policy says");
    }

    function test_nothingIsSettledBeforeTheFirstEpoch() external {
        vm.warp(GENESIS - 10);
        assertEq(health.settledUntil(), GENESIS, "its start");
    }

    /// @dev Waits of 900 seconds up to epoch 3, of 20 from epoch 4 on: epoch 4's are over before epoch 3's.
    function test_aShorterWaitDoesNotSettleWhatStillWaits() external {
        rounds.addPolicy(_policy(10, 10), 40);
        _down(3, M, 1);
        vm.warp(_start(5) + 50);
        assertTrue(health.appealableUntil(4) < block.timestamp, "epoch 4's waits are over");
        assertTrue(health.appealableUntil(3) >= block.timestamp, "epoch 3's are not");
        assertEq(health.settledUntil(), _start(3), "so epoch 3 holds both up");
        vm.warp(health.appealableUntil(3) + 1);
        assertEq(health.settledUntil(), _start(5), "then both are settled");
    }

    function test_aLongerWaitUnsettlesNothing() external {
        rounds.addPolicy(_policy(5_000, 5_000), 40);
        for (uint32 e; e < 4; ++e) {
            vm.warp(_start(e + 1) + CERTIFY + APPEAL);
            assertTrue(health.settledUntil() >= _start(e + 1), "as under its own policy");
        }
        _open(4);
        vm.warp(_start(5) + 9_999);
        assertEq(health.settledUntil(), _start(4), "epoch 4 waits longer");
        vm.warp(_start(5) + 10_000);
        assertEq(health.settledUntil(), _start(20), "and is settled, with what nobody opened");
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_whatIsSettledStaysSettled(uint256[4] memory waits, uint256 openMask, uint256[12] memory times)
        external
    {
        for (uint64 i; i < 4; ++i) {
            rounds.addPolicy(_policy(uint32(bound(waits[i], 1, 900)), uint32(bound(waits[i] >> 32, 1, 2_000))), 20 * i);
        }
        uint64 before;
        uint256 time = GENESIS;
        for (uint256 i; i < 12; ++i) {
            time += bound(times[i], 0, 900);
            vm.warp(time);
            _mayOpen(openMask >> 4 * i);
            uint64 settled = health.settledUntil();
            assertTrue(settled >= before, "never goes back");
            for (uint32 e; _start(e + 1) <= settled; ++e) {
                if (health.randomnessOf(e) != 0) assertTrue(health.appealableUntil(e) < time, "its waits are over");
            }
            before = settled;
        }
    }

    /// @dev Opens the present epoch, or one of the seven before it, unless that is settled.
    function _mayOpen(uint256 dice) private {
        uint32 epoch = uint32((vm.getBlockTimestamp() - GENESIS) / LENGTH);
        if (dice & 1 == 0 || epoch < (dice >> 1 & 7)) return;
        epoch -= uint32(dice >> 1 & 7);
        if (health.randomnessOf(epoch) != 0) return;
        bool settled = _start(epoch + 1) <= health.settledUntil();
        try health.openEpoch(epoch, _beacon(epoch)) {
            assertTrue(!settled, "it was settled");
        } catch {}
    }

    function test_theKeyMustBeOne() external {
        HealthClock.Links memory links = _links(address(0));
        links.beaconKeyPage = CodePages.write(new bytes(192));
        vm.expectRevert(BeaconJudge.BadBeaconKey.selector);
        new Health(links);
    }

    function test_anEpochIsNoShorterThanARound() external {
        HealthClock.Links memory links = _links(address(0));
        IRounds.Schedule memory s = _schedule();
        s.period = LENGTH + 1;
        links.rounds = IRounds(address(new MockRounds(s, _policy(CERTIFY, APPEAL))));
        vm.expectRevert(abi.encodeWithSelector(HealthClock.EpochTooShort.selector, LENGTH, LENGTH + 1));
        new Health(links);
    }

    /// @dev Else a provider took its stake out before its machine could be slashed.
    function test_stakeStaysUntilTwoEpochsAreSettled() external {
        HealthClock.Links memory links = _links(address(0));
        uint32 least = 2 * LENGTH + CERTIFY + APPEAL + 1;
        links.providers = new Providers(token, least - 1, address(this), address(0));
        vm.expectRevert(abi.encodeWithSelector(Waits.UnbondingTooShort.selector, least - 1, least));
        new Health(links);
        links.providers = new Providers(token, least, address(this), address(0));
        new Health(links);
    }

    function test_anEpochKeepsThePolicyOfItsFirstRound() external {
        rounds.addPolicy(_policy(CERTIFY + 7, APPEAL), 11); // epoch 1 begins with round 10
        _open(1);
        _open(2);
        assertEq(health.certifiableUntil(1), _start(2) - 1 + CERTIFY, "the old one");
        assertEq(health.certifiableUntil(2), _start(3) - 1 + CERTIFY + 7, "the new one");
    }
}
