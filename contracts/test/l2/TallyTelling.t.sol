// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {ITally} from "../../src/interfaces/ITally.sol";
import {TallyKit} from "./TallyKit.sol";

/// @notice What L1 is told, when, and once.
contract TallyTellingTest is TallyKit {
    /// @dev Operators 0 to 7 are shown in all sampled rounds, and all in one that was not posted.
    function _work() private {
        _drawAll();
        uint64[] memory numbers = tally.sampledRounds(0);
        bytes memory some = _all();
        some[1] = 0;
        for (uint256 i = 1; i < SAMPLES; ++i) {
            if (numbers[i] != numbers[0]) _showRound(numbers[i], IRounds.Status.Settled, some);
        }
        _showRound(numbers[0], IRounds.Status.Certified, _all());
    }

    function test_theMessageIsThatOfSection12() external {
        _work();
        uint64[] memory numbers = tally.sampledRounds(0);
        uint256 weight;
        uint256 unposted;
        for (uint256 i; i < SAMPLES; ++i) {
            weight += numbers[i] == numbers[0] ? 2 : 1;
            if (numbers[i] == numbers[0]) unposted += 2;
        }
        bytes memory expected = abi.encodePacked(uint64(0), uint16(weight), uint16(0), uint32(12));
        for (uint256 k; k < 12; ++k) {
            uint256 share = k == 5 ? 0 : k < 8 ? 10_000 : 10_000 * unposted / weight;
            expected = bytes.concat(expected, bytes2(uint16(share)));
        }
        vm.warp(UNTIL + 1);
        vm.expectEmit();
        emit ITally.Tallied(0, expected);
        vm.deal(address(0xBAD), 1 ether);
        vm.prank(address(0xBAD));
        tally.tell{value: 5}(0);
        assertEq(bridge.last(), expected, "message");
        assertEq(bridge.count(), 1, "once");
        assertEq(address(bridge).balance, 5, "value pays for the road");
    }

    function test_notBeforeTheTimeOfShowingIsOver() external {
        _work();
        vm.warp(UNTIL);
        vm.expectRevert(abi.encodeWithSelector(ITally.OutOfTime.selector, UNTIL, UNTIL + 1, type(uint256).max));
        tally.tell(0);
    }

    function test_onlyOnce() external {
        _work();
        vm.warp(UNTIL + 1);
        tally.tell(0);
        (,, bool told) = tally.sampleOf(0);
        assertTrue(told, "told");
        vm.expectRevert(abi.encodeWithSelector(ITally.AlreadyTold.selector, 0));
        tally.tell(0);
        assertEq(bridge.count(), 1, "once");
    }

    /// @dev An outage: L1 hears that nothing counted, and draws no conclusion.
    function test_withoutARoundAllSharesAreZero() external {
        _drawAll();
        for (uint16 i; i < SAMPLES; ++i) {
            _showReceipts(i, _all());
        }
        (uint16 weight, uint16 probes, uint16[] memory shares) = tally.sharesOf(0);
        assertEq(weight, 0, "weight");
        assertEq(probes, SAMPLES, "probes");
        assertEq(abi.encode(shares), abi.encode(new uint16[](12)), "shares");
        vm.warp(UNTIL + 1);
        tally.tell(0);
        bytes memory expected = abi.encodePacked(uint64(0), uint16(0), SAMPLES, uint32(12), new bytes(24));
        assertEq(bridge.last(), expected, "message");
    }

    function test_whatWasToldIsWhatSharesSay() external {
        _work();
        _showReceipts(2, _all());
        vm.warp(UNTIL + 1);
        (uint16 weight, uint16 probes, uint16[] memory shares) = tally.sharesOf(0);
        assertEq(probes, 1, "a probe");
        tally.tell(0);
        bytes memory expected = abi.encodePacked(uint64(0), weight, probes, uint32(12));
        for (uint256 k; k < 12; ++k) {
            expected = bytes.concat(expected, bytes2(shares[k]));
        }
        assertEq(bridge.last(), expected, "message");
    }
}
