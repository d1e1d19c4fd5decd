// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IHealth} from "../../src/interfaces/IHealth.sol";
import {Attested} from "../../src/l2/Attested.sol";
import {Health} from "../../src/l2/Health.sol";
import {BLS12381} from "../../src/lib/BLS12381.sol";
import {Vm} from "../Base.t.sol";
import {BlsKit} from "../BlsKit.sol";
import {TableKit} from "../TableKit.sol";

/// @notice Random lists, receipts and time for three machines, and a plain account of what stands.
/// @dev The account keeps every list that counted, and for each machine and window who was struck; from that it says what is DOWN by the
/// letter of section 14.
contract HealthHandler {
    using TableKit for TableKit.Table;

    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint32 public constant EPOCHS = 3;
    uint64 public constant MACHINES = 3;

    /// @dev A certified list: windows of each machine that counted.
    struct Certified {
        bytes bitmap;
        uint256[4] windows; // by machine
    }

    Health private immutable _health;
    bytes private _network;
    uint64 private immutable _genesis;
    uint32 private immutable _length;
    uint16 private immutable _windows;
    uint256[] private _stakes;
    mapping(uint32 epoch => Certified[]) private _lists;
    mapping(bytes32 => bool) private _struck;
    mapping(uint256 => uint32[]) private _committees;
    mapping(bytes32 => uint256) public settledDown;
    mapping(bytes32 => bool) public wasSettled;
    uint256 public certified;
    uint256 public struck;
    uint256 public fell;
    uint256 public stronger; // entries that brought strength only
    bool public broken; // an entry counted that should not have, or the other way round

    constructor(
        Health health,
        bytes memory network,
        uint64 genesis,
        uint32 length,
        uint16 windows,
        uint256[] memory stakes,
        uint32[][] memory committees // of each machine, epoch by epoch
    ) {
        (_health, _network, _genesis, _length, _windows, _stakes) = (health, network, genesis, length, windows, stakes);
        for (uint256 i; i < committees.length; ++i) {
            _committees[16 * (i / MACHINES) + i % MACHINES + 1] = committees[i];
        }
    }

    function _table() private view returns (TableKit.Table memory t) {
        t = TableKit.create(0, _stakes.length);
        for (uint256 i; i < _stakes.length; ++i) {
            t.set(i, 5_001 + i, _stakes[i]);
        }
    }

    function wait(uint256 seconds_) external {
        vm.warp(vm.getBlockTimestamp() + seconds_ % 300);
        _note();
    }

    /// @dev Certifies a list for any of the machines, by all but one or two operators.
    function certify(uint256 epoch_, uint256[3] calldata windows, uint256 absent) external {
        _note();
        uint32 epoch = uint32(epoch_ % EPOCHS);
        bytes memory entries;
        uint16 count;
        for (uint64 m = 1; m <= MACHINES; ++m) {
            uint256 mask = windows[m - 1] % (1 << _windows);
            if (mask == 0) continue;
            entries = bytes.concat(entries, abi.encodePacked(uint8(1), m, mask));
            ++count;
        }
        bytes memory list =
            bytes.concat(abi.encodePacked(bytes32("quorate/down/v1"), uint32(1), _network, epoch, count), entries);
        TableKit.Table memory t = _table();
        bytes memory bitmap = t.all();
        TableKit.unset(bitmap, absent % _stakes.length);
        if (absent & 256 != 0) TableKit.unset(bitmap, (absent >> 16) % _stakes.length);
        uint32 number = _health.lists(epoch);
        uint256[4] memory expected;
        for (uint64 m = 1; m <= MACHINES; ++m) {
            expected[m] = _counting(epoch, m, list, bitmap);
        }
        vm.recordLogs();
        try _health.certify(list, bitmap, t.sign(bitmap, sha256(list))) {
            ++certified;
            _keep(epoch, number, expected, bitmap);
        } catch (bytes memory reason) {
            if (bytes4(reason) != Attested.NothingCounts.selector) return;
            if (expected[1] | expected[2] | expected[3] != 0) broken = true;
        }
    }

    /// @dev Keeps what should have counted, and whether the contract says the same in its events.
    function _keep(uint32 epoch, uint32 number, uint256[4] memory expected, bytes memory bitmap) private {
        Certified storage c = _lists[epoch].push();
        require(_lists[epoch].length == number + 1, "lists are numbered from 0");
        c.bitmap = bitmap;
        c.windows = expected;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 named;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != IHealth.MachineDown.selector) continue;
            named |= 1 << uint256(logs[i].topics[2]);
            (, uint256 added,) = abi.decode(logs[i].data, (uint32, uint256, uint16));
            if (added == 0) ++stronger;
        }
        for (uint256 m = 1; m <= MACHINES; ++m) {
            if ((named >> m & 1 == 1) != (expected[m] != 0)) broken = true;
        }
    }

    /// @dev What of a machine's entry counts, by the letter of section 14.
    function _counting(uint32 epoch, uint64 m, bytes memory list, bytes memory bitmap)
        private
        view
        returns (uint256 windows)
    {
        uint256 mask = _windowsIn(list, m);
        uint256 before = _health.downOf(m, epoch);
        uint256 seats = _heldIn(epoch, m, bitmap, type(uint16).max);
        if (seats * 3 <= _committees[16 * epoch + m].length * 2) return 0;
        bool useful;
        for (uint16 w; w < _windows; ++w) {
            if (mask >> w & 1 == 0) continue;
            bool isNew = before >> w & 1 == 0;
            if (isNew && _heldIn(epoch, m, bitmap, w) * 3 <= _committees[16 * epoch + m].length * 2) continue;
            windows |= 1 << w;
            if (isNew || !_isNamedAsStrongly(epoch, m, w, seats)) useful = true;
        }
        if (!useful) windows = 0;
    }

    /// @dev With 31 seats each seat is a strength of its own.
    function _isNamedAsStrongly(uint32 epoch, uint64 m, uint16 w, uint256 seats) private view returns (bool) {
        for (uint32 k; k < _lists[epoch].length; ++k) {
            Certified storage c = _lists[epoch][k];
            if (c.windows[m] >> w & 1 == 1 && _heldIn(epoch, m, c.bitmap, type(uint16).max) >= seats) return true;
        }
        return false;
    }

    /// @dev Seats of a bitmap's operators, without those struck in a window.
    function _heldIn(uint32 epoch, uint64 m, bytes memory bitmap, uint16 w) private view returns (uint256 held) {
        uint32[] storage committee = _committees[16 * epoch + m];
        for (uint256 i; i < committee.length; ++i) {
            uint32 o = committee[i];
            if (TableKit.has(bitmap, o) && !_struck[keccak256(abi.encode(epoch, m, w, o))]) ++held;
        }
    }

    /// @notice How many lists name a machine.
    function holders(uint32 epoch, uint64 m) external view returns (uint256 count) {
        for (uint32 k; k < _lists[epoch].length; ++k) {
            if (_lists[epoch][k].windows[m] != 0) ++count;
        }
    }

    function _windowsIn(bytes memory list, uint64 m) private pure returns (uint256 windows) {
        for (uint256 at_ = 102; at_ < list.length; at_ += 41) {
            uint64 id;
            assembly ("memory-safe") {
                id := shr(192, mload(add(add(list, 33), at_)))
                windows := mload(add(add(list, 41), at_))
            }
            if (id == m) return windows;
        }
        return 0;
    }

    /// @dev Receipts of some neighbours for a window of any list. Up to five: so now and then it falls.
    function appeal(uint256 epoch_, uint256 number_, uint256 machine, uint256 window_, uint256 operators) external {
        _note();
        uint32 epoch = uint32(epoch_ % EPOCHS);
        uint32 number = _lists[epoch].length == 0 ? 0 : uint32(number_ % _lists[epoch].length);
        uint64 m = uint64(1 + machine % MACHINES);
        uint16 window = uint16(window_ % _windows);
        for (uint256 i; i <= (operators >> 64) % 5; ++i) {
            _appealBy(epoch, number, m, window, uint32((operators + i) % _stakes.length));
        }
    }

    function _appealBy(uint32 epoch, uint32 number, uint64 m, uint16 window, uint32 operator) private {
        bytes memory receipt = abi.encodePacked(
            bytes32("quorate/receipt/v1"), uint32(1), _network, uint8(1), m, epoch, window, bytes17(0)
        );
        bytes memory signature = BlsKit.sign(5_001 + operator, BLS12381.DST_VOTE, sha256(receipt));
        uint256 before = _health.downOf(m, epoch);
        try _health.appeal(epoch, number, m, window, operator, signature) {
            ++struck;
            _struck[keccak256(abi.encode(epoch, m, window, operator))] = true;
            if (_health.downOf(m, epoch) != before) ++fell;
        } catch {}
    }

    /// @dev Writes down what is settled, when it is seen so first.
    function _note() private {
        uint64 until = _health.settledUntil();
        for (uint32 e; e < EPOCHS && _genesis + uint256(e + 1) * _length <= until; ++e) {
            for (uint64 m = 1; m <= MACHINES; ++m) {
                bytes32 key = keccak256(abi.encode(e, m));
                if (wasSettled[key]) continue;
                (wasSettled[key], settledDown[key]) = (true, _health.downOf(m, e));
            }
        }
    }

    /// @notice The windows DOWN by the account.
    function expectedDown(uint32 epoch, uint64 m, uint32[] calldata committee) external view returns (uint256 down) {
        for (uint32 k; k < _lists[epoch].length; ++k) {
            Certified storage c = _lists[epoch][k];
            for (uint16 w; w < _windows; ++w) {
                if (c.windows[m] >> w & 1 == 0) continue;
                uint256 held;
                for (uint256 i; i < committee.length; ++i) {
                    uint32 o = committee[i];
                    if (TableKit.has(c.bitmap, o) && !_struck[keccak256(abi.encode(epoch, m, w, o))]) ++held;
                }
                if (held * 3 > committee.length * 2) down |= 1 << w;
            }
        }
    }
}
