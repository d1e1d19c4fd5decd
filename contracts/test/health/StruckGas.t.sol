// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";
import {Attested} from "../../src/l2/Attested.sol";
import {Health} from "../../src/l2/Health.sol";
import {HealthClock} from "../../src/l2/HealthClock.sol";
import {TableKit} from "../TableKit.sol";
import {vm2} from "../l2/Vm2.sol";
import {HealthKit} from "./HealthKit.sol";
import {MockRounds} from "./HealthMocks.sol";
import {TrustingTable} from "./HostileLists.t.sol";

/// @notice What whoever is hostile can make dear: each call of a test is a transaction, with cold storage.
/// forge-config: default.isolate = true
contract StruckGasTest is HealthKit {
    /// @dev What one transaction may cost at most, since EIP-7825.
    uint256 private constant MOST = 16_777_216;

    function _windows() internal pure override returns (uint16) {
        return 240;
    }

    function setUp() public override {
        super.setUp();
        HealthClock.Links memory links = _links(address(0));
        links.table = IStakeTable(address(new TrustingTable(stakes)));
        health = new Health(links);
        _open(0);
        vm.warp(_start(1));
    }

    /// @dev Twenty machines, each in the same windows.
    function _twenty(uint256 windows) private view returns (bytes memory list) {
        list = _head(0, 20);
        for (uint64 id = 1; id <= 20; ++id) {
            list = bytes.concat(list, _entry(id, windows));
        }
    }

    /// @dev Somebody has window 0 certified first, and a receipt of one seat of each machine against it.
    function test_strikesInOneWindowDoNotMakeTheOthersDear() external {
        health.certify(_twenty(1), _all(), "");
        for (uint64 id = 1; id <= 20; ++id) {
            health.appeal(0, 0, id, 0, health.committeeOf(0, id)[0], "");
        }
        health.certify(_twenty((1 << 240) - 1), _all(), "");
        uint256 gas = vm2.lastCallGas().gasTotalUsed;
        emit log_named_uint("certify 20 machines, 240 windows, one struck", gas);
        assertEq(health.downOf(20, 0), (1 << 240) - 1, "all windows");
        assertLe(gas, MOST / 4, "of one transaction");
    }

    /// @dev A committee of 1,024 seats, and each window in a list of its own, with window 0 beside it.
    function test_aWindowFallsForTheGasOfATransactionHoweverManyListsHoldItUp() external {
        vm.warp(GENESIS - 10);
        bytes memory page = _policy(CERTIFY, APPEAL);
        _put(page, 3_014, 2, 1_024);
        rounds = new MockRounds(_schedule(), page);
        HealthClock.Links memory links = _links(address(0));
        links.table = IStakeTable(address(new TrustingTable(stakes)));
        health = new Health(links);
        _open(0);
        vm.warp(_start(1));
        for (uint256 w = 1; w < 240; ++w) {
            health.certify(_one(0, M, 1 | 1 << w), _all(), "");
        }
        assertEq(health.lists(0), 239, "lists");
        assertLe(_fell(0), MOST / 2, "gas of the appeal");
    }

    /// @dev Each window in a list of its own, with window 0 beside it, once for each strength, from the least on.
    function test_soManyListsNameAMachineThatItsWindowsCanFall() external {
        bytes[] memory bitmaps = _ascending();
        uint256 count;
        for (uint256 i; i < bitmaps.length && count < 768; ++i) {
            for (uint256 w = 1; w < 240 && count < 768; ++w) {
                health.certify(_one(0, M, 1 | 1 << w), bitmaps[i], "");
                ++count;
            }
        }
        assertEq(health.lists(0), 768, "lists");
        bytes memory list = _one(0, M, 1 | 1 << 239);
        bytes memory all = _all();
        vm.expectRevert(Attested.NothingCounts.selector);
        health.certify(list, all, "");
        assertLe(_fell(767), MOST, "gas of the appeal");
    }

    /// @dev Sets of operators, each with one more of M's committee; the first with just enough seats.
    function _ascending() private view returns (bytes[] memory bitmaps) {
        uint32[] memory committee = health.committeeOf(0, M);
        uint32[] memory members = _members(committee);
        uint256 least = members.length;
        bytes memory bitmap = _all();
        while (_held(committee, bitmap) * 3 > 2 * uint256(SEATS)) TableKit.unset(bitmap, members[--least]);
        bitmaps = new bytes[](members.length - least);
        for (uint256 i; i < bitmaps.length; ++i) {
            bitmap = bytes.concat(bitmap);
            bitmap[members[least + i] / 8] |= bytes1(uint8(1 << (members[least + i] % 8)));
            bitmaps[i] = bitmap;
        }
    }

    /// @dev Receipts against window 0 of M until it falls: the gas of the last.
    function _fell(uint32 number) private returns (uint256 gas) {
        uint32[] memory members = _members(health.committeeOf(0, M));
        for (uint256 i; health.downOf(M, 0) & 1 == 1; ++i) {
            health.appeal(0, number, M, 0, members[i], "");
            gas = vm2.lastCallGas().gasTotalUsed;
        }
        emit log_named_uint("appeal that fells what many lists hold up", gas);
    }
}
