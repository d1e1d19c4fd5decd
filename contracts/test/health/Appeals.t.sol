// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IHealth} from "../../src/interfaces/IHealth.sol";
import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";
import {Appeals} from "../../src/l2/Appeals.sol";
import {Attested} from "../../src/l2/Attested.sol";
import {HealthClock} from "../../src/l2/HealthClock.sol";
import {SeatBook} from "../../src/l2/SeatBook.sol";
import {TableKit} from "../TableKit.sol";
import {vm2} from "../l2/Vm2.sol";
import {HealthKit} from "./HealthKit.sol";

/// @notice Receipts against lists.
contract AppealsTest is HealthKit {
    uint32[] private _committee;
    uint32[] private _memberList;

    /// @dev M is DOWN in windows 1 and 2 of epoch 0, by all.
    function setUp() public override {
        super.setUp();
        _down(0, M, 6);
        _committee = _plainCommittee(0, M);
        _memberList = _members(_committee);
    }

    function _seatsOf(uint32 operator) private view returns (uint256 seats) {
        for (uint256 i; i < _committee.length; ++i) {
            if (_committee[i] == operator) ++seats;
        }
    }

    /// @dev Strikes members of list `number` for window 1 until no two thirds are left; returns how many it took.
    function _fell(uint32 number) private returns (uint256 struck) {
        uint256 left = SEATS;
        while (left * 3 > 2 * uint256(SEATS)) {
            left -= _seatsOf(_memberList[struck]);
            _appeal(0, number, M, 1, _memberList[struck++]);
        }
    }

    function test_aWindowFallsWithTheSeatThatMakesTwoThirds() external {
        uint256 left = SEATS;
        for (uint256 i; health.downOf(M, 0) & 2 != 0; ++i) {
            assertTrue(left * 3 > 2 * uint256(SEATS), "it stands on two thirds");
            left -= _seatsOf(_memberList[i]);
            vm.expectEmit();
            emit IHealth.SeatsStruck(
                0,
                M,
                0,
                1,
                _memberList[i],
                uint16(_seatsOf(_memberList[i])),
                left * 3 <= 2 * uint256(SEATS),
                _receipt(_memberList[i], 0, M, 1)
            );
            _appeal(0, 0, M, 1, _memberList[i]);
        }
        assertTrue(left * 3 <= 2 * uint256(SEATS), "it fell on less");
        assertEq(health.downOf(M, 0), 4, "the other window stands");
    }

    /// @dev All but some members of the committee, by their place among them.
    function _allBut(uint256 first, uint256 count) private view returns (bytes memory bitmap) {
        bitmap = _all();
        for (uint256 i; i < count; ++i) {
            TableKit.unset(bitmap, _memberList[first + i]);
        }
    }

    /// @dev Seats of a bitmap's members without the last ones struck: those of `struck` members from the third on.
    function _left(bytes memory bitmap, uint256 struck) private view returns (uint256) {
        bytes memory rest = bytes.concat(bitmap);
        for (uint256 i; i < struck; ++i) {
            TableKit.unset(rest, _memberList[2 + i]);
        }
        return _held(_committee, rest);
    }

    /// @dev Two lists call window 0 DOWN, one without a member, the other without two. Who signed both is struck, one
    /// after another: the weaker list falls first.
    function test_aWindowStandsWhileAnotherListHoldsItUp() external {
        (bytes memory weak, bytes memory strong) = (_allBut(0, 2), _allBut(0, 1));
        _certifyBy(_one(0, M, 1), weak);
        _certifyBy(_one(0, M, 9), strong);
        bool held; // by the strong one alone
        for (uint256 struck; health.downOf(M, 0) & 1 == 1;) {
            _appeal(0, 1, M, 0, _memberList[2 + struck++]);
            bool byWeak = _left(weak, struck) * 3 > 2 * uint256(SEATS);
            bool byStrong = _left(strong, struck) * 3 > 2 * uint256(SEATS);
            assertEq(health.downOf(M, 0) & 1, byStrong ? 1 : 0, "as the stronger list says");
            if (byStrong && !byWeak) held = true;
        }
        assertTrue(held, "for a while the stronger list alone held it up");
    }

    function test_aStrikeHoldsForEveryList() external {
        _certify(_one(0, M, 10)); // window 1 again, and window 3
        bytes memory receipt = _receipt(_memberList[0], 0, M, 1);
        health.appeal(0, 1, M, 1, _memberList[0], receipt);
        vm.expectRevert(abi.encodeWithSelector(SeatBook.AlreadyStruck.selector, _memberList[0]));
        health.appeal(0, 0, M, 1, _memberList[0], receipt);
        uint256 left = SEATS - _seatsOf(_memberList[0]);
        for (uint256 i = 1; left * 3 > 2 * uint256(SEATS); ++i) {
            assertEq(health.downOf(M, 0), 14, "it stands");
            left -= _seatsOf(_memberList[i]);
            _appeal(0, uint32(i % 2), M, 1, _memberList[i]);
        }
        assertEq(health.downOf(M, 0), 12, "it fell in both");
    }

    function test_aListThatFellDoesNotComeBack() external {
        _fell(0);
        bytes memory bitmap = _all();
        bytes memory list = _one(0, M, 2);
        bytes memory aggregate = _sign(bitmap, sha256(list));
        vm.expectRevert(Attested.NothingCounts.selector);
        health.certify(list, bitmap, aggregate);
        _certify(_one(0, M, 10));
        assertEq(health.downOf(M, 0), 12, "window 3 counts, window 1 does not");
        bytes memory receipt = _receipt(_memberList[10], 0, M, 1);
        vm.expectRevert(abi.encodeWithSelector(Appeals.NotListed.selector, M, 1));
        health.appeal(0, 1, M, 1, _memberList[10], receipt);
    }

    function test_whoWasNotStruckMayCertifyAnew() external {
        bytes memory few = _allBut(0, 2);
        assertTrue(_held(_committee, few) * 3 > 2 * uint256(SEATS), "enough without two");
        _certifyBy(_one(0, M, 1), few);
        uint256 left = _held(_committee, few);
        uint256 struck = 2;
        while (left * 3 > 2 * uint256(SEATS)) {
            left -= _seatsOf(_memberList[struck]);
            _appeal(0, 1, M, 0, _memberList[struck++]);
        }
        assertEq(health.downOf(M, 0) & 1, 0, "it fell");
        left += _seatsOf(_memberList[0]) + _seatsOf(_memberList[1]);
        assertTrue(left * 3 > 2 * uint256(SEATS), "with the two there are enough who gave no receipt");
        _certify(_one(0, M, 1));
        assertEq(health.downOf(M, 0) & 1, 1, "and it is down again");
    }

    function test_strikesInOneWindowLeaveAnotherAlone() external {
        uint256 struck = _fell(0);
        for (uint256 i; i + 1 < struck; ++i) {
            _appeal(0, 0, M, 2, _memberList[i]);
        }
        assertEq(health.downOf(M, 0), 4, "one seat is missing");
        _appeal(0, 0, M, 2, _memberList[struck - 1]);
        assertEq(health.downOf(M, 0), 0, "now it is not");
    }

    function test_receiptsAreTakenOfAFallenWindowToo() external {
        uint256 struck = _fell(0);
        uint32 next = _memberList[struck];
        vm.expectEmit();
        emit IHealth.SeatsStruck(0, M, 0, 1, next, uint16(_seatsOf(next)), true, _receipt(next, 0, M, 1));
        _appeal(0, 0, M, 1, next);
    }

    function test_anOperatorIsStruckOnce() external {
        bytes memory receipt = _receipt(_memberList[0], 0, M, 1);
        health.appeal(0, 0, M, 1, _memberList[0], receipt);
        vm.expectRevert(abi.encodeWithSelector(SeatBook.AlreadyStruck.selector, _memberList[0]));
        health.appeal(0, 0, M, 1, _memberList[0], receipt);
    }

    function test_onlyItsOwnReceiptStrikesAnOperator() external {
        uint32 operator = _memberList[0];
        bytes[5] memory receipts = [
            _receipt(_memberList[1], 0, M, 1), // another operator's
            _receipt(operator, 1, M, 1), // another epoch
            _receipt(operator, 0, M + 1, 1), // another machine
            _receipt(operator, 0, M, 2), // another window
            bytes("")
        ];
        for (uint256 i; i < 5; ++i) {
            vm.expectRevert(IStakeTable.BadSignature.selector);
            health.appeal(0, 0, M, 1, operator, receipts[i]);
        }
        assertEq(health.downOf(M, 0), 6, "nothing has changed");
    }

    function test_whoDidNotSignIsNotStruck() external {
        uint256[] memory absent = new uint256[](1);
        absent[0] = _memberList[0];
        bytes memory bitmap = _without(absent);
        assertTrue(_held(_committee, bitmap) * 3 > 2 * uint256(SEATS), "the others are enough");
        _certifyBy(_one(0, M, 8), bitmap);
        bytes memory receipt = _receipt(_memberList[0], 0, M, 3);
        vm.expectRevert(abi.encodeWithSelector(Appeals.NotASigner.selector, _memberList[0]));
        health.appeal(0, 1, M, 3, _memberList[0], receipt);
        vm.expectRevert(abi.encodeWithSelector(Appeals.NotASigner.selector, type(uint32).max));
        health.appeal(0, 1, M, 3, type(uint32).max, receipt);
    }

    function test_absenteesCountAsIfStruck() external {
        uint256[] memory absent = new uint256[](1);
        absent[0] = _memberList[0];
        _certifyBy(_one(0, M, 8), _without(absent));
        uint256 left = SEATS - _seatsOf(_memberList[0]);
        for (uint256 i = 1; left * 3 > 2 * uint256(SEATS); ++i) {
            assertEq(health.downOf(M, 0), 14, "it stands");
            left -= _seatsOf(_memberList[i]);
            _appeal(0, 1, M, 3, _memberList[i]);
        }
        assertEq(health.downOf(M, 0), 6, "it fell");
    }

    function test_whoHasNoSeatIsNotStruck() external {
        uint64 id = 1;
        uint32 stranger;
        // A machine with a staked operator that is not on its committee.
        for (bool found; !found; ++id) {
            uint32[] memory committee = _plainCommittee(0, id);
            for (stranger = 0; stranger < operatorStakes.length && !found; ++stranger) {
                bytes memory alone = new bytes(2);
                alone[stranger / 8] = bytes1(uint8(1 << (stranger % 8)));
                found = operatorStakes[stranger] != 0 && _held(committee, alone) == 0;
            }
        }
        (id, stranger) = (id - 1, stranger - 1);
        _certify(_one(0, id, 2));
        bytes memory receipt = _receipt(stranger, 0, id, 1);
        vm.expectRevert(abi.encodeWithSelector(Appeals.NoSeat.selector, stranger));
        health.appeal(0, 1, id, 1, stranger, receipt);
    }

    function test_onlyWhatAListSaysCanBeAppealed() external {
        uint32 operator = _memberList[0];
        bytes memory receipt = _receipt(operator, 0, M, 3);
        vm.expectRevert(abi.encodeWithSelector(Appeals.NotListed.selector, M, 3));
        health.appeal(0, 0, M, 3, operator, receipt);
        vm.expectRevert(abi.encodeWithSelector(Appeals.NotListed.selector, M + 1, 1));
        health.appeal(0, 0, M + 1, 1, operator, receipt);
        vm.expectRevert(abi.encodeWithSelector(Appeals.NotListed.selector, M, 256));
        health.appeal(0, 0, M, 256, operator, receipt);
        vm.expectRevert(abi.encodeWithSelector(Appeals.NoSuchList.selector, 0, 1));
        health.appeal(0, 1, M, 1, operator, receipt);
        vm.expectRevert(abi.encodeWithSelector(Appeals.NoSuchList.selector, 1, 0));
        health.appeal(1, 0, M, 1, operator, receipt);
    }

    function test_receiptsAreTakenUntilTheEpochIsSettled() external {
        uint32 operator = _memberList[0];
        bytes memory receipt = _receipt(operator, 0, M, 1);
        vm.warp(_start(1) + CERTIFY + APPEAL);
        vm2.expectPartialRevert(HealthClock.OutOfTime.selector);
        health.appeal(0, 0, M, 1, operator, receipt);
        vm.warp(_start(1) + CERTIFY + APPEAL - 1);
        assertEq(health.appealableUntil(0), block.timestamp, "the last second");
        health.appeal(0, 0, M, 1, operator, receipt);
    }

    function test_anEntryThatDidNotCountIsNotAppealed() external {
        machines.set(3, 0, 0);
        _certify(_two(0, 3, 2, 4, 2));
        uint32 operator = _members(_plainCommittee(0, 3))[0];
        bytes memory receipt = _receipt(operator, 0, 3, 1);
        vm.expectRevert(abi.encodeWithSelector(Appeals.NotListed.selector, 3, 1));
        health.appeal(0, 1, 3, 1, operator, receipt);
    }
}
