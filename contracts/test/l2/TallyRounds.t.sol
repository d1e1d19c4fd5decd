// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IAttendance} from "../../src/interfaces/IAttendance.sol";
import {IHealth} from "../../src/interfaces/IHealth.sol";
import {IMachines} from "../../src/interfaces/IMachines.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Attendance} from "../../src/l2/Attendance.sol";
import {Tally} from "../../src/l2/Tally.sol";
import {SignedKit} from "./SignedKit.sol";

/// @notice A health that is nothing but randomness.
contract Dice {
    bytes32 public word;

    function roll(bytes32 word_) external {
        word = word_;
    }

    function randomnessOf(uint32) external view returns (bytes32) {
        return word;
    }
}

/// @notice No machines: work is rounds alone.
contract NoMachines {
    function forHireCount(uint64) external pure returns (uint64) {
        return 0;
    }
}

/// @notice Rounds of every fate, settled by the real `Rounds`, and what they count for. Ten operators with equal stake.
contract TallyRoundsTest is SignedKit {
    uint32 private constant GRACE = 700;
    uint256 private constant OPERATORS = 10;
    /// @dev May still be refuted when the sample is drawn. The one after it is not shown before.
    uint64 private constant STANDING = EPOCH - 2;
    uint64 private constant LAST = EPOCH - 1;

    Attendance private attendance;
    Dice private dice;
    Tally private tally;
    /// @dev What each round weighs: nothing unless more than half of the operators are shown.
    mapping(uint64 n => uint256) private _weight;

    function _ring() internal pure override returns (uint32) {
        return 128;
    }

    function setUp() public override {
        _deploySigned(OPERATORS, 2);
        attendance = new Attendance(rounds, stakes, GRACE);
        dice = new Dice();
        tally =
            new Tally(rounds, stakes, IHealth(address(dice)), IMachines(address(new NoMachines())), attendance, bridge);
        // Every round is live after one that was posted at once; what is not posted takes the next one's place.
        _settled(0, 9);
        _settled(1, 6);
        _unposted(2, 7);
        _refuted(4);
        _settled(5, 8);
        _proposed(6, 5);
        _runSigned(7, _only(0, 6)); // nobody shows anything
        for (uint64 n = 8; n < 30; ++n) {
            if (n % 3 == 0) _runSigned(n, _only(0, 6));
            else _settled(n, n % 9 + 1);
        }
        // Nobody settles the next ones.
        _settled(STANDING, 9);
        _runSigned(LAST, _only(0, 6));
    }

    function _present(uint64 n, uint256 last) private {
        bytes memory bitmap = _only(0, last);
        attendance.present(n, bitmap, _sign(bitmap, _digestOf(n)));
    }

    function _settled(uint64 n, uint256 last) private {
        _runSigned(n, _only(0, 6));
        _present(n, last);
        if (last > 4) _weight[n] = 1;
    }

    function _unposted(uint64 n, uint256 last) private {
        vm.warp(_closeOf(n) + 30);
        rounds.settle(_certificate(n, _only(0, 6)));
        vm.warp(_closeOf(n) + TIMEOUT + 1);
        _present(n, last);
        if (last > 4) _weight[n] = 2;
    }

    /// @dev Shown while it stood.
    function _refuted(uint64 n) private {
        _runSigned(n, _only(0, 6));
        _present(n, 9);
        _refute(n, 14, 0);
    }

    /// @dev Nobody certified it, but some had signed.
    function _proposed(uint64 n, uint256 last) private {
        IRounds.Settlement memory s = _propose(n, "");
        rounds.postChunk(_headerOf(s), _chunk(n, "", 0));
        _present(n, last);
        if (last > 4) _weight[n] = 1;
    }

    function _drawWith(bytes32 randomness) private {
        dice.roll(randomness == 0 ? bytes32(uint256(1)) : randomness);
        vm.warp(GENESIS + 3600);
        tally.draw(0);
    }

    /// @dev Whatever is sampled: who is shown in what counts, and in nothing else.
    function testFuzz_roundsCountByTheirFate(bytes32 randomness) external {
        _drawWith(randomness);
        uint64[] memory numbers = tally.sampledRounds(0);
        uint256 weight;
        uint256[OPERATORS] memory shown;
        for (uint256 i; i < numbers.length; ++i) {
            weight += _weight[numbers[i]];
            for (uint32 k; k < OPERATORS; ++k) {
                if (attendance.isPresented(numbers[i], k)) shown[k] += _weight[numbers[i]];
            }
        }
        (uint16 counted, uint16 probes, uint16[] memory shares) = tally.sharesOf(0);
        assertEq(counted, weight, "weight");
        assertEq(probes, 0, "probes");
        assertEq(shares.length, OPERATORS, "operators");
        for (uint256 k; k < OPERATORS; ++k) {
            assertEq(shares[k], weight == 0 ? 0 : 10_000 * shown[k] / weight, "share");
        }
    }

    /// @dev The first randomness whose sample has a round.
    function _drawFor(uint64 n) private returns (uint256 times) {
        for (uint256 i = 1; times == 0; ++i) {
            uint256 state = vm.snapshotState();
            _drawWith(bytes32(i));
            times = _timesOf(n);
            if (times == 0) vm.revertToState(state);
        }
    }

    function _timesOf(uint64 n) private view returns (uint256 times) {
        uint64[] memory numbers = tally.sampledRounds(0);
        for (uint256 i; i < numbers.length; ++i) {
            if (numbers[i] == n) ++times;
        }
    }

    function _weightNow() private view returns (uint256 weight) {
        (weight,,) = tally.sharesOf(0);
    }

    function test_aRoundRefutedAfterItWasShownCountsNoMore() external {
        uint256 times = _drawFor(STANDING);
        uint256 before = _weightNow();
        assertEq(_weight[STANDING], 1, "shown");
        _refute(STANDING, 14, 0);
        assertEq(_weightNow(), before - times, "without it");
    }

    function test_signersAreShownInTheGrace() external {
        uint256 times = _drawFor(LAST);
        uint256 before = _weightNow();
        vm.warp(tally.showableUntil(0));
        _present(LAST, 9);
        assertEq(_weightNow(), before + times, "with it");
        vm.warp(block.timestamp + 1);
        bytes memory bitmap = _only(0, 9);
        bytes memory aggregate = _sign(bitmap, _digestOf(LAST));
        vm.expectRevert(abi.encodeWithSelector(IAttendance.NotPresentable.selector, LAST));
        attendance.present(LAST, bitmap, aggregate);
    }

    function test_workIsShownAsLongAsRoundsTakePresentations() external view {
        for (uint64 e; e < 3; ++e) {
            assertEq(tally.showableUntil(e), attendance.presentableUntil(EPOCH * e), "first");
            assertEq(tally.showableUntil(e), attendance.presentableUntil(EPOCH * e + EPOCH - 1), "last");
        }
    }
}
