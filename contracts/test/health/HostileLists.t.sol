// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";
import {Attested} from "../../src/l2/Attested.sol";
import {Health} from "../../src/l2/Health.sol";
import {HealthClock} from "../../src/l2/HealthClock.sol";
import {HealthMessages} from "../../src/lib/HealthMessages.sol";
import {HealthKit} from "./HealthKit.sol";

/// @notice A stake table that takes every signature: so that what is hostile reaches the code behind it.
contract TrustingTable {
    IStakeTable private immutable _table;

    constructor(IStakeTable table) {
        _table = table;
    }

    function verify(uint64 epoch, bytes32, bytes calldata bitmap, bytes calldata)
        external
        view
        returns (uint256 signed, uint256 total)
    {
        bytes memory stakes;
        (,,, stakes) = _table.tableOf(epoch);
        if (bitmap.length != (stakes.length / 16 + 7) / 8) revert IStakeTable.BadBitmap();
        for (uint256 i; i < stakes.length / 16; ++i) {
            uint256 stake;
            assembly ("memory-safe") {
                stake := shr(128, mload(add(add(stakes, 32), mul(i, 16))))
            }
            total += stake;
            if (uint8(bitmap[i / 8]) >> (i % 8) & 1 == 1) signed += stake;
        }
    }

    function tableOf(uint64 epoch) external view returns (uint32, uint128, bytes memory, bytes memory) {
        return _table.tableOf(epoch);
    }
}

/// @notice Lists that nobody honest would write: each is refused by name, or counts by the letter of the rule.
contract HostileListsTest is HealthKit {
    function setUp() public override {
        super.setUp();
        HealthClock.Links memory links = _links(address(0));
        links.table = IStakeTable(address(new TrustingTable(stakes)));
        health = new Health(links);
        _open(0);
        vm.warp(_start(1));
    }

    function _isNamed(bytes memory reason) private pure returns (bool) {
        if (reason.length < 4) return false;
        bytes4 selector = bytes4(reason);
        return selector == HealthMessages.BadList.selector || selector == HealthMessages.BadEntry.selector
            || selector == HealthClock.NotOpen.selector || selector == HealthClock.OutOfTime.selector
            || selector == Attested.NothingCounts.selector || selector == IStakeTable.BadBitmap.selector;
    }

    function _mayRefuse(bytes memory list, bytes memory bitmap) private returns (bool taken) {
        try health.certify(list, bitmap, "") {
            taken = true;
        } catch (bytes memory reason) {
            assertTrue(_isNamed(reason), "refused by name");
        }
    }

    /// forge-config: default.fuzz.runs = 256
    function testFuzz_anyBytesAreRefusedByName(bytes memory list, bytes memory bitmap) external {
        assertTrue(!_mayRefuse(list, bitmap), "no list");
    }

    /// forge-config: default.fuzz.runs = 256
    function testFuzz_bytesBehindAGoodHeadAreRefusedByNameOrCount(uint32 epoch, uint16 count, bytes memory rest)
        external
    {
        _mayRefuse(bytes.concat(_head(epoch % 3, count), rest), _all());
        for (uint64 id = 1; id <= 20; ++id) {
            assertEq(health.downOf(id, 0) >> _windows(), 0, "no window beyond the epoch's");
        }
    }

    /// @dev A whole list with one byte changed, and perhaps cut or longer.
    /// forge-config: default.fuzz.runs = 256
    function testFuzz_aByteChangedIsRefusedByNameOrCounts(uint256 place, uint8 mask, uint256 cut) external {
        bytes memory list = bytes.concat(_head(0, 3), _entry(3, 5), _entry(7, 64), _entry(M, 1));
        bytes memory changed = bytes.concat(list, "!");
        uint256 length = cut % 4 == 0 ? bound(cut >> 2, 0, changed.length) : list.length;
        changed[place % list.length] ^= bytes1(mask);
        assembly ("memory-safe") {
            mstore(changed, length)
        }
        _mayRefuse(changed, _all());
    }

    /// @dev Entries of any order and windows, signed by anybody: the outcome is that of the rule, entry by entry.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_whatCountsIsWhatTheRuleSays(
        uint8[6] memory ids,
        uint8[6] memory windows,
        uint16 signers,
        uint256 gone
    ) external {
        bytes memory list = _head(0, 6);
        bytes memory bitmap = new bytes(2);
        if (gone & 4 == 0) signers |= uint16(gone >> 32) | uint16(gone >> 48);
        (bitmap[0], bitmap[1]) = (bytes1(uint8(signers)) & _all()[0], bytes1(uint8(signers >> 8)) & _all()[1]);
        bool wellFormed = true;
        bool counts;
        uint256[21] memory expected;
        for (uint256 i; i < 6; ++i) {
            // Half of the time in order.
            uint64 id = gone & 1 == 0 ? uint64(1 + 3 * i + ids[i] % 3) : 1 + ids[i] % 20;
            uint256 mask = gone & 2 == 0 ? windows[i] & 0x7f : windows[i];
            list = bytes.concat(list, _entry(id, mask));
            if (mask == 0 || mask > 0x7f) wellFormed = false;
            bool registered = gone >> (8 + id) & 1 == 0;
            if (!registered) machines.set(id, 0, 0);
            if (registered && _held(_plainCommittee(0, id), bitmap) * 3 > 2 * uint256(SEATS)) {
                expected[id] = mask;
                counts = true;
            }
        }
        if (!_inOrder(list)) wellFormed = false;
        bool taken = _mayRefuse(list, bitmap);
        assertTrue(taken == (wellFormed && counts), "taken exactly when something counts");
        for (uint64 id = 1; id <= 20; ++id) {
            assertEq(health.downOf(id, 0), taken ? expected[id] : 0, "windows of the machine");
        }
    }

    function _idAt(bytes memory list, uint256 i) private pure returns (uint64 id) {
        for (uint256 k; k < 8; ++k) {
            id = id << 8 | uint8(list[102 + 41 * i + 1 + k]);
        }
    }

    function _inOrder(bytes memory list) private pure returns (bool) {
        for (uint256 i = 1; i < 6; ++i) {
            if (_idAt(list, i) <= _idAt(list, i - 1)) return false;
        }
        return true;
    }
}
