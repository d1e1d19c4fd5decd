// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Alerts} from "../../src/lib/Alerts.sol";
import {Capacity} from "../../src/lib/Capacity.sol";
import {RecordPages} from "../../src/lib/RecordPages.sol";
import {RoundState} from "../../src/lib/RoundState.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {UsedTrace} from "../../src/lib/UsedTrace.sol";
import {Base} from "../Base.t.sol";
import {vm2} from "./Vm2.sol";

/// @notice Lane arithmetic against arithmetic component by component.
contract CapacityTest is Base {
    function _component(uint256 packed, uint256 i) private pure returns (uint256) {
        return i == 4 ? packed >> 128 : uint32(packed >> 32 * i);
    }

    function _lane(uint256 lanes, uint256 i) private pure returns (uint256) {
        return lanes >> 48 * i & (1 << 48) - 1;
    }

    function testFuzz_spreadKeepsEveryComponent(uint136 a) external pure {
        uint256 lanes = Capacity.spread(a);
        for (uint256 i; i < 5; ++i) {
            assertEq(_lane(lanes, i), _component(a, i), "component");
        }
        assertEq(lanes >> 240, 0, "nothing above");
    }

    function testFuzz_sumsFitComponentwise(uint136 a, uint136 b, uint136 c) external pure {
        bool expected = true;
        for (uint256 i; i < 5; ++i) {
            if (_component(a, i) + _component(b, i) > _component(c, i)) expected = false;
        }
        uint256 sum = Capacity.spread(a) + Capacity.spread(b);
        assertTrue(Capacity.fits(sum, Capacity.spread(c)) == expected, "fits");
        assertTrue(Capacity.fits(Capacity.spread(a), Capacity.spread(a)), "equal fits");
        assertTrue(Capacity.bothFit(0, 0, sum, Capacity.spread(c)) == expected, "second of both");
        assertTrue(Capacity.bothFit(sum, Capacity.spread(c), 0, 0) == expected, "first of both");
    }

    function testFuzz_minusStopsAtZero(uint136 a, uint136 b) external pure {
        uint256 lanes = Capacity.minus(Capacity.spread(a), Capacity.spread(b));
        for (uint256 i; i < 5; ++i) {
            (uint256 x, uint256 y) = (_component(a, i), _component(b, i));
            assertEq(_lane(lanes, i), x > y ? x - y : 0, "component");
        }
    }
}

/// @notice Pages of records: where they lie and what is in them.
contract RecordPagesTest is Base {
    function create(uint256 page, bytes memory records) external {
        RecordPages.create(page, records);
    }

    /// @dev The RLP of a nonce changes its length at these.
    function test_addressesFollowFromTheNumber() external view {
        uint32[11] memory nonces =
            [uint32(1), 2, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0xffffff, 0x1000000, 0x3ffffff];
        for (uint256 i; i < nonces.length; ++i) {
            assertEq(
                RecordPages.addressOf(nonces[i]),
                vm2.computeCreateAddress(address(this), nonces[i]),
                "address of a page"
            );
        }
    }

    function testFuzz_readsBackWhatWasWritten(bytes calldata noise, uint40 time) external {
        bytes memory records = new bytes(320);
        for (uint256 i; i < noise.length && i < 320; ++i) {
            records[i] = noise[i];
        }
        vm.warp(time);
        uint256 page = vm2.getNonce(address(this));
        RecordPages.create(page, records);
        assertEq(RecordPages.createdOf(RecordPages.addressOf(page)), time, "time");
        assertEq(
            bytes.concat(RecordPages.read(page << 6, 160), RecordPages.read(page << 6 | 1, 160)), records, "records"
        );
        bytes32 word;
        assembly ("memory-safe") {
            word := mload(add(records, 192))
        }
        address code = RecordPages.pageOf(page << 6 | 1);
        assertEq(bytes32(RecordPages.word(code, RecordPages.offsetOf(page << 6 | 1, 160))), word, "word");
    }

    function test_refusesAPageThatIsNotTheNext() external {
        uint256 page = vm2.getNonce(address(this)) + 1;
        vm.expectRevert(abi.encodeWithSelector(RecordPages.PageNotCreated.selector, page));
        this.create(page, "record");
    }
}

/// @notice The trace of what is used against a list of all changes.
contract UsedTraceTest is Base {
    UsedTrace.History private _history;
    uint256[] private _times;
    uint256[] private _values;

    /// @dev Some changes, several of them in one second, then every time is looked up.
    function testFuzz_valueAtAnyTimeIsThatOfTheLastChange(uint8[24] calldata steps, uint48 marks) external {
        uint256 head = uint256(marks) << 208;
        uint256 t = 1_000;
        for (uint256 i; i < steps.length; ++i) {
            t += steps[i] % 4;
            vm.warp(t);
            uint256 value = uint256(keccak256(abi.encode(i))) >> 120;
            head = UsedTrace.push(_history, 9, head, value);
            _times.push(t);
            _values.push(value);
            assertEq(UsedTrace.used(head), value, "now");
            assertEq(head >> 208, marks, "the market's bits stay");
        }
        uint256 seconds_;
        for (uint256 i = 1; i < _times.length; ++i) {
            if (_times[i] != _times[i - 1]) ++seconds_;
        }
        assertEq(head >> 176 & type(uint32).max, seconds_, "one checkpoint a second");
        for (uint256 at_ = 999; at_ <= t + 1; ++at_) {
            uint256 expected;
            for (uint256 i; i < _times.length; ++i) {
                if (_times[i] <= at_) expected = _values[i];
            }
            assertEq(UsedTrace.valueAt(_history, 9, head, at_), expected, "value at a time");
        }
    }

    function test_offersDoNotShareAHistory() external {
        vm.warp(10);
        uint256 a = UsedTrace.push(_history, 1, 0, 5);
        uint256 b = UsedTrace.push(_history, 2, 0, 7);
        vm.warp(20);
        a = UsedTrace.push(_history, 1, a, 6);
        b = UsedTrace.push(_history, 2, b, 8);
        assertEq(UsedTrace.valueAt(_history, 1, a, 15), 5, "first offer");
        assertEq(UsedTrace.valueAt(_history, 2, b, 15), 7, "second offer");
    }
}

/// @notice A round's state survives its slot.
contract RoundStateTest is Base {
    function testFuzz_packKeepsEveryField(
        uint40[4] calldata a,
        uint8 status,
        uint32 count,
        uint24 posted,
        bool[2] calldata flags
    ) external pure {
        RoundState.State memory s = RoundState.State(
            a[0],
            IRounds.Status(status % 4),
            a[1],
            a[2],
            count,
            posted,
            flags[0],
            flags[1],
            a[3],
            uint16(count),
            uint8(posted)
        );
        assertEq(abi.encode(RoundState.unpack(RoundState.pack(s))), abi.encode(s), "state");
    }

    function test_emptySlotIsNoRound() external pure {
        assertTrue(RoundState.unpack(0).status == IRounds.Status.None, "none");
    }
}

/// @notice How long an alert lasts, for rings of any length.
contract AlertsTest is Base {
    /// @dev What was refuted lies at or before the newest round of its time, and keeps its digest for a lap.
    function testFuzz_neverEndsTooEarly(uint40 refuted, uint32 later, uint32 ring, uint32 since) external pure {
        ring = ring == 0 ? 1 : ring;
        uint256 newest = uint256(refuted) + later % ring;
        uint256 n = newest + since % (uint256(refuted) + ring - newest);
        uint256 mark = Alerts.mark(newest, ring);
        assertTrue(mark != 0 && mark < 256, "a mark of 8 bits");
        assertTrue(Alerts.holds(mark, n, ring), "the digest is kept, so its signers may be struck");
    }

    function testFuzz_endsAfterALapAndTwoParts(uint40 newest, uint32 ring, uint256 since) external pure {
        ring = ring == 0 ? 1 : ring;
        uint256 part = (uint256(ring) + 63) / 64;
        // For nearly four laps from then on.
        uint256 n = newest + 65 * part + since % (189 * part);
        assertTrue(!Alerts.holds(Alerts.mark(newest, ring), n, ring), "it ends");
    }
}
