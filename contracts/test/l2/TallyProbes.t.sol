// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";
import {ITally} from "../../src/interfaces/ITally.sol";
import {HealthMessages} from "../../src/lib/HealthMessages.sol";
import {TableKit} from "../TableKit.sol";
import {TallyKit} from "./TallyKit.sol";

/// @notice Whose words about a sampled probe are taken, and which are not.
contract TallyProbesTest is TallyKit {
    /// @dev Has no stake.
    uint256 private constant NOBODY = 5;

    uint32 private epoch;
    uint64 private id;
    uint16 private window;

    function setUp() public override {
        super.setUp();
        _drawAll();
        (epoch, id, window) = tally.sampledProbe(0, 3);
    }

    function _pair(uint256 a, uint256 b) private view returns (bytes memory bitmap) {
        bitmap = _alone(a);
        bitmap[b / 8] |= bytes1(uint8(1 << (b % 8)));
    }

    function _shown(uint32 operator) private view returns (bool) {
        return tally.isShown(0, 3, operator);
    }

    // --- receipts ---

    function test_whoGaveAReceiptIsShownByAnyone() external {
        bytes memory bitmap = _pair(2, 9);
        bytes memory aggregate = _receiptsBy(3, bitmap);
        vm.expectEmit();
        emit ITally.ProbeShown(0, 3, bitmap);
        vm.prank(address(0xBAD));
        tally.showReceipts(0, 3, bitmap, aggregate);
        for (uint32 i; i < 12; ++i) {
            assertTrue(_shown(i) == (i == 2 || i == 9), "shown");
            assertTrue(!tally.isShown(0, 4, i) && !tally.isShown(1, 3, i), "elsewhere");
        }
        assertTrue(!_shown(300), "beyond the table");
    }

    function test_wordsAddUp() external {
        _showReceipts(3, _pair(2, 9));
        _showReceipts(3, _alone(0));
        _showReceipts(3, _alone(9));
        _showDowns(3, _one(epoch, id, 1 << window), _alone(11));
        assertTrue(_shown(0) && _shown(2) && _shown(9) && _shown(11), "all of them");
        assertTrue(!_shown(1) && !_shown(10), "nobody else");
    }

    /// @dev A receipt of anything else than the sample is none of it.
    function test_receiptsOfSomethingElseAreNone() external {
        bytes memory bitmap = _alone(2);
        bytes32[3] memory others = [
            _digestOfReceipt(epoch, id, window + 1),
            _digestOfReceipt(epoch + 1, id, window),
            _digestOfReceipt(epoch, id + 3, window)
        ];
        for (uint256 i; i < 3; ++i) {
            bytes memory aggregate = _sign(bitmap, others[i]);
            vm.expectRevert(IStakeTable.BadSignature.selector);
            tally.showReceipts(0, 3, bitmap, aggregate);
        }
    }

    function test_anothersReceiptIsNotOnesOwn() external {
        bytes memory aggregate = _receiptsBy(3, _alone(2));
        bytes memory both = _pair(2, 3);
        vm.expectRevert(IStakeTable.BadSignature.selector);
        tally.showReceipts(0, 3, both, aggregate);
    }

    function test_refusesBitmapsThatAreNotTheTables() external {
        bytes memory aggregate = _receiptsBy(3, _alone(2));
        bytes memory longer = bytes.concat(_alone(2), hex"00");
        vm.expectRevert(IStakeTable.BadBitmap.selector);
        tally.showReceipts(0, 3, longer, aggregate);
        vm.expectRevert(IStakeTable.BadBitmap.selector);
        tally.showReceipts(0, 3, hex"04", aggregate);
        bytes memory beyond = _alone(2);
        beyond[1] |= 0x10; // index 12 of 12
        vm.expectRevert(IStakeTable.BadBitmap.selector);
        tally.showReceipts(0, 3, beyond, aggregate);
    }

    /// @dev Calldata that hides bits right behind the bitmap's end.
    function test_bytesBehindTheBitmapShowNobody() external {
        bytes memory bitmap = _alone(2);
        bytes memory call = abi.encodeCall(ITally.showReceipts, (0, 3, bitmap, _receiptsBy(3, bitmap)));
        uint256 behind = 4 + 5 * 32 + bitmap.length; // selector, head of four words, length
        for (uint256 i = behind; i < behind + 30; ++i) {
            assertEq(uint8(call[i]), 0, "padding");
            call[i] = 0xff;
        }
        (bool ok,) = address(tally).call(call);
        assertTrue(ok && _shown(2), "taken");
        for (uint32 i = 12; i < 256; ++i) {
            assertTrue(!_shown(i), "shown");
        }
    }

    function test_whoHasNoStakeIsNotShown() external {
        bytes memory bitmap = _alone(NOBODY);
        bytes memory aggregate = _receiptsBy(3, bitmap);
        vm.expectRevert(IStakeTable.BadBitmap.selector);
        tally.showReceipts(0, 3, bitmap, aggregate);
    }

    function test_refusesASampleThatIsNotThere() external {
        vm.expectRevert(abi.encodeWithSelector(ITally.NoSuchSample.selector, SAMPLES, SAMPLES));
        tally.showReceipts(0, SAMPLES, "", "");
        vm.expectRevert(abi.encodeWithSelector(ITally.NoSuchSample.selector, type(uint16).max, SAMPLES));
        tally.showDowns(0, type(uint16).max, "", "", "");
    }

    function test_shownUntilTheLastSecond() external {
        bytes memory aggregate = _receiptsBy(3, _alone(2));
        bytes memory list = _one(epoch, id, 1 << window);
        bytes memory late = abi.encodeWithSelector(ITally.OutOfTime.selector, UNTIL + 1, _start(NEXT), UNTIL);
        vm.warp(UNTIL + 1);
        vm.expectRevert(late);
        tally.showReceipts(0, 3, _alone(2), aggregate);
        vm.expectRevert(late);
        tally.showDowns(0, 3, list, "", "");
        vm.warp(UNTIL);
        tally.showReceipts(0, 3, _alone(2), aggregate);
        assertTrue(_shown(2), "shown");
    }

    // --- lists ---

    /// @dev Nobody has certified it.
    function test_whoSignedAnyListIsShown() external {
        uint256 windows = 1 << window | 1 << (window + 1) % _windows();
        bytes memory list = _two(epoch, id - 1, 1, id, windows);
        bytes memory bitmap = _pair(0, 11);
        _showDowns(3, list, bitmap);
        assertTrue(_shown(0) && _shown(11) && !_shown(1), "shown");
    }

    function _notListed(bytes memory list) private {
        bytes memory aggregate = _sign(_alone(2), sha256(list));
        vm.expectRevert(ITally.NotInList.selector);
        tally.showDowns(0, 3, list, _alone(2), aggregate);
    }

    function test_refusesListsWithoutTheProbe() external {
        _notListed(_one(epoch, id, 1 << (window + 1) % _windows()));
        _notListed(_one(epoch, id + 1, 1 << window));
        _notListed(_one(epoch == 0 ? 1 : epoch - 1, id, 1 << window));
        // The endpoint of a lease with the machine's number is not the machine.
        _notListed(bytes.concat(_head(epoch, 1), abi.encodePacked(uint8(2), id, 1 << window)));
    }

    function _isBad(bytes memory list, bytes memory why) private {
        bytes memory aggregate = _sign(_alone(2), sha256(list));
        vm.expectRevert(why);
        tally.showDowns(0, 3, list, _alone(2), aggregate);
    }

    /// @dev Also where what is wrong stands behind the probe.
    function test_refusesBytesThatAreNoList() external {
        bytes memory list = _one(epoch, id, 1 << window);
        _isBad(bytes.concat(list, hex"00"), abi.encodeWithSelector(HealthMessages.BadList.selector));
        bytes memory foreign = bytes.concat(list);
        foreign[40] ^= 0x01; // of the network
        _isBad(foreign, abi.encodeWithSelector(HealthMessages.BadList.selector));
        bytes memory bad = abi.encodeWithSelector(HealthMessages.BadEntry.selector, 1);
        _isBad(_two(epoch, id, 1 << window, id, 1 << window), bad);
        _isBad(_two(epoch, id, 1 << window, id + 1, 0), bad);
        _isBad(_two(epoch, id, 1 << window, id + 1, 1 << _windows()), bad);
    }

    /// @dev A list says a word about its machines, and none about a machine that passed.
    function test_aListIsSignedByItsSigners() external {
        bytes memory list = _one(epoch, id, 1 << window);
        bytes memory aggregate = _sign(_alone(2), sha256(list));
        bytes memory other = _alone(3);
        vm.expectRevert(IStakeTable.BadSignature.selector);
        tally.showDowns(0, 3, list, other, aggregate);
    }

    // --- without an epoch, without a table ---

    function test_aHealthEpochThatNobodyOpenedHasNoCommittee() external {
        _deployTally(SEATS);
        for (uint64 i; i < MACHINES; ++i) {
            _numbered().add(_idOf(i), GENESIS - 10);
        }
        _open(NEXT);
        tally.draw(0);
        bytes memory aggregate = _receiptsBy(3, _alone(2));
        bytes memory expected = abi.encodeWithSelector(ITally.NoRandomness.selector, epoch);
        vm.expectRevert(expected);
        tally.showReceipts(0, 3, _alone(2), aggregate);
        vm.expectRevert(expected);
        tally.showDowns(0, 3, "", "", "");
    }

    /// @dev Nothing can be shown or told of an epoch whose table never came; when it comes, it can.
    function test_anEpochWithoutATableTellsNothing() external {
        for (uint32 e = NEXT + 1; e <= 2 * NEXT; ++e) {
            _open(e);
        }
        tally.draw(1);
        bytes memory expected = abi.encodeWithSelector(IStakeTable.NoTable.selector, 1);
        bytes memory bitmap = _alone(2);
        vm.expectRevert(expected);
        tally.showReceipts(1, 0, bitmap, new bytes(128));
        vm.expectRevert(expected);
        tally.sharesOf(1);
        vm.warp(UNTIL + STAKE_EPOCH + 1);
        vm.expectRevert(expected);
        tally.tell(1);
        (,, bool told) = tally.sampleOf(1);
        assertTrue(!told, "not told");
        _postTable(1);
        tally.tell(1);
        assertEq(bridge.count(), 1, "told");
    }

    // --- what it counts for ---

    /// @dev Everybody's seats, by the committees that health draws; one round makes that anything counts.
    function test_seatsCountWhereMoreThanHalfAreShown() external {
        uint64[] memory numbers = tally.sampledRounds(0);
        _showRound(numbers[0], IRounds.Status.Settled, _all());
        uint256[12] memory seats;
        uint256[12] memory held;
        uint256 counted;
        for (uint16 i; i < SAMPLES; ++i) {
            // Sample by sample fewer operators: somewhere in between the half is passed.
            bytes memory bitmap = _all();
            for (uint256 k; k < 12 && k <= i; ++k) {
                TableKit.unset(bitmap, k);
            }
            if (i < 11) _showReceipts(i, bitmap);
            (uint32 e, uint64 machine,) = tally.sampledProbe(0, i);
            uint32[] memory committee = health.committeeOf(e, machine);
            if (i >= 11 || 2 * _held(committee, bitmap) <= committee.length) continue;
            ++counted;
            for (uint256 k; k < committee.length; ++k) {
                ++seats[committee[k]];
                if (TableKit.has(bitmap, committee[k])) ++held[committee[k]];
            }
        }
        assertTrue(counted >= 3 && counted < 11, "some, not all");

        uint256 weight;
        for (uint256 i; i < SAMPLES; ++i) {
            if (numbers[i] == numbers[0]) ++weight;
        }
        (uint16 rounds_, uint16 probes, uint16[] memory shares) = tally.sharesOf(0);
        assertEq(rounds_, weight, "weight");
        assertEq(probes, counted, "probes");
        assertEq(shares.length, 12, "operators");
        for (uint256 k; k < 12; ++k) {
            uint256 b = seats[k] == 0 ? 10_000 : 10_000 * held[k] / seats[k];
            assertEq(shares[k], k == NOBODY ? 0 : (10_000 + b) / 2, "share");
        }
    }

    /// @dev Where an operator has no seat its word is nobody's business.
    function test_whoDoesNotSitOnTheCommitteeChangesNothing() external {
        uint16 sample = 0;
        uint256 outsider = type(uint256).max;
        bytes memory bitmap;
        for (; outsider == type(uint256).max; ++sample) {
            (uint32 e, uint64 machine,) = tally.sampledProbe(0, sample);
            uint32[] memory committee = health.committeeOf(e, machine);
            for (uint256 k; k < 12; ++k) {
                if (k != NOBODY && _held(committee, _alone(k)) == 0) outsider = k;
            }
        }
        --sample;
        bitmap = _all();
        TableKit.unset(bitmap, outsider);
        _showReceipts(sample, bitmap);
        _showRound(tally.sampledRounds(0)[0], IRounds.Status.Settled, _alone(0));
        (, uint16 probes, uint16[] memory before) = tally.sharesOf(0);
        assertEq(probes, 1, "the probe counts");
        _showReceipts(sample, _alone(outsider));
        (,, uint16[] memory shares) = tally.sharesOf(0);
        assertEq(abi.encode(shares), abi.encode(before), "shares");
    }
}
