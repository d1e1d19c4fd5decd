// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMachines} from "../../src/interfaces/IMachines.sol";
import {IMarket} from "../../src/interfaces/IMarket.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {IComputeChecks, IUptimeRewards} from "../../src/interfaces/IUptimeRewards.sol";
import {UptimeRewards} from "../../src/l2/UptimeRewards.sol";
import {HealthKit} from "../health/HealthKit.sol";

/// @notice Says what tests want of each machine.
contract MockChecks is IComputeChecks {
    mapping(uint64 offerId => bool) public fails;

    function set(uint64 offerId, bool passed_) external {
        fails[offerId] = !passed_;
    }

    function passed(uint64 offerId, uint32) external view returns (bool) {
        return !fails[offerId];
    }
}

/// @notice What machines earn by being up, over the real `Health` and `Providers`.
contract UptimeRewardsTest is HealthKit {
    /// @dev Shares of the reward by level, and the most of the stake.
    uint16 private constant REWARD_BPS = 100;
    uint256 private constant WEIGHT = 1_000; // of level 0; each level has as much again
    uint256 private constant STAKE = 1_000_000_000; // millionths
    uint256 private constant UNIT = 1e12; // smallest units in a millionth

    MockChecks private checks;
    UptimeRewards private rewards;

    function setUp() public override {
        super.setUp();
        providers.grantRole(providers.HEALTH(), address(this));
        rounds.addPolicy(_paying(REWARD_BPS), 0);
        checks = new MockChecks();
        rewards = _new(checks);
        token.mint(address(rewards), 1e30);
        _stake(STAKE);
        providers.addGpus(PROVIDER, 8);
        vm.warp(GENESIS);
    }

    function _new(IComputeChecks checks_) private returns (UptimeRewards) {
        return new UptimeRewards(
            UptimeRewards.Links({
                health: health,
                rounds: IRounds(address(rounds)),
                market: IMarket(address(market)),
                machines: IMachines(address(machines)),
                providers: providers,
                checks: checks_
            })
        );
    }

    function _paying(uint256 bps) private pure returns (bytes memory page) {
        page = _policy(CERTIFY, APPEAL);
        for (uint256 l; l < 7; ++l) {
            _put(page, 3_328 + 46 + 8 * l, 2, WEIGHT * (l + 1));
        }
        _put(page, 3_328 + 96, 2, bps);
    }

    function _stake(uint256 millionths) private {
        token.mint(PROVIDER, millionths * UNIT);
        vm.startPrank(PROVIDER);
        token.approve(address(providers), millionths * UNIT);
        providers.stake(millionths * UNIT);
        vm.stopPrank();
    }

    /// @dev So many epochs are settled, and carried into the uptime of a machine.
    function _observe(uint32 epochs) private {
        vm.warp(_start(epochs) + CERTIFY + APPEAL);
        health.observe(M, 1_000);
    }

    /// @dev A machine of two cards, at level 0, by the letter of section 14, on a stake of so many millionths.
    function _pay(uint256 stake, uint256 value) private pure returns (uint256) {
        return stake * REWARD_BPS * WEIGHT * value / 1e12 * UNIT;
    }

    function _expectNothing(uint32 epoch) private {
        assertEq(rewards.earned(M, epoch), 0, "earned");
        vm.expectRevert(abi.encodeWithSelector(IUptimeRewards.NothingEarned.selector, M, epoch));
        rewards.claim(M, epoch);
    }

    // --- what is paid ---

    function test_aMachineThatWasUpEarnsItsShareOfItsStake() external {
        _observe(1);
        uint256 expected = _pay(2 * MIN_STAKE, 10_000);
        assertEq(expected, 2_000 * UNIT, "a thousandth of the stake");
        assertEq(rewards.earned(M, 0), expected, "earned");
        vm.expectEmit();
        emit IUptimeRewards.Rewarded(M, PROVIDER, 0, expected);
        vm.prank(CALLER);
        assertEq(rewards.claim(M, 0), expected, "amount");
        assertEq(token.balanceOf(PROVIDER), expected, "whoever calls, the provider is paid");
    }

    function test_windowsDownEarnNothing() external {
        _down(0, M, 7); // three of seven
        _observe(1);
        assertEq(rewards.claim(M, 0), _pay(2 * MIN_STAKE, 5_714), "four sevenths");
    }

    function test_anEpochAllDownEarnsNothing() external {
        _down(0, M, 127);
        _observe(1);
        _expectNothing(0);
    }

    function test_theLevelAtTheClaimWeighs() external {
        _observe(2);
        (, uint8 level,) = health.standingOf(M);
        assertEq(level, 1, "risen after two epochs");
        assertEq(rewards.claim(M, 0), 2 * _pay(2 * MIN_STAKE, 10_000), "twice what level 0 earns");
    }

    function test_thePolicyIsThatOfTheEpoch() external {
        rounds.addPolicy(_paying(2 * REWARD_BPS), 10); // round 10 closes when epoch 1 begins
        _observe(1);
        assertEq(rewards.claim(M, 0), _pay(2 * MIN_STAKE, 10_000), "of epoch 0");
        _observe(2);
        assertEq(rewards.earned(M, 1), 2 * 2 * _pay(2 * MIN_STAKE, 10_000), "of epoch 1, at level 1");
    }

    function test_noMoreStakeIsRewardedThanTheMachinesShare() external {
        vm.warp(_start(1) - 1);
        vm.prank(PROVIDER);
        providers.requestUnstake((STAKE - 4_000_000) * UNIT); // half a token for each card is left
        _observe(2);
        assertEq(rewards.earned(M, 0), 2 * _pay(2 * MIN_STAKE, 10_000), "as the stake was");
        assertEq(rewards.earned(M, 1), 2 * _pay(MIN_STAKE, 10_000), "half of what the tier asks for");
    }

    function test_stakeAndCardsAreThoseWhenTheEpochBegan() external {
        vm.warp(_start(0) - 1);
        vm.prank(PROVIDER);
        providers.requestUnstake((STAKE - 4_000_000) * UNIT);
        vm.warp(_start(0) + 1);
        _stake(STAKE);
        providers.removeGpus(PROVIDER, 8);
        _observe(1);
        assertEq(rewards.earned(M, 0), _pay(MIN_STAKE, 10_000), "neither more stake nor fewer cards afterwards");
    }

    function test_aMachineOfMoreCardsThanAreCountedHasNoMoreThanAllStake() external {
        providers.removeGpus(PROVIDER, 8);
        vm.prank(PROVIDER);
        providers.requestUnstake((STAKE - 1_000_000) * UNIT);
        _observe(1);
        assertEq(rewards.earned(M, 0), _pay(1_000_000, 10_000), "all of it");
    }

    /// @dev All machines of a provider together, whatever is staked, asked for and registered.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_noMoreThanRewardBpsOfTheStake(uint64 stake, uint8 cards, uint16 bps, uint8 tierStake) external {
        bps = uint16(bound(bps, 1, 10_000));
        stake = uint64(bound(stake, 1, 1e15));
        bytes memory page = _paying(bps);
        _put(page, 3_328 + 46, 2, 10_000); // a level that earns all of it
        _put(page, 4 + 128 + 8, 8, uint256(stake) >> tierStake % 64);
        rounds.addPolicy(page, 0);
        vm.prank(PROVIDER);
        providers.requestUnstake(STAKE * UNIT);
        _stake(stake);
        market.set(M, PROVIDER, 2, 1);
        market.set(M + 1, PROVIDER, cards, 1);
        providers.addGpus(PROVIDER, cards); // beside eight
        vm.warp(GENESIS); // before which nobody knew
        _observe(1);
        health.observe(M + 1, 1);
        uint256 sum = rewards.earned(M, 0) + rewards.earned(M + 1, 0);
        assertLe(sum, uint256(stake) * bps / 10_000 * UNIT, "of the stake");
    }

    // --- what is not ---

    function test_withoutChecksNothingIsPaid() external {
        rewards = _new(IComputeChecks(address(0)));
        token.mint(address(rewards), 1e30);
        _observe(1);
        assertEq(rewards.earned(M, 0), 0, "earned");
        vm.expectRevert(abi.encodeWithSelector(IUptimeRewards.NotChecked.selector, M, 0));
        rewards.claim(M, 0);
    }

    function test_aMachineThatWasNotSeenWorkingIsNotPaid() external {
        _observe(1);
        checks.set(M, false);
        assertEq(rewards.earned(M, 0), 0, "earned");
        vm.expectRevert(abi.encodeWithSelector(IUptimeRewards.NotChecked.selector, M, 0));
        rewards.claim(M, 0);
        checks.set(M, true);
        assertTrue(rewards.claim(M, 0) != 0, "as soon as it is");
    }

    function test_anEpochIsPaidOnce() external {
        _observe(2);
        assertTrue(!rewards.isRewarded(M, 0), "not yet");
        rewards.claim(M, 0);
        assertTrue(rewards.isRewarded(M, 0), "paid");
        assertTrue(!rewards.isRewarded(M, 1), "that epoch alone");
        assertEq(rewards.earned(M, 0), 0, "and earns no more");
        vm.expectRevert(abi.encodeWithSelector(IUptimeRewards.AlreadyRewarded.selector, M, 0));
        rewards.claim(M, 0);
        rewards.claim(M, 1);
    }

    function test_anEpochThatIsNotSettledIsNotPaid() external {
        vm.warp(_start(1) + CERTIFY + APPEAL - 1);
        assertEq(rewards.earned(M, 0), 0, "earned");
        vm.expectRevert(abi.encodeWithSelector(IUptimeRewards.NotObserved.selector, 0, 0));
        rewards.claim(M, 0);
    }

    function test_aSettledEpochIsPaidOnlyWhenUptimeWasCarriedOverIt() external {
        _observe(1);
        vm.warp(_start(2) + CERTIFY + APPEAL);
        vm.expectRevert(abi.encodeWithSelector(IUptimeRewards.NotObserved.selector, 1, 1));
        rewards.claim(M, 1);
        _observe(2);
        assertTrue(rewards.claim(M, 1) != 0, "then it is");
    }

    function test_theLastEpochThatHasANumberOverflowsNothing() external {
        vm.expectRevert(abi.encodeWithSelector(IUptimeRewards.NotObserved.selector, type(uint32).max, 0));
        rewards.claim(M, type(uint32).max);
    }

    function test_whatIsNoMachineIsNotPaid() external {
        _observe(1);
        vm.expectRevert(abi.encodeWithSelector(IUptimeRewards.NotObserved.selector, 0, 0));
        rewards.claim(99, 0);
    }

    function test_whileThePolicySaysNothingNothingIsPaid() external {
        rounds.addPolicy(_paying(0), 0);
        _observe(1);
        _expectNothing(0);
    }

    function test_epochsBeforeTheMachineWasRegisteredEarnNothing() external {
        machines.set(M, _start(1) + 1, 0);
        _observe(3);
        _expectNothing(0);
        _expectNothing(1);
        assertTrue(rewards.claim(M, 2) != 0, "the first whole one does");
    }

    function test_anEpochInWhoseFirstSecondTheMachineCameEarns() external {
        machines.set(M, _start(1), 0);
        _observe(2);
        _expectNothing(0);
        assertTrue(rewards.claim(M, 1) != 0, "a whole epoch");
    }

    function test_anEpochThatTheMachineLeftInEarnsNothing() external {
        machines.set(M, GENESIS - 10, _start(1) - 1);
        _observe(1);
        _expectNothing(0);
    }

    function test_anEpochWithFlagsAtEitherEndEarnsNothing() external {
        vm.warp(_start(1) - 1);
        providers.changeMachineFlags(M, 0, 4);
        vm.warp(_start(1) + 1);
        providers.changeMachineFlags(M, 4, 0);
        _observe(3);
        _expectNothing(0);
        _expectNothing(1);
        assertTrue(rewards.claim(M, 2) != 0, "the next one does");
    }

    // --- money ---

    function test_whatIsNotFundedIsOwedUntilItIs() external {
        rewards = _new(checks);
        _observe(1);
        uint256 expected = rewards.earned(M, 0);
        vm.expectRevert(abi.encodeWithSelector(IUptimeRewards.Unfunded.selector, expected, 0));
        rewards.claim(M, 0);

        token.mint(CALLER, expected);
        vm.startPrank(CALLER);
        token.approve(address(rewards), expected);
        rewards.fund(expected - 1);
        vm.expectRevert(abi.encodeWithSelector(IUptimeRewards.Unfunded.selector, expected, expected - 1));
        rewards.claim(M, 0);
        vm.expectEmit();
        emit IUptimeRewards.Funded(CALLER, 1);
        rewards.fund(1);
        vm.stopPrank();
        assertEq(rewards.claim(M, 0), expected, "paid");
        assertEq(token.balanceOf(address(rewards)), 0, "out of what was funded");
    }

    /// @dev The checks never change, so what is paid in here could never leave.
    function test_withoutChecksNothingIsTakenIn() external {
        rewards = _new(IComputeChecks(address(0)));
        token.mint(CALLER, 5);
        vm.startPrank(CALLER);
        token.approve(address(rewards), 5);
        vm.expectRevert(IUptimeRewards.NoChecks.selector);
        rewards.fund(5);
        vm.stopPrank();
        assertEq(token.balanceOf(CALLER), 5, "kept");
    }

    function test_millionthsAreThoseOfTheToken() external view {
        assertEq(rewards.millionth(), providers.millionth(), "millionth");
        assertEq(address(rewards.token()), address(token), "token");
    }
}
