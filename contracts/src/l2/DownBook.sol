// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IHealth} from "../interfaces/IHealth.sol";
import {DownPages} from "../lib/DownPages.sol";
import {HealthClock} from "./HealthClock.sol";

/// @title Which windows are DOWN, and by which lists.
/// @dev Nearly always one list names a machine in an epoch, and nothing of it falls. So what is kept of it are 16 bits,
/// which lead to the list's page; sixteen epochs of a machine share a slot, and reading over time in which nothing
/// happened costs little. Only where more lists name the machine, or a window fell, the windows have a slot of their own.
abstract contract DownBook is HealthClock {
    using DownPages for address;

    /// @dev Epochs whose marks share a slot. A mark: bit 15 the machine was named, bit 14 `_standing` and `_holders` hold
    /// more, below them the number of the first list that named it.
    uint256 internal constant GROUP = 16;
    uint256 private constant NAMED = 1 << 15;
    uint256 private constant MORE = 1 << 14;
    uint256 private constant NUMBER = MORE - 1;
    uint256 private constant MARK = type(uint16).max;

    mapping(uint256 offerId => mapping(uint256 group => uint256)) private _marks;
    /// @dev The page of each list.
    mapping(uint256 epoch => mapping(uint256 number => address)) internal _pages;
    /// @dev Windows DOWN now, where the mark says so.
    mapping(uint256 offerId => mapping(uint256 epoch => uint256)) private _standing;
    /// @dev Numbers of all lists that name the machine, where the mark says so.
    mapping(uint256 offerId => mapping(uint256 epoch => uint32[])) private _holders;
    /// @dev Windows of a list's entry that fell.
    mapping(bytes32 entry => uint256) private _fallen;

    /// @notice An epoch has room for 16,384 lists.
    error TooManyLists(uint32 epoch);

    /// @inheritdoc IHealth
    function lists(uint32 epoch) external view returns (uint32 count) {
        return _epochs[epoch].lists;
    }

    /// @inheritdoc IHealth
    function downOf(uint64 offerId, uint32 epoch) public view returns (uint256 windows) {
        return _down(offerId, epoch, _groupOf(offerId, epoch / GROUP));
    }

    /// @dev The marks of sixteen epochs; 0 if the machine was named in none of them.
    function _groupOf(uint64 offerId, uint256 group) internal view returns (uint256) {
        return _marks[offerId][group];
    }

    /// @dev The windows DOWN of an epoch, whose group's marks are at hand.
    function _down(uint64 offerId, uint256 epoch, uint256 marks) internal view returns (uint256) {
        uint256 mark = marks >> 16 * (epoch % GROUP) & MARK;
        if (mark == 0) return 0;
        if (mark & MORE != 0) return _standing[offerId][epoch];
        return _pages[epoch][mark & NUMBER].windowsOf(offerId);
    }

    function _checkNumber(uint32 epoch, uint256 number) internal pure {
        if (number > NUMBER) revert TooManyLists(epoch);
    }

    /// @dev Records that list `number` names a machine, whose windows DOWN were `before`.
    function _name(uint64 offerId, uint32 epoch, uint32 number, uint256 before, uint256 windows) internal {
        uint256 marks = _groupOf(offerId, epoch / GROUP);
        uint256 shift = 16 * (epoch % GROUP);
        if (marks >> shift & MARK == 0) {
            _marks[offerId][epoch / GROUP] = marks | (NAMED | number) << shift;
            return;
        }
        _keepMore(offerId, epoch);
        _standing[offerId][epoch] = before | windows;
        _holders[offerId][epoch].push(number);
    }

    /// @dev Takes a window out of a list's entry. It is DOWN as long as another list holds it up.
    function _fell(uint64 offerId, uint32 epoch, uint32 number, uint16 window) internal {
        _keepMore(offerId, epoch);
        bytes32 entry = _entryKey(epoch, number, offerId);
        _fallen[entry] |= 1 << window;
        uint32[] storage holders = _holders[offerId][epoch];
        for (uint256 i; i < holders.length; ++i) {
            if (_standsIn(offerId, epoch, holders[i]) >> window & 1 == 1) return;
        }
        _standing[offerId][epoch] &= ~(1 << window);
    }

    /// @dev The windows that stand in a list's entry.
    function _standsIn(uint64 offerId, uint32 epoch, uint32 number) internal view returns (uint256) {
        return _pages[epoch][number].windowsOf(offerId) & ~_fallen[_entryKey(epoch, number, offerId)];
    }

    /// @dev Gives the windows of an epoch a slot of their own, if they have none.
    function _keepMore(uint64 offerId, uint32 epoch) private {
        uint256 marks = _groupOf(offerId, epoch / GROUP);
        uint256 mark = marks >> 16 * (epoch % GROUP) & MARK;
        if (mark & MORE != 0) return;
        uint256 first = mark & NUMBER;
        _standing[offerId][epoch] = _pages[epoch][first].windowsOf(offerId);
        _holders[offerId][epoch].push(uint32(first));
        _marks[offerId][epoch / GROUP] = marks | MORE << 16 * (epoch % GROUP);
    }

    function _entryKey(uint32 epoch, uint32 number, uint64 offerId) private pure returns (bytes32) {
        return bytes32(uint256(epoch) << 96 | uint256(number) << 64 | offerId);
    }
}
