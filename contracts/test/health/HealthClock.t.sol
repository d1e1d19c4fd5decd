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
        vm.warp(_start(1) + CERTIFY + APPEAL);
        bytes memory signature = _beacon(0);
        vm.expectRevert(abi.encodeWithSelector(HealthClock.AlreadySettled.selector, 0));
        health.openEpoch(0, signature);
        vm.warp(_start(1) + CERTIFY + APPEAL - 1);
        health.openEpoch(0, signature);
    }

    function test_settledIsWhatNoReceiptReachesAnyMore() external {
        for (uint32 e = 1; e < 6; ++e) {
            uint64 last = health.appealableUntil(e);
            assertEq(last, _start(e + 1) - 1 + CERTIFY + APPEAL, "last second");
            vm.warp(last);
            assertEq(health.settledUntil(), _start(e), "not settled in it");
            vm.warp(last + 1);
            assertEq(health.settledUntil(), _start(e + 1), "settled after it");
        }
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
        vm.warp(_start(5) + 9_999);
        assertEq(health.settledUntil(), _start(4), "epoch 4 waits longer");
        vm.warp(_start(5) + 10_000);
        assertEq(health.settledUntil(), _start(5), "and is settled");
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
            uint32 current = uint32((time - GENESIS) / LENGTH);
            if (openMask >> i & 1 == 1 && health.randomnessOf(current) == 0) {
                health.openEpoch(current, _beacon(current));
            }
            uint64 settled = health.settledUntil();
            // An epoch that was opened is settled by its own waits only.
            for (uint32 e; _start(e + 1) <= settled; ++e) {
                if (health.randomnessOf(e) != 0) assertTrue(health.appealableUntil(e) < time, "its waits are over");
            }
            for (uint32 e = uint32((before - (before == 0 ? 0 : GENESIS)) / LENGTH); e < current; ++e) {
                if (_start(e + 1) > settled && before >= _start(e + 1)) {
                    assertTrue(health.randomnessOf(e) == 0, "nothing of what was opened comes back");
                }
            }
            before = settled;
        }
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
