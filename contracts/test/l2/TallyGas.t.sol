// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {BLS12381} from "../../src/lib/BLS12381.sol";
import {BlsKit} from "../BlsKit.sol";
import {Roster} from "../../src/lib/Roster.sol";
import {TallyKit, TallyMachines} from "./TallyKit.sol";
import {vm2} from "./Vm2.sol";

/// @notice Machines in the list that `Machines` keeps, from the moment on in which they are added.
contract ListedMachines is TallyMachines {
    using Roster for Roster.List;

    Roster.List private _list;

    function add(uint64 offerId, uint64) external override {
        _list.put(offerId, true);
    }

    function forHireCount(uint64 time) external view override returns (uint64) {
        return _list.sizeAt(time);
    }

    function forHireAt(uint64 time, uint64 place) external view override returns (uint64) {
        return _list.idAt(time, place);
    }
}

/// @notice What counting work costs: each call of a test is a transaction, with cold storage. Everybody is shown wherever
/// it had to do with it, which is the most that there is to count. All operators have one key: a table of many is made at once, and
/// nothing here depends on keys.
/// forge-config: default.isolate = true
contract TallyGasTest is TallyKit {
    /// @dev A block of the chains that this is for.
    uint256 private constant BLOCK = 32_000_000;
    uint256 private constant SECRET = 5_001;
    uint256 private constant KEYS = 120; // in a page

    uint256 private _operators;

    function setUp() public override {}

    function _newMachines() internal override returns (TallyMachines) {
        return new ListedMachines();
    }

    function _postFirstTable() internal override {
        bytes memory pages;
        for (uint256 p; p < _pages(); ++p) {
            pages = bytes.concat(pages, sha256(_page(p)));
        }
        bytes memory stakes_ = new bytes(16 * _operators);
        uint256 total;
        for (uint256 i; i < _operators; ++i) {
            _put(stakes_, 16 * i, 16, 1_000 + i);
            total += 1_000 + i;
        }
        bytes memory aggregateKey = BlsKit.packedKeyOf(SECRET * _operators);
        stakes.receiveMessage(
            bytes.concat(
                abi.encodePacked(uint64(0), uint32(_operators), uint128(total), aggregateKey), sha256(stakes_), pages
            )
        );
        for (uint32 p; p < _pages(); ++p) {
            stakes.postKeysPage(0, p, _page(p));
        }
        stakes.postStakesPage(0, stakes_);
    }

    function _pages() private view returns (uint256) {
        return (_operators + KEYS - 1) / KEYS;
    }

    function _page(uint256 p) private view returns (bytes memory page) {
        bytes memory key = BlsKit.packedKeyOf(SECRET);
        uint256 keys = _operators < (p + 1) * KEYS ? _operators % KEYS : KEYS;
        page = new bytes(192 * keys);
        for (uint256 i; i < keys; ++i) {
            assembly ("memory-safe") {
                mcopy(add(page, add(32, mul(192, i))), add(key, 32), 192)
            }
        }
    }

    function _everybody() private view returns (bytes memory bitmap) {
        bitmap = new bytes((_operators + 7) / 8);
        for (uint256 i; i < _operators; ++i) {
            bitmap[i / 8] |= bytes1(uint8(1 << (i % 8)));
        }
    }

    function _signed(uint256 signers, bytes32 digest) private view returns (bytes memory) {
        return BlsKit.sign(SECRET * signers, BLS12381.DST_VOTE, digest);
    }

    /// @dev The members of a committee, and how many they are.
    function _sitting(uint32 epoch, uint64 id) private view returns (bytes memory bitmap, uint256 members) {
        uint32[] memory committee = health.committeeOf(epoch, id);
        bitmap = new bytes((_operators + 7) / 8);
        for (uint256 i; i < committee.length; ++i) {
            (uint256 place, bytes1 bit) = (committee[i] / 8, bytes1(uint8(1 << (committee[i] % 8))));
            if (bitmap[place] & bit == 0) ++members;
            bitmap[place] |= bit;
        }
    }

    function _begin(uint256 operators, uint16 seats) private {
        _operators = operators;
        _deployTally(seats);
        for (uint64 i; i < 200; ++i) {
            _numbered().add(_idOf(i), GENESIS - 10);
        }
        for (uint32 e; e <= NEXT; ++e) {
            _open(e);
        }
    }

    function _report(string memory what) private returns (uint256 gas) {
        gas = vm2.lastCallGas().gasTotalUsed;
        emit log_named_uint(what, gas);
    }

    /// @dev Rounds are signed by all. Receipts are given by committees, lists are signed by all.
    function _showAll(bytes memory all) private {
        uint64[] memory numbers = tally.sampledRounds(0);
        for (uint16 i; i < SAMPLES; ++i) {
            _outcomes().end(numbers[i], IRounds.Status.Settled, _start(0) + 1);
            attendance.present(numbers[i], all, _signed(_operators, keccak256(abi.encode(numbers[i]))));
            if (i == 0) _report("present, all signed");
            if (i % 2 == 0) _showPass(i);
            else _showDown(i, all);
            if (i < 2) _report(i == 0 ? "showReceipts, by the committee" : "showDowns, all signed");
        }
    }

    function _showPass(uint16 sample) private {
        (uint32 e, uint64 id, uint16 window) = tally.sampledProbe(0, sample);
        (bytes memory bitmap, uint256 members) = _sitting(e, id);
        tally.showReceipts(0, sample, bitmap, _signed(members, _digestOfReceipt(e, id, window)));
    }

    function _showDown(uint16 sample, bytes memory all) private {
        (uint32 e, uint64 id, uint16 window) = tally.sampledProbe(0, sample);
        bytes memory list = _one(e, id, 1 << window);
        tally.showDowns(0, sample, list, all, _signed(_operators, sha256(list)));
    }

    function _measure(uint256 operators, uint16 seats) private returns (uint256 gas) {
        emit log_named_uint("operators", operators);
        emit log_named_uint("seats", seats);
        _begin(operators, seats);
        tally.draw(0);
        _report("draw");
        _showAll(_everybody());
        tally.sharesOf(0);
        _report("sharesOf");
        vm.warp(UNTIL + 1);
        tally.tell(0);
        gas = _report("tell");
        (uint16 weight, uint16 probes, uint16[] memory shares) = tally.sharesOf(0);
        assertEq(weight, SAMPLES, "rounds");
        assertEq(probes, SAMPLES, "probes");
        assertEq(shares[operators - 1], 10_000, "the last operator");
    }

    function test_gas_of128Operators() external {
        assertLe(_measure(128, 31), 3_000_000, "tell");
    }

    function test_gas_of1200Operators() external {
        assertLe(_measure(1_200, 31), 8_000_000, "tell");
    }

    /// @dev The largest committees that a policy can name.
    function test_gas_of1200OperatorsOn1024Seats() external {
        assertLe(_measure(1_200, 1_024), BLOCK / 4 * 3, "tell");
    }
}
