// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRewards} from "../../src/interfaces/IRewards.sol";
import {
    EarnerTreeMerkleLeaf,
    IRewardsCoordinator,
    OperatorDirectedRewardsSubmission,
    RewardsMerkleClaim,
    TokenTreeMerkleLeaf
} from "../../src/interfaces/eigenlayer/IRewardsCoordinator.sol";
import {Dialect} from "../../src/l1/CoreAdapter.sol";
import {Floors} from "../../src/l1/Floors.sol";
import {Rewards} from "../../src/l1/Rewards.sol";
import {ServiceManager} from "../../src/l1/ServiceManager.sol";
import {MockRewardsCoordinator} from "./MockRewardsCoordinator.sol";
import {RewardsKit} from "./RewardsKit.sol";

/// @notice L2's word, and what becomes of it in the core.
contract RewardsTest is RewardsKit {
    // --- construction and set-up ---

    function test_aFloorAboveHalfIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(Floors.FloorTooHigh.selector, 5_001, 5_000));
        _rewards(BUDGET, 5_001, PATIENCE);
        assertEq(_rewards(BUDGET, 5_000, PATIENCE).floor(), 5_000, "half is taken");
    }

    function test_aPatienceOfOneEpochIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(Floors.PatienceTooShort.selector, 1, 2));
        _rewards(BUDGET, FLOOR, 1);
        assertEq(_rewards(BUDGET, FLOOR, 2).patience(), 2, "two are taken");
    }

    function test_aBudgetThatTheCoreWouldNotTakeIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(Rewards.BudgetTooLarge.selector, 1e38, 1e38 - 1));
        _rewards(1e38, FLOOR, PATIENCE);
        assertEq(_rewards(1e38 - 1, FLOOR, PATIENCE).budget(), 1e38 - 1, "the most is taken");
    }

    function test_anEpochLongerThanTheCorePaysForIsRefused() external {
        coordinator = new MockRewardsCoordinator(core, 71 days, 0);
        vm.expectRevert(abi.encodeWithSelector(Rewards.EpochTooLong.selector, 71 days, 70 days));
        _rewards(BUDGET, FLOOR, PATIENCE);
    }

    function test_setUpLetsRewardsSubmitInBothDialects() external {
        bytes4 selector = IRewardsCoordinator.createOperatorDirectedOperatorSetRewardsSubmission.selector;
        for (uint256 d = 0; d < 2; ++d) {
            _deploy(d == 0 ? Dialect.Appointee : Dialect.SlasherSlot, 0);
            assertTrue(core.canCall(address(manager), address(rewards), address(coordinator), selector), "appointed");
            assertEq(coordinator.claimerFor(address(manager)), address(rewards), "claimer");
            assertEq(core.slasher(), address(slasher), "the slasher is none but the slasher");
        }
    }

    // --- L2's word ---

    function test_wordsAreKept() external {
        _fix(FIRST);
        bytes memory message = _message(FIRST, COUNTED, [uint16(1), 2, 3, 10_000]);
        assertEq(rewards.messageOf(FIRST), "", "nothing yet");
        vm.expectEmit();
        emit IRewards.Told(FIRST, message);
        rewards.receiveMessage(message);
        assertEq(rewards.messageOf(FIRST), message, "kept");
    }

    function test_onlyTheBridgeTells() external {
        _fix(FIRST);
        bytes memory message = _message(FIRST, COUNTED, _all(10_000));
        vm.prank(address(0xbad));
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotBridge.selector, address(0xbad)));
        rewards.receiveMessage(message);
    }

    function test_theFirstWordStands() external {
        _tell(FIRST, _all(10_000));
        bytes memory first = rewards.messageOf(FIRST);
        bytes memory second = _message(FIRST, COUNTED, _all(1));
        vm.expectRevert(abi.encodeWithSelector(IRewards.AlreadyTold.selector, FIRST));
        rewards.receiveMessage(second);
        assertEq(rewards.messageOf(FIRST), first, "the first");
    }

    function test_wordsAboutEpochsWithoutATableAreRefused() external {
        vm.expectRevert(abi.encodeWithSelector(ServiceManager.NotFixed.selector, FIRST));
        rewards.receiveMessage(_message(FIRST, COUNTED, _all(10_000)));
    }

    function testFuzz_messagesOfAnotherLengthAreRefused(uint8 length) external {
        _fix(FIRST);
        vm.assume(length != 24);
        bytes memory message = new bytes(length);
        bytes memory good = _message(FIRST, COUNTED, _all(10_000));
        for (uint256 i = 0; i < length && i < good.length; ++i) {
            message[i] = good[i];
        }
        vm.expectRevert(IRewards.BadMessage.selector);
        rewards.receiveMessage(message);
    }

    function test_aCountThatIsNotTheTablesIsRefused() external {
        _fix(FIRST);
        for (uint32 count = 0; count < 10; ++count) {
            if (count == 4) continue;
            vm.expectRevert(IRewards.BadMessage.selector);
            rewards.receiveMessage(abi.encodePacked(FIRST, COUNTED, uint16(9), count, new bytes(2 * count)));
        }
        rewards.receiveMessage(_message(FIRST, COUNTED, _all(0)));
    }

    function test_sharesAboveAllAreRefused() external {
        _fix(FIRST);
        bytes memory message = _message(FIRST, COUNTED, [uint16(1), 2, 3, 10_001]);
        vm.expectRevert(IRewards.BadMessage.selector);
        rewards.receiveMessage(message);
    }

    // --- submitting ---

    function test_anEpochThatWasNotToldIsNotSubmitted() external {
        _fix(FIRST);
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotTold.selector, FIRST));
        rewards.submit(FIRST);
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotTold.selector, FIRST));
        rewards.payoutOf(FIRST);
    }

    /// @dev The stakes are 1,000 each: a quarter of the budget, times the share.
    function test_theCoreGetsOneSubmissionForOurSet() external {
        _tell(FIRST, [uint16(10_000), 5_000, 0, 1]);
        uint32 end = uint32(_start(FIRST + 1) - _start(FIRST + 1) % 1 days);
        vm.expectEmit();
        emit IRewards.Submitted(FIRST, 250_000 + 125_000 + 25, end - 1 days, 1 days);
        rewards.submit(FIRST);

        OperatorDirectedRewardsSubmission memory s = coordinator.last();
        assertEq(s.strategiesAndMultipliers.length, 2, "strategies");
        assertEq(s.strategiesAndMultipliers[0].strategy, STRATEGY_B, "ascending");
        assertEq(s.strategiesAndMultipliers[1].strategy, STRATEGY_A, "ascending");
        assertEq(s.strategiesAndMultipliers[0].multiplier, s.strategiesAndMultipliers[1].multiplier, "one for one");
        assertEq(s.operatorRewards.length, 3, "nothing is left out instead of a zero");
        assertEq(s.operatorRewards[0].operator, _at(3), "operators ascend");
        assertEq(s.operatorRewards[0].amount, 25, "a ten-thousandth");
        assertEq(s.operatorRewards[1].operator, _at(0), "operators ascend");
        assertEq(s.operatorRewards[1].amount, 250_000, "all");
        assertEq(s.operatorRewards[2].operator, _at(1), "operators ascend");
        assertEq(s.operatorRewards[2].amount, 125_000, "half");
        assertEq(s.token, address(token), "token");
        assertEq(uint256(s.startTimestamp) + s.duration, end, "interval");
        assertEq(bytes(s.description), "Quorate, stake epoch 4", "description");
    }

    function test_theCoreTakesTheSumAndMayTakeNoMore() external {
        _tell(FIRST, _all(5_000));
        uint256 before = token.balanceOf(address(rewards));
        rewards.submit(FIRST);
        assertEq(token.balanceOf(address(coordinator)), BUDGET / 2, "paid");
        assertEq(before - token.balanceOf(address(rewards)), BUDGET / 2, "the other half stays");
        assertEq(token.allowance(address(rewards), address(coordinator)), 0, "allowance");
    }

    function test_aCoreThatTakesLessMayNotTakeTheRestLater() external {
        _tell(FIRST, _all(10_000));
        coordinator.setLess(1);
        rewards.submit(FIRST);
        assertEq(token.balanceOf(address(coordinator)), BUDGET - 1, "less");
        assertEq(token.allowance(address(rewards), address(coordinator)), 0, "allowance");
    }

    function test_anEpochIsSubmittedOnce() external {
        _tell(FIRST, _all(10_000));
        assertTrue(!rewards.isSubmitted(FIRST), "not yet");
        rewards.submit(FIRST);
        assertTrue(rewards.isSubmitted(FIRST), "submitted");
        vm.expectRevert(abi.encodeWithSelector(IRewards.AlreadySubmitted.selector, FIRST, FIRST));
        rewards.submit(FIRST);
        (address[] memory operators, uint256[] memory amounts) = rewards.payoutOf(FIRST);
        assertEq(operators.length + amounts.length, 0, "and pays nothing any more");
    }

    /// @dev Words come in any order: whoever submits a later epoch first must not take the pay of an earlier one.
    function test_anEarlierEpochIsPaidAfterALaterOne() external {
        _fix(FIRST + 1);
        _tell(FIRST + 1, _all(10_000));
        rewards.submit(FIRST + 1);
        _tell(FIRST, _all(10_000));
        rewards.submit(FIRST);
        assertEq(token.balanceOf(address(coordinator)), 2 * BUDGET, "both are paid");
        (bool any, uint64 newest) = rewards.lastSubmitted();
        assertTrue(any, "any");
        assertEq(newest, FIRST + 1, "the newest stays the newest");
        vm.expectRevert(abi.encodeWithSelector(IRewards.AlreadySubmitted.selector, FIRST, FIRST + 1));
        rewards.submit(FIRST);
    }

    function test_epochsMayBeLeftOut() external {
        (bool any,) = rewards.lastSubmitted();
        assertTrue(!any, "none yet");
        _fix(FIRST + 3);
        _submit(FIRST, 1, _all(10_000));
        _submit(FIRST + 3, 1, _all(10_000));
        (, uint64 newest) = rewards.lastSubmitted();
        assertEq(newest, FIRST + 3, "newest");
    }

    function test_withNothingToPayTheCoreIsNotCalled() external {
        _tell(FIRST, _all(0));
        coordinator.setPaused(true);
        rewards.submit(FIRST);
        assertTrue(rewards.isSubmitted(FIRST), "submitted all the same");
        assertEq(coordinator.submissionNonce(address(manager)), 0, "no call");
    }

    function test_whatTheCoreRefusesMayBeSubmittedAgain() external {
        _tell(FIRST, _all(10_000));
        coordinator.setPaused(true);
        vm.expectRevert(MockRewardsCoordinator.CurrentlyPaused.selector);
        rewards.submit(FIRST);
        assertTrue(!rewards.isSubmitted(FIRST), "not submitted");
        coordinator.setPaused(false);
        rewards.submit(FIRST);
        assertEq(coordinator.submissionNonce(address(manager)), 1, "once");
    }

    function test_aStrategyThatTheCoreTookOffItsListHoldsNothingUp() external {
        _tell(FIRST, _all(10_000));
        core.setDelisted(STRATEGY_B, true);
        rewards.submit(FIRST);
        OperatorDirectedRewardsSubmission memory s = coordinator.last();
        assertEq(s.strategiesAndMultipliers.length, 1, "the other");
        assertEq(s.strategiesAndMultipliers[0].strategy, STRATEGY_A, "is left");
    }

    function test_whoHasLeftIsPaidForItsWork() external {
        _tell(FIRST, _all(10_000));
        core.deregister(_at(1), address(manager), _ids(SET_ID));
        rewards.submit(FIRST);
        assertEq(coordinator.earned(_at(1)), BUDGET / 4, "earned");
    }

    function test_whatTheCoreGivesBackComesHere() external {
        _submit(FIRST, 1, _all(10_000));
        RewardsMerkleClaim memory claim;
        claim.earnerLeaf = EarnerTreeMerkleLeaf(address(manager), 0);
        claim.tokenLeaves = new TokenTreeMerkleLeaf[](1);
        claim.tokenLeaves[0] = TokenTreeMerkleLeaf(address(token), 7_000);
        uint256 before = token.balanceOf(address(rewards));
        vm.prank(address(0xbad));
        vm.expectRevert(MockRewardsCoordinator.UnauthorizedCaller.selector);
        coordinator.processClaim(claim, address(0xbad));
        vm.prank(address(0xbad));
        rewards.reclaim(claim);
        assertEq(token.balanceOf(address(rewards)) - before, 7_000, "back");
    }

    // --- the interval ---

    /// @dev Whatever the core counts in: its intervals, all of the epoch's length, all over when the epoch is.
    function testFuzz_theIntervalIsOneThatTheCoreTakes(uint32 interval, uint32 epoch) external {
        interval = uint32(bound(interval, 1, 10 days));
        epoch = uint32(bound(epoch, 10, 20_000));
        coordinator = new MockRewardsCoordinator(core, interval, 0);
        (uint32 start, uint32 duration) = _rewards(BUDGET, FLOOR, PATIENCE).intervalOf(epoch);
        uint256 end = uint256(start) + duration;
        assertEq(start % interval, 0, "start");
        assertEq(duration % interval, 0, "duration");
        assertLe(1 days, duration, "as long as an epoch");
        assertTrue(duration < 1 days + uint256(interval), "and no interval longer");
        assertLe(end, _start(epoch + 1), "over with the epoch");
        assertTrue(end + interval > _start(epoch + 1), "and no interval before");
    }

    function test_epochsOfWholeIntervalsArePaidForEachSecondOnce() external view {
        (uint32 start, uint32 duration) = rewards.intervalOf(FIRST);
        (uint32 next,) = rewards.intervalOf(FIRST + 1);
        assertEq(next, start + duration, "one after the other");
    }
}
