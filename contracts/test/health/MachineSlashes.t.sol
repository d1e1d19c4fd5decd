// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IHealth} from "../../src/interfaces/IHealth.sol";
import {Health} from "../../src/l2/Health.sol";
import {HealthClock} from "../../src/l2/HealthClock.sol";
import {MachineSlashes} from "../../src/l2/MachineSlashes.sol";
import {HealthKit} from "./HealthKit.sol";

/// @notice What downtime costs beyond pay.
contract MachineSlashesTest is HealthKit {
    uint64 private constant STAKE = 100_000_000; // millionths

    /// @dev A provider with ten GPUs, two of them M's.
    function setUp() public override {
        super.setUp();
        token.mint(PROVIDER, 1e30);
        vm.startPrank(PROVIDER);
        token.approve(address(providers), type(uint256).max);
        providers.stake(uint256(STAKE) * 1e12);
        vm.stopPrank();
        providers.addGpus(PROVIDER, 10);
    }

    function _settle(uint32 epoch) private {
        vm.warp(_start(epoch + 1) + CERTIFY + APPEAL);
    }

    /// @dev DOWN in epochs 0 and 1, together in three windows; both settled.
    function _downTwice() private {
        _down(0, M, 3);
        _down(1, M, 4);
        _settle(1);
    }

    function _stake() private view returns (uint256 stake) {
        (stake,,,,,) = providers.providerAt(PROVIDER, uint64(block.timestamp));
    }

    function _flags() private view returns (uint8 flags) {
        (, flags) = providers.machineAt(M, uint64(block.timestamp));
    }

    function test_twoEpochsCostItsShareOfTheStake() external {
        _downTwice();
        uint64 share = STAKE * 2 / 10 * SLASH_BPS / 10_000;
        uint64 until = _start(2 + 1 + JAIL_EPOCHS + 1);
        vm.prank(CALLER);
        vm.expectEmit();
        emit IHealth.MachineSlashed(M, PROVIDER, 0, 3, share, share / 2, CALLER, until);
        health.slash(M, 0);
        assertEq(_stake(), STAKE - share, "stake that is left");
        assertEq(token.balanceOf(CALLER), uint256(share / 2) * 1e12, "half is less than the bounty");
        (,,, uint16 slash, uint32 slashEpoch,) = providers.providerAt(PROVIDER, uint64(block.timestamp));
        assertEq(slash, 200, "two percent of the stake");
        assertEq(slashEpoch, 3, "the epoch of the call");
        assertEq(_flags(), 1, "jailed");
    }

    function test_theBountyIsCapped() external {
        vm.prank(PROVIDER);
        providers.stake(uint256(STAKE) * 9e12);
        _downTwice();
        vm.prank(CALLER);
        health.slash(M, 0);
        assertEq(token.balanceOf(CALLER), uint256(BOUNTY) * 1e12, "no more than the policy gives");
    }

    function test_stakeInUnbondingIsTakenToo() external {
        _down(0, M, 3);
        _down(1, M, 4);
        vm.prank(PROVIDER);
        providers.requestUnstake(uint256(STAKE) * 1e12);
        _settle(1);
        health.slash(M, 0);
        (uint64 left,) = providers.leaving(PROVIDER);
        assertEq(left, STAKE - STAKE * 2 / 10 * SLASH_BPS / 10_000, "of what is leaving");
    }

    function test_gpusRegisteredAfterwardsDiluteNothing() external {
        _down(0, M, 3);
        _down(1, M, 4);
        providers.addGpus(PROVIDER, 990);
        _settle(1);
        health.slash(M, 0);
        assertEq(_stake(), STAKE - STAKE * 2 / 10 * SLASH_BPS / 10_000, "as before");
    }

    function test_aMachineThatIsMoreThanWhatIsRegisteredCostsItsWhole() external {
        market.set(M, PROVIDER, 20, 1);
        _downTwice();
        health.slash(M, 0);
        assertEq(_stake(), STAKE - STAKE * SLASH_BPS / 10_000, "no share above one");
    }

    function test_depositsAreForfeitedByTheSameShare() external {
        _downTwice();
        health.slash(M, 0);
        assertEq(escrow.provider(), PROVIDER, "whose");
        assertEq(escrow.bps(), SLASH_BPS * 2 / 10, "the machine's share");
    }

    function test_withoutAnEscrowOnlyStakeIsTaken() external {
        health = new Health(_links(address(0)));
        providers.grantRole(providers.HEALTH(), address(health));
        _downTwice();
        health.slash(M, 0);
        assertEq(escrow.calls(), 0, "nobody was asked");
        assertTrue(_stake() < STAKE, "taken");
    }

    function test_aProviderWithoutStakeGoesToJail() external {
        vm.prank(PROVIDER);
        providers.requestUnstake(uint256(STAKE) * 1e12);
        _down(3, M, 3);
        vm.warp(GENESIS + UNBONDING);
        vm.prank(PROVIDER);
        providers.withdraw();
        _down(4, M, 4);
        _settle(4);
        health.slash(M, 3);
        assertEq(_flags(), 1, "jailed");
        assertEq(escrow.bps(), SLASH_BPS, "of its deposit, where no stake says which share is the machine's");
    }

    function test_whoGrowsAfterwardsLosesNoMore() external {
        _down(0, M, 3);
        _down(1, M, 4);
        vm.prank(PROVIDER);
        providers.stake(uint256(STAKE) * 99e12);
        providers.addGpus(PROVIDER, 990);
        _settle(1);
        health.slash(M, 0);
        assertEq(_stake(), STAKE * 100 - STAKE * 2 / 10 * SLASH_BPS / 10_000, "the share that it was");
    }

    /// @dev What offers register costs nothing. M's two GPUs stand for what their tier asks for, of whatever there is.
    function test_offersPostedBeforehandDiluteToNoLessThanTheTierAsksFor() external {
        providers.addGpus(PROVIDER, 4 * 64 * 255);
        _downTwice();
        health.slash(M, 0);
        assertEq(_stake(), STAKE - 2 * MIN_STAKE * SLASH_BPS / 10_000, "of two GPUs' least stake");
        assertEq(escrow.bps(), SLASH_BPS * 2 / 100, "of the deposit: that of the stake, 2 of 100");
    }

    function test_aStakeBelowWhatTheTierAsksForIsTheMachinesWhole() external {
        vm.prank(PROVIDER);
        providers.requestUnstake(uint256(STAKE) * 1e12);
        vm.warp(GENESIS + UNBONDING);
        vm.startPrank(PROVIDER);
        providers.withdraw();
        providers.stake(uint256(MIN_STAKE) * 1e12); // half of what M's two GPUs need
        vm.stopPrank();
        _down(5, M, 3);
        _down(6, M, 4);
        _settle(6);
        health.slash(M, 5);
        assertEq(_stake(), MIN_STAKE - MIN_STAKE * SLASH_BPS / 10_000, "no share above one");
        assertEq(escrow.bps(), SLASH_BPS, "nor of the deposit");
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_aMachineNeverCostsMoreThanItsProvidersStakeDid(uint32 other, uint64 later, uint64 left) external {
        providers.addGpus(PROVIDER, other % 1e9);
        _down(0, M, 3);
        _down(1, M, 4);
        left = uint64(bound(left, 1, STAKE));
        vm.startPrank(PROVIDER);
        providers.requestUnstake(uint256(left) * 1e12);
        providers.stake(bound(later, 1, 1e15) * 1e12);
        vm.stopPrank();
        _settle(1);
        (uint256 leaving,) = providers.leaving(PROVIDER);
        uint256 before = _stake() + leaving;
        health.slash(M, 0);
        (leaving,) = providers.leaving(PROVIDER);
        uint256 taken = before - _stake() - leaving;
        assertLe(taken, (uint256(STAKE) + left) * SLASH_BPS / 10_000, "what was there, and what is leaving");
        assertTrue(taken >= 2 * MIN_STAKE * SLASH_BPS / 10_000, "and no less than the tier asks for");
    }

    function test_aSlashMustComeWithinTheTimeOfUnbonding() external {
        _downTwice();
        uint256 until = uint256(health.appealableUntil(1)) + UNBONDING;
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(HealthClock.OutOfTime.selector, until + 1, _start(2), until));
        health.slash(M, 0);
        vm.warp(until);
        health.slash(M, 0);
        assertEq(_flags(), 1, "jailed");
    }

    function _refuse(uint32 epoch, uint256 first, uint256 second) private {
        vm.expectRevert(abi.encodeWithSelector(MachineSlashes.TooLittleDown.selector, first, second, SLASH_WINDOWS));
        health.slash(M, epoch);
    }

    function test_oneEpochAloneIsNoGround() external {
        _down(0, M, 127);
        _settle(1);
        _refuse(0, 7, 0);
        _settle(2);
        _refuse(1, 0, 0);
    }

    function test_tooFewWindowsAreNoGround() external {
        _down(0, M, 1);
        _down(1, M, 1);
        _settle(1);
        _refuse(0, 1, 1);
    }

    function test_bothEpochsMustBeSettled() external {
        _down(0, M, 3);
        _down(1, M, 4);
        vm.warp(_start(2) + CERTIFY + APPEAL - 1);
        vm.expectRevert(abi.encodeWithSelector(HealthClock.NotSettled.selector, 1));
        health.slash(M, 0);
        vm.expectRevert(abi.encodeWithSelector(HealthClock.NotSettled.selector, uint256(1) << 32));
        health.slash(M, type(uint32).max);
    }

    function test_eachEpochCountsOnce() external {
        _down(0, M, 3);
        _down(1, M, 3);
        _down(2, M, 3);
        _down(3, M, 3);
        _settle(3);
        health.slash(M, 0);
        vm.expectRevert(abi.encodeWithSelector(MachineSlashes.AlreadyCounted.selector, 0));
        health.slash(M, 0);
        vm.expectRevert(abi.encodeWithSelector(MachineSlashes.AlreadyCounted.selector, 1));
        health.slash(M, 1);
        health.slash(M, 2);
    }

    function test_aWindowThatFellCostsNoStake() external {
        _down(0, M, 3);
        uint32[] memory members = _members(_plainCommittee(0, M));
        for (uint256 i; health.downOf(M, 0) & 1 == 1; ++i) {
            _appeal(0, 0, M, 0, members[i]);
        }
        _down(1, M, 1);
        _settle(1);
        _refuse(0, 1, 1);
    }

    function test_aMachineIsReleasedAfterItsTime() external {
        _downTwice();
        health.slash(M, 0);
        uint64 until = health.jailedUntil(M);
        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(MachineSlashes.StillJailed.selector, until));
        health.release(M);
        vm.warp(until);
        vm.expectEmit();
        emit IHealth.MachineReleased(M, until);
        health.release(M);
        assertEq(_flags(), 0, "out");
        vm.expectRevert(abi.encodeWithSelector(MachineSlashes.NotJailed.selector, M));
        health.release(M);
    }

    function test_releaseTakesWholeStake() external {
        _downTwice();
        health.slash(M, 0);
        uint256 least = uint256(MIN_STAKE) * 10; // what ten GPUs ask for
        uint256 spare = (_stake() - least + 1) * 1e12;
        vm.prank(PROVIDER);
        providers.requestUnstake(spare);
        vm.warp(health.jailedUntil(M));
        vm.expectRevert(abi.encodeWithSelector(MachineSlashes.StakeTooSmall.selector, least - 1, least));
        health.release(M);
        vm.prank(PROVIDER);
        providers.stake(1e12);
        health.release(M);
    }

    function test_otherFlagsOutliveTheJail() external {
        _downTwice();
        health.slash(M, 0);
        providers.grantRole(providers.HEALTH(), address(this));
        providers.changeMachineFlags(M, 0, 4);
        vm.warp(health.jailedUntil(M));
        health.release(M);
        assertEq(_flags(), 4, "paused still");
    }

    function test_aSecondSlashNeverShortensTheFirst() external {
        _down(0, M, 3);
        _down(1, M, 3);
        _down(2, M, 3);
        _down(3, M, 3);
        _settle(3);
        health.slash(M, 2);
        uint64 until = health.jailedUntil(M);
        health.slash(M, 0);
        assertEq(health.jailedUntil(M), until, "the later end");
        vm.warp(until);
        health.release(M);
    }
}
