// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IHealth} from "../../src/interfaces/IHealth.sol";
import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";
import {Attested} from "../../src/l2/Attested.sol";
import {HealthClock} from "../../src/l2/HealthClock.sol";
import {HealthMessages} from "../../src/lib/HealthMessages.sol";
import {TableKit} from "../TableKit.sol";
import {vm2} from "../l2/Vm2.sol";
import {HealthKit} from "./HealthKit.sol";

/// @notice Lists of windows DOWN: who may call whom down, when, and in which bytes.
contract CertifyTest is HealthKit {
    function _after(uint32 epoch) private {
        _open(epoch);
        vm.warp(_start(epoch + 1));
    }

    /// @dev Leaves members of M's committee out until they hold exactly one seat too few, or one more than that.
    function _signersWith(uint32 epoch, bool enough) private view returns (bytes memory bitmap, uint256 held) {
        bitmap = _all();
        uint32[] memory committee = _plainCommittee(epoch, M);
        uint32[] memory members = _members(committee);
        for (uint256 i; i < members.length; ++i) {
            TableKit.unset(bitmap, members[i]);
            held = _held(committee, bitmap);
            if (held * 3 <= 2 * uint256(SEATS)) {
                if (!enough) return (bitmap, held);
                bitmap[members[i] / 8] |= bytes1(uint8(1 << (members[i] % 8)));
                return (bitmap, _held(committee, bitmap));
            }
        }
    }

    function test_aCertifiedListTakesItsMachinesDown() external {
        _after(0);
        _certify(_two(0, 3, 5, M, 64));
        assertEq(health.downOf(3, 0), 5, "machine 3");
        assertEq(health.downOf(M, 0), 64, "machine 9");
        assertEq(health.downOf(4, 0), 0, "a machine that no list names");
        assertEq(health.downOf(M, 1), 0, "another epoch");
        assertEq(health.lists(0), 1, "lists");
    }

    function test_moreThanTwoThirdsOfTheSeatsAreEnough() external {
        _after(0);
        (bytes memory bitmap, uint256 held) = _signersWith(0, true);
        assertTrue(held < SEATS && held * 3 > 2 * uint256(SEATS), "some are missing, not too many");
        vm.expectEmit();
        emit IHealth.MachineDown(0, M, 0, 6, uint16(held));
        _certifyBy(_one(0, M, 6), bitmap);
        assertEq(health.downOf(M, 0), 6, "down");
    }

    function test_fewerSeatsAreNot() external {
        _after(0);
        (bytes memory bitmap,) = _signersWith(0, false);
        bytes memory list = _one(0, M, 6);
        bytes memory aggregate = _sign(bitmap, sha256(list));
        vm.expectRevert(Attested.NothingCounts.selector);
        health.certify(list, bitmap, aggregate);
    }

    function test_aMachineWithoutItsSeatsHoldsUpNobody() external {
        _after(0);
        (bytes memory bitmap,) = _signersWith(0, false);
        uint64 other = 1;
        while (_held(_plainCommittee(0, other), bitmap) * 3 <= 2 * uint256(SEATS)) ++other;
        assertTrue(other < M, "a machine whose committee is there");
        _certifyBy(_two(0, other, 1, M, 6), bitmap);
        assertEq(health.downOf(other, 0), 1, "this one is down");
        assertEq(health.downOf(M, 0), 0, "this one is not");
    }

    function test_machinesWithoutAnAgentArePassedOver() external {
        machines.set(3, 0, 0);
        machines.set(4, GENESIS + 1, 0); // after the epoch's first second
        machines.set(5, GENESIS - 10, GENESIS); // retired with it
        machines.set(6, GENESIS, GENESIS + 1); // there in it, and no longer
        _after(0);
        _certify(bytes.concat(_head(0, 5), _entry(3, 1), _entry(4, 1), _entry(5, 1), _entry(6, 1), _entry(M, 1)));
        assertEq(health.downOf(3, 0) + health.downOf(4, 0) + health.downOf(5, 0), 0, "not these");
        assertEq(health.downOf(6, 0), 1, "retiring later takes nothing back");
        assertEq(health.downOf(M, 0), 1, "and the last of the list");
    }

    function test_otherSubjectsThanMachinesArePassedOver() external {
        _after(0);
        bytes memory endpoint = abi.encodePacked(uint8(2), M, uint256(1));
        _certify(bytes.concat(_head(0, 2), _entry(3, 1), endpoint));
        assertEq(health.downOf(M, 0), 0, "an endpoint is not the machine");
        assertEq(health.downOf(3, 0), 1, "the machine beside it");
    }

    function test_theSameListAgainAddsNothing() external {
        _after(0);
        bytes memory list = _one(0, M, 6);
        _certify(list);
        bytes memory aggregate = _sign(_all(), sha256(list));
        bytes memory bitmap = _all();
        vm.expectRevert(Attested.NothingCounts.selector);
        health.certify(list, bitmap, aggregate);
    }

    /// @dev Subsets of those with stake, each with more of M's seats than the one before; the first with just enough.
    function _ever(uint32 epoch) private view returns (bytes[] memory bitmaps) {
        uint32[] memory members = _members(_plainCommittee(epoch, M));
        (bytes memory bitmap,) = _signersWith(epoch, true);
        bitmaps = new bytes[](members.length);
        uint256 count;
        bitmaps[count++] = bitmap;
        for (uint256 i; i < members.length; ++i) {
            if (TableKit.has(bitmap, members[i])) continue;
            bitmap = bytes.concat(bitmap);
            bitmap[members[i] / 8] |= bytes1(uint8(1 << (members[i] % 8)));
            bitmaps[count++] = bitmap;
        }
        assembly ("memory-safe") {
            mstore(bitmaps, count)
        }
    }

    function _refuse(bytes memory list, bytes memory bitmap) private {
        bytes memory aggregate = _sign(bitmap, sha256(list));
        vm.expectRevert(Attested.NothingCounts.selector);
        health.certify(list, bitmap, aggregate);
    }

    /// @dev Whoever is first leaves out all but just enough; one of them has given receipts on purpose.
    function test_theFirstToCertifyDoesNotChooseWhoseWordsCount() external {
        _after(0);
        bytes memory list = _one(0, M, 127);
        bytes[] memory bitmaps = _ever(0);
        _certifyBy(list, bitmaps[0]);
        vm.expectEmit();
        emit IHealth.MachineDown(0, M, 1, 0, SEATS);
        _certify(list);
        vm.warp(uint256(health.certifiableUntil(0)) + 1);
        uint32[] memory members = _members(_plainCommittee(0, M));
        uint256 last = members.length - 1; // among the first to sign, as those before it were left out
        assertTrue(TableKit.has(bitmaps[0], members[last]), "it signed");
        for (uint16 w; w < 7; ++w) {
            _appeal(0, 0, M, w, members[last]);
        }
        assertEq(health.downOf(M, 0), 127, "the others hold all windows up");
    }

    /// @dev A strong list in one window does not keep strong ones from the others.
    function test_aStrongerListCountsWindowByWindow() external {
        _after(0);
        bytes[] memory bitmaps = _ever(0);
        _certify(_one(0, M, 1));
        _certifyBy(_one(0, M, 126), bitmaps[0]);
        _certify(_one(0, M, 127));
        _refuse(_one(0, M, 126), _all());
        _refuse(_one(0, M, 3), bitmaps[0]);
        assertEq(health.lists(0), 3, "lists");
    }

    function test_ofAListEachStrengthCountsOnce() external {
        _after(0);
        bytes[] memory bitmaps = _ever(0);
        uint32[] memory committee = _plainCommittee(0, M);
        assertTrue(bitmaps.length >= 3, "some strengths");
        for (uint256 i; i < bitmaps.length; ++i) {
            assertTrue(i == 0 || _held(committee, bitmaps[i]) > _held(committee, bitmaps[i - 1]), "ascending");
            _certifyBy(_one(0, M, 6), bitmaps[i]);
            for (uint256 k; k <= i; ++k) {
                _refuse(_one(0, M, 6), bitmaps[k]);
            }
        }
        assertEq(health.lists(0), bitmaps.length, "lists");
        assertEq(health.downOf(M, 0), 6, "down all the time");
    }

    function test_anotherListAddsItsWindows() external {
        _after(0);
        _certify(_one(0, M, 6));
        vm.expectEmit();
        emit IHealth.MachineDown(0, M, 1, 8, SEATS);
        _certify(_one(0, M, 12));
        assertEq(health.downOf(M, 0), 14, "both");
        _certify(_one(0, M, 64));
        assertEq(health.downOf(M, 0), 78, "all three");
        assertEq(health.lists(0), 3, "lists");
    }

    function test_epochsThatShareASlotDoNotTouch() external {
        for (uint32 e; e < 17; ++e) {
            if (e >= 3) _postTableOnce(e);
            _down(e, M, e % 7 + 1);
        }
        for (uint32 e; e < 17; ++e) {
            assertEq(health.downOf(M, e), e % 7 + 1, "epoch");
        }
    }

    function _postTableOnce(uint32 e) private {
        uint64 stakeEpoch = uint64(e) * LENGTH / STAKE_EPOCH;
        if (!stakes.isComplete(stakeEpoch)) _postTable(stakeEpoch);
    }

    function test_listsAreTakenAfterTheEpochAndForCertifySeconds() external {
        _open(0);
        bytes memory list = _one(0, M, 1);
        bytes memory bitmap = _all();
        bytes memory aggregate = _sign(bitmap, sha256(list));
        vm.warp(_start(1) - 1);
        vm2.expectPartialRevert(HealthClock.OutOfTime.selector);
        health.certify(list, bitmap, aggregate);
        vm.warp(_start(1) + CERTIFY);
        vm2.expectPartialRevert(HealthClock.OutOfTime.selector);
        health.certify(list, bitmap, aggregate);
        vm.warp(_start(1) + CERTIFY - 1);
        assertEq(health.certifiableUntil(0), block.timestamp, "the last second");
        health.certify(list, bitmap, aggregate);
    }

    function test_anEpochMustBeOpen() external {
        vm.warp(_start(1));
        bytes memory list = _one(0, M, 1);
        bytes memory bitmap = _all();
        vm.expectRevert(abi.encodeWithSelector(HealthClock.NotOpen.selector, 0));
        health.certify(list, bitmap, "");
    }

    function test_aWrongSignatureIsRefused() external {
        _after(0);
        bytes memory list = _one(0, M, 1);
        bytes memory bitmap = _all();
        bytes memory aggregate = _sign(bitmap, sha256(_one(0, M, 2)));
        vm.expectRevert(IStakeTable.BadSignature.selector);
        health.certify(list, bitmap, aggregate);
    }

    function _refusedHead(bytes memory list) private {
        bytes memory bitmap = _all();
        vm.expectRevert(HealthMessages.BadList.selector);
        health.certify(list, bitmap, "");
    }

    function test_whatIsNoListIsRefused() external {
        _after(0);
        bytes memory good = _one(0, M, 1);
        _refusedHead("");
        _refusedHead(_head(0, 0)); // no entries
        _refusedHead(bytes.concat(good, hex"00")); // a byte too many
        bytes memory other = bytes.concat(good);
        other[0] ^= 0x01; // tag
        _refusedHead(other);
        other = bytes.concat(good);
        other[35] = 0x02; // version
        _refusedHead(other);
        other = bytes.concat(good);
        other[95] ^= 0x01; // network
        _refusedHead(other);
        bytes memory many = _head(0, 257);
        for (uint64 i = 1; i <= 257; ++i) {
            many = bytes.concat(many, _entry(i, 1));
        }
        _refusedHead(many);
    }

    function _refusedEntry(bytes memory list, uint256 position) private {
        bytes memory bitmap = _all();
        bytes memory aggregate = _sign(bitmap, sha256(list));
        vm.expectRevert(abi.encodeWithSelector(HealthMessages.BadEntry.selector, position));
        health.certify(list, bitmap, aggregate);
    }

    function test_entriesAscendAndNameWindowsOfTheEpoch() external {
        _after(0);
        _refusedEntry(_two(0, M, 1, 3, 1), 1); // descending
        _refusedEntry(_two(0, M, 1, M, 2), 1); // twice
        _refusedEntry(_two(0, 3, 1, M, 0), 1); // no window
        _refusedEntry(_one(0, M, 1 << _windows()), 0); // beyond the last
    }

    function test_theCommitteeIsThatOfTheRule() external {
        _open(0);
        _open(3);
        uint32[2] memory epochs = [uint32(0), 3];
        for (uint256 k; k < 2; ++k) {
            for (uint64 id = 1; id < 6; ++id) {
                uint32[] memory plain = _plainCommittee(epochs[k], id);
                uint32[] memory drawn = health.committeeOf(epochs[k], id);
                assertEq(drawn.length, SEATS, "seats");
                for (uint256 i; i < SEATS; ++i) {
                    assertEq(drawn[i], plain[i], "seat");
                    assertTrue(operatorStakes[drawn[i]] != 0, "no stake, no seat");
                }
            }
        }
    }
}
