// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ERC2771Forwarder} from "@openzeppelin/contracts/metatx/ERC2771Forwarder.sol";
import {Providers} from "../../src/l2/Providers.sol";
import {Base} from "../Base.t.sol";
import {MockToken} from "./Mocks.sol";

/// @notice What taking stake takes, from where, to whom, and what it leaves behind in the slash rate.
contract SlashesTest is Base {
    address private constant P = address(0xA1);
    address private constant CALLER = address(0xCA11);
    uint64 private constant UNIT = 1_000_000; // millionths
    MockToken private token;
    Providers private providers;

    function setUp() external {
        vm.warp(1_000);
        token = new MockToken(18);
        providers = new Providers(token, 500, address(this), address(0));
        providers.grantRole(providers.HEALTH(), address(this));
        token.mint(P, 1e30);
        vm.prank(P);
        token.approve(address(providers), type(uint256).max);
    }

    /// @dev Stakes both parts, and lets one leave.
    function _stake(uint64 staked, uint64 leaving) private {
        vm.startPrank(P);
        providers.stake((uint256(staked) + leaving) * 1e12);
        if (leaving != 0) providers.requestUnstake(uint256(leaving) * 1e12);
        vm.stopPrank();
    }

    function _state() private view returns (uint64 staked, uint16 rate, uint32 epoch) {
        (staked,,, rate, epoch,) = providers.providerAt(P, uint64(block.timestamp));
    }

    function test_stakeIsTakenBeforeWhatIsLeaving() external {
        _stake(3 * UNIT, 2 * UNIT);
        assertEq(providers.slash(P, 2 * UNIT, 0, CALLER, 7), 2 * UNIT, "taken");
        (uint64 staked,,) = _state();
        (uint64 left,) = providers.leaving(P);
        assertEq(staked, UNIT, "stake");
        assertEq(left, 2 * UNIT, "leaving");
        assertEq(providers.slash(P, 2 * UNIT, 0, CALLER, 7), 2 * UNIT, "taken");
        (staked,,) = _state();
        (left,) = providers.leaving(P);
        assertEq(staked, 0, "stake is gone");
        assertEq(left, UNIT, "of what leaves too");
    }

    function test_whatIsReadyToLeaveIsTakenToo() external {
        _stake(0, UNIT);
        vm.warp(1_500);
        assertEq(providers.slash(P, UNIT, 0, CALLER, 7), UNIT, "taken");
        vm.expectRevert(abi.encodeWithSelector(Providers.NotReady.selector, 1_500));
        vm.prank(P);
        providers.withdraw();
    }

    function test_slashingNobodyTakesNothing() external {
        assertEq(providers.slash(P, UNIT, UNIT, CALLER, 7), 0, "taken");
        (, uint16 rate, uint32 epoch) = _state();
        assertEq(uint256(rate) + epoch, 0, "and writes nothing");
    }

    function test_theBountyIsAtMostHalf() external {
        _stake(10 * UNIT, 0);
        providers.slash(P, 4 * UNIT + 1, 100 * UNIT, CALLER, 7);
        assertEq(token.balanceOf(CALLER), 2e18, "half, rounded down");
        assertEq(token.balanceOf(providers.BURNED()), 2e18 + 1e12, "the rest is burned");
    }

    function test_theBountyIsAtMostWhatIsPromised() external {
        _stake(10 * UNIT, 0);
        providers.slash(P, 4 * UNIT, UNIT, CALLER, 7);
        assertEq(token.balanceOf(CALLER), 1e18, "bounty");
        assertEq(token.balanceOf(providers.BURNED()), 3e18, "burned");
    }

    /// @dev No stake appears or is lost on the way, and nothing more than there is is taken.
    function testFuzz_nothingIsLostOnTheWay(uint64 staked, uint64 leaving, uint64 amount, uint64 bounty) external {
        staked = uint64(bound(staked, 1, 1e15));
        leaving = uint64(bound(leaving, 0, 1e15));
        _stake(staked, leaving);
        uint64 taken = providers.slash(P, amount, bounty, CALLER, 7);
        uint256 all = uint256(staked) + leaving;
        assertEq(taken, amount < all ? amount : all, "what is asked for, or all");
        (uint64 left, uint16 rate,) = _state();
        (uint64 leftLeaving,) = providers.leaving(P);
        assertEq(uint256(left) + leftLeaving + taken, all, "counted");
        assertEq(token.balanceOf(address(providers)), (all - taken) * 1e12, "held");
        uint256 paid = token.balanceOf(CALLER);
        assertEq(paid + token.balanceOf(providers.BURNED()), uint256(taken) * 1e12, "moved");
        assertTrue(paid <= uint256(bounty) * 1e12 && 2 * paid <= uint256(taken) * 1e12, "bounty");
        assertTrue(rate <= 10_000 && uint256(rate) * all >= uint256(taken) * 10_000, "rate, rounded up");
        assertTrue(rate == 0 || (uint256(rate) - 1) * all < uint256(taken) * 10_000, "by less than one");
    }

    function test_theRateIsOfStakeAndWhatIsLeaving() external {
        _stake(6 * UNIT, 4 * UNIT);
        providers.slash(P, UNIT, 0, CALLER, 7);
        (, uint16 rate, uint32 epoch) = _state();
        assertEq(rate, 1_000, "a tenth");
        assertEq(epoch, 7, "epoch");
    }

    /// @dev Two machines in one epoch: a tenth, and a tenth of the rest.
    function test_lossesOfOneEpochAddUp() external {
        _stake(10 * UNIT, 0);
        providers.slash(P, UNIT, 0, CALLER, 7);
        providers.slash(P, 9 * UNIT / 10, 0, CALLER, 7);
        (, uint16 rate,) = _state();
        assertEq(rate, 1_900, "both");
        providers.slash(P, type(uint64).max, 0, CALLER, 7);
        (, rate,) = _state();
        assertEq(rate, 10_000, "all, and no more");
    }

    function test_aSmallLossDoesNotWipeOutALargeOne() external {
        _stake(100 * UNIT, 0);
        providers.slash(P, 50 * UNIT, 0, CALLER, 7);
        providers.slash(P, UNIT / 2, 0, CALLER, 9);
        (, uint16 rate, uint32 epoch) = _state();
        assertEq(rate, 5_000, "the greater");
        assertEq(epoch, 9, "newly written");
    }

    function test_aGreaterLossTakesThePlace() external {
        _stake(100 * UNIT, 0);
        providers.slash(P, UNIT, 0, CALLER, 7);
        providers.slash(P, 49_500_000, 0, CALLER, 9);
        (, uint16 rate, uint32 epoch) = _state();
        assertEq(rate, 5_000, "the greater");
        assertEq(epoch, 9, "epoch");
    }

    function test_healthMayPardon() external {
        _stake(10 * UNIT, 0);
        providers.slash(P, UNIT, 0, CALLER, 7);
        providers.setSlash(P, 0, 0);
        (, uint16 rate, uint32 epoch) = _state();
        assertEq(uint256(rate) + epoch, 0, "as if never");
    }

    // --- flags ---

    function test_bitsAreClearedThenSet() external {
        providers.changeMachineFlags(3, 0, 5);
        providers.changeMachineFlags(3, 1, 2);
        (, uint8 flags) = providers.machineAt(3, 1_000);
        assertEq(flags, 6, "one bit each");
        providers.changeMachineFlags(3, 6, 2);
        (, flags) = providers.machineAt(3, 1_000);
        assertEq(flags, 2, "set wins");
    }

    function test_changingFlagsKeepsUptime() external {
        providers.setUptime(3, 9_000);
        providers.changeMachineFlags(3, 0, 1);
        (uint16 uptime,) = providers.machineAt(3, 1_000);
        assertEq(uptime, 9_000, "uptime");
    }

    function test_machinesMayNotJailNorRelease() external {
        address machines = address(0x3AC);
        providers.grantRole(providers.MACHINES(), machines);
        providers.changeMachineFlags(3, 0, 1);
        vm.startPrank(machines);
        providers.changeMachineFlags(3, 2, 4);
        vm.expectRevert(abi.encodeWithSelector(Providers.BadFlags.selector, 1, 0xfe));
        providers.changeMachineFlags(3, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(Providers.BadFlags.selector, 5, 0xfe));
        providers.changeMachineFlags(3, 4, 1);
        vm.stopPrank();
        (, uint8 flags) = providers.machineAt(3, 1_000);
        assertEq(flags, 5, "jailed and paused");
    }

    function test_strangersChangeNoFlags() external {
        vm.expectRevert(
            abi.encodeWithSignature("AccessControlUnauthorizedAccount(address,bytes32)", P, bytes32("MACHINES"))
        );
        vm.prank(P);
        providers.changeMachineFlags(3, 0, 4);
    }

    // --- through the forwarder ---

    function test_theForwarderSpeaksForStakers() external {
        ERC2771Forwarder forwarder = new ERC2771Forwarder("quorate");
        Providers other = new Providers(token, 500, address(this), address(forwarder));
        vm.prank(P);
        token.approve(address(other), type(uint256).max);
        bytes memory call = abi.encodePacked(abi.encodeCall(Providers.stake, (1e18)), P);
        vm.prank(address(forwarder));
        (bool ok,) = address(other).call(call);
        assertTrue(ok, "staked");
        (uint64 staked,,,,,) = other.providerAt(P, 1_000);
        assertEq(staked, UNIT, "of whoever signed");
        vm.prank(CALLER);
        (ok,) = address(other).call(call);
        assertTrue(!ok, "nobody else does");
    }
}
