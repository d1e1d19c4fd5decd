// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {Providers} from "../../src/l2/Providers.sol";
import {Base} from "../Base.t.sol";
import {MockToken} from "./Mocks.sol";

/// @notice Stake and observed values of providers, now and at any time.
contract ProvidersTest is Base {
    address private constant P = address(0xA1);
    MockToken private token;
    Providers private providers;

    function setUp() external {
        vm.warp(1_000);
        token = new MockToken(18);
        providers = new Providers(token, 500, address(this), address(0));
        providers.grantRole(providers.MARKET(), address(this));
        providers.grantRole(providers.HEALTH(), address(this));
        providers.grantRole(providers.MONEY(), address(this));
        token.mint(P, 1e30);
        vm.prank(P);
        token.approve(address(providers), type(uint256).max);
    }

    function _stake(uint256 amount) private {
        vm.prank(P);
        providers.stake(amount);
    }

    function _stakeAt(uint64 t) private view returns (uint64 stake) {
        (stake,,,,,) = providers.providerAt(P, t);
    }

    function test_neverObservedIsUnobserved() external view {
        (uint64 stake, uint32 gpus, uint16 reputation, uint16 slash, uint32 epoch, uint8 flags) =
            providers.providerAt(P, 1_000);
        assertEq(stake + gpus + slash + epoch + flags, 0, "all zero");
        assertEq(reputation, 65_535, "reputation");
        (uint16 uptime, uint8 machineFlags) = providers.machineAt(7, 1_000);
        assertEq(uptime, 65_535, "uptime");
        assertEq(machineFlags, 0, "machine flags");
    }

    function test_stakeIsCountedInMillionths() external {
        _stake(5e18);
        assertEq(_stakeAt(1_000), 5_000_000, "stake");
        assertEq(token.balanceOf(address(providers)), 5e18, "pulled");
    }

    function test_refusesPartsOfAMillionth() external {
        vm.expectRevert(abi.encodeWithSelector(Providers.BadAmount.selector, 1e12 + 1));
        _stake(1e12 + 1);
        vm.expectRevert(abi.encodeWithSelector(Providers.BadAmount.selector, 0));
        _stake(0);
    }

    function test_refusesATokenThatKeepsAPart() external {
        token.setTax(100);
        vm.expectRevert(abi.encodeWithSelector(Providers.TokenTakesFee.selector, 99e16, 1e18));
        _stake(1e18);
    }

    function test_valuesAtATimeAreThoseOfTheLastChange() external {
        _stake(1e18);
        vm.warp(1_010);
        _stake(2e18);
        vm.warp(1_020);
        providers.setReputation(P, 9_000);
        assertEq(_stakeAt(999), 0, "before");
        assertEq(_stakeAt(1_009), 1_000_000, "between");
        assertEq(_stakeAt(1_010), 3_000_000, "at the second");
        (,, uint16 reputation,,,) = providers.providerAt(P, 1_019);
        assertEq(reputation, 65_535, "reputation before it was set");
        (uint64 stake,, uint16 later,,,) = providers.providerAt(P, 1e6);
        assertEq(later, 9_000, "reputation");
        assertEq(stake, 3_000_000, "stake stays");
    }

    function test_valuesFarInTheFutureAreTheLatest() external {
        _stake(1e18);
        assertEq(_stakeAt(type(uint64).max), 1_000_000, "stake");
    }

    function test_leavingStakeCountsNoMoreAndWaits() external {
        _stake(3e18);
        vm.warp(1_100);
        vm.startPrank(P);
        providers.requestUnstake(1e18);
        assertEq(_stakeAt(1_100), 2_000_000, "stake");
        assertEq(_stakeAt(1_099), 3_000_000, "stake before");
        vm.warp(1_599);
        vm.expectRevert(abi.encodeWithSelector(Providers.NotReady.selector, 1_600));
        providers.withdraw();
        vm.warp(1_600);
        uint256 before = token.balanceOf(P);
        providers.withdraw();
        assertEq(token.balanceOf(P) - before, 1e18, "withdrawn");
        vm.expectRevert(abi.encodeWithSelector(Providers.NotReady.selector, 0));
        providers.withdraw();
        vm.stopPrank();
    }

    function test_aSecondRequestStartsTheWaitAnew() external {
        _stake(3e18);
        vm.startPrank(P);
        providers.requestUnstake(1e18);
        vm.warp(1_400);
        providers.requestUnstake(1e18);
        vm.warp(1_600);
        vm.expectRevert(abi.encodeWithSelector(Providers.NotReady.selector, 1_900));
        providers.withdraw();
        vm.stopPrank();
    }

    function test_nobodyLeavesWithMoreThanTheyHave() external {
        _stake(1e18);
        vm.prank(P);
        vm.expectRevert(abi.encodeWithSelector(Providers.TooMuch.selector, 2_000_000, 1_000_000));
        providers.requestUnstake(2e18);
    }

    function test_gpusAreCountedUpAndDown() external {
        providers.addGpus(P, 8);
        providers.addGpus(P, 4);
        providers.removeGpus(P, 2);
        (, uint32 gpus,,,,) = providers.providerAt(P, 1_000);
        assertEq(gpus, 10, "gpus");
        vm.expectRevert(abi.encodeWithSelector(Providers.TooMuch.selector, 11, 10));
        providers.removeGpus(P, 11);
    }

    function testFuzz_everyFieldIsReadAsWritten(uint16 reputation, uint16 slash, uint32 epoch, uint8 flags) external {
        reputation = uint16(bound(reputation, 0, 10_000));
        slash = uint16(bound(slash, 0, 10_000));
        providers.setReputation(P, reputation);
        providers.setSlash(P, slash, epoch);
        providers.setProviderFlags(P, flags);
        providers.setUptime(3, reputation);
        providers.changeMachineFlags(3, 0xff, flags);
        (,, uint16 r, uint16 s, uint32 e, uint8 f) = providers.providerAt(P, 1_000);
        assertEq(abi.encode(r, s, e, f), abi.encode(reputation, slash, epoch, flags), "provider");
        (uint16 u, uint8 g) = providers.machineAt(3, 1_000);
        assertEq(abi.encode(u, g), abi.encode(reputation, flags), "machine");
    }

    function test_observationsCanBeTakenBack() external {
        providers.setUptime(3, 5_000);
        providers.setUptime(3, 65_535);
        (uint16 uptime,) = providers.machineAt(3, 1_000);
        assertEq(uptime, 65_535, "uptime");
    }

    function test_refusesSharesAboveFull() external {
        vm.expectRevert(abi.encodeWithSelector(Providers.BadShare.selector, 10_001));
        providers.setUptime(3, 10_001);
        vm.expectRevert(abi.encodeWithSelector(Providers.BadShare.selector, 10_001));
        providers.setReputation(P, 10_001);
        vm.expectRevert(abi.encodeWithSelector(Providers.BadShare.selector, 10_001));
        providers.setSlash(P, 10_001, 0);
    }

    function _refusesWithout(bytes32 role, bytes memory call) private {
        vm.prank(address(0xBAD));
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, address(0xBAD), role)
        );
        (bool ok,) = address(providers).call(call);
        ok;
    }

    function test_everySetterNeedsItsRole() external {
        _refusesWithout("MARKET", abi.encodeCall(Providers.addGpus, (P, 1)));
        _refusesWithout("MARKET", abi.encodeCall(Providers.removeGpus, (P, 1)));
        _refusesWithout("HEALTH", abi.encodeCall(Providers.setUptime, (1, 1)));
        _refusesWithout("HEALTH", abi.encodeCall(Providers.slash, (P, 1, 0, P, 1)));
        _refusesWithout("HEALTH", abi.encodeCall(Providers.setSlash, (P, 1, 1)));
        _refusesWithout("HEALTH", abi.encodeCall(Providers.setProviderFlags, (P, 1)));
        _refusesWithout("MONEY", abi.encodeCall(Providers.setReputation, (P, 1)));
    }

    function test_refusesATokenWithOtherDecimals() external {
        MockToken five = new MockToken(5);
        vm.expectRevert(abi.encodeWithSelector(Providers.BadDecimals.selector, 5));
        new Providers(five, 500, address(this), address(0));
        MockToken nineteen = new MockToken(19);
        vm.expectRevert(abi.encodeWithSelector(Providers.BadDecimals.selector, 19));
        new Providers(nineteen, 500, address(this), address(0));
    }
}
