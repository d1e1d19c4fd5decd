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
    /// more, bit 13 a seat was struck, below them the number of the first list that named it.
    uint256 internal constant GROUP = 16;
    uint256 private constant NAMED = 1 << 15;
    uint256 private constant MORE = 1 << 14;
    uint256 private constant STRUCK = 1 << 13;
    uint256 private constant NUMBER = STRUCK - 1;
    uint256 private constant MARK = type(uint16).max;
    /// @dev Lists whose seats differ by less than a 32nd of the committee are as strong as each other: so there are at most
    /// eleven strengths, 0 to 10.
    uint256 private constant STEPS = 32;
    uint256 private constant STRONGEST = 10;
    /// @dev Most lists that name a machine: eleven of each of the 64 that an honest operator signs of an epoch for one
    /// aggregator, and some more. An appeal walks along all of them.
    uint256 private constant MOST_HOLDERS = 768;

    mapping(uint256 offerId => mapping(uint256 group => uint256)) private _marks;
    /// @dev The page of each list.
    mapping(uint256 epoch => mapping(uint256 number => address)) internal _pages;
    /// @dev Windows DOWN now, where the mark says so.
    mapping(uint256 offerId => mapping(uint256 epoch => uint256)) private _standing;
    /// @dev Numbers of all lists that name the machine, where the mark says so.
    mapping(uint256 offerId => mapping(uint256 epoch => uint32[])) private _holders;
    /// @dev Windows that lists of a strength name, where the mark says so.
    mapping(uint256 offerId => mapping(uint256 epoch => mapping(uint256 strength => uint256))) private _named;
    /// @dev Windows in which a seat was struck, where the mark says so.
    mapping(uint256 offerId => mapping(uint256 epoch => uint256)) private _contested;

    /// @notice An epoch has room for 8,192 lists.
    error TooManyLists(uint32 epoch);

    /// @inheritdoc IHealth
    function lists(uint32 epoch) external view returns (uint32 count) {
        return _epochs[epoch].lists;
    }

    /// @inheritdoc IHealth
    function downOf(uint64 offerId, uint32 epoch) public view returns (uint256 windows) {
        return _down(offerId, epoch, _groupOf(offerId, epoch / GROUP));
    }

    /// @dev From when on a machine has an agent, 0 if it has none, and until when: 2^256 - 1 if it is not retired.
    function _registrationOf(uint64 offerId) internal view returns (uint256 registeredAt, uint256 retiredAt) {
        (registeredAt, retiredAt,,) = machines.machineOf(offerId);
        if (retiredAt == 0) retiredAt = type(uint256).max;
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

    /// @dev Records that list `number`, with so many seats behind it, names a machine, whose windows DOWN were `before`.
    /// Whether it does so to any use: if a window is new, or no list as strong names it.
    function _name(uint64 offerId, uint32 epoch, uint32 number, uint256 before, uint256 windows, uint256 seats)
        internal
        returns (bool counts)
    {
        uint256 marks = _groupOf(offerId, epoch / GROUP);
        uint256 shift = 16 * (epoch % GROUP);
        if (marks >> shift & MARK == 0) {
            _marks[offerId][epoch / GROUP] = marks | (NAMED | number) << shift;
            return true;
        }
        uint256 strength = _strengthOf(epoch, seats);
        if (windows & ~(before & _namedFrom(offerId, epoch, strength)) == 0) return false;
        _keepMore(offerId, epoch);
        uint32[] storage holders = _holders[offerId][epoch];
        if (holders.length == MOST_HOLDERS) return false;
        holders.push(number);
        _named[offerId][epoch][strength] |= windows;
        _standing[offerId][epoch] = before | windows;
        return true;
    }

    /// @dev The windows of a machine in which a receipt has struck a seat.
    function _contestedOf(uint64 offerId, uint256 epoch) internal view returns (uint256 windows) {
        return _markOf(offerId, epoch) & STRUCK == 0 ? 0 : _contested[offerId][epoch];
    }

    /// @dev Records that a seat was struck.
    function _noteStrike(uint64 offerId, uint256 epoch, uint16 window) internal {
        _marks[offerId][epoch / GROUP] |= STRUCK << 16 * (epoch % GROUP);
        _contested[offerId][epoch] |= 1 << window;
    }

    /// @dev The numbers of the lists that name a machine, which one does.
    function _holdersOf(uint64 offerId, uint256 epoch) internal view returns (uint32[] memory numbers) {
        uint256 mark = _markOf(offerId, epoch);
        if (mark & MORE != 0) return _holders[offerId][epoch];
        numbers = new uint32[](1);
        numbers[0] = uint32(mark & NUMBER);
    }

    /// @dev Takes a window out of those DOWN.
    function _clear(uint64 offerId, uint32 epoch, uint16 window) internal {
        _keepMore(offerId, epoch);
        _standing[offerId][epoch] &= ~(1 << window);
    }

    /// @dev Gives the windows of an epoch a slot of their own, if they have none.
    function _keepMore(uint64 offerId, uint32 epoch) private {
        uint256 mark = _markOf(offerId, epoch);
        if (mark & MORE != 0) return;
        uint256 first = mark & NUMBER;
        (uint256 windows, uint256 seats) = _pages[epoch][first].entryOf(offerId);
        _standing[offerId][epoch] = windows;
        _named[offerId][epoch][_strengthOf(epoch, seats)] = windows;
        _holders[offerId][epoch].push(uint32(first));
        _marks[offerId][epoch / GROUP] |= MORE << 16 * (epoch % GROUP);
    }

    /// @dev The windows that lists of a strength or a greater one name.
    function _namedFrom(uint64 offerId, uint256 epoch, uint256 strength) private view returns (uint256 windows) {
        uint256 mark = _markOf(offerId, epoch);
        if (mark & MORE == 0) {
            uint256 seats;
            (windows, seats) = _pages[epoch][mark & NUMBER].entryOf(offerId);
            return _strengthOf(epoch, seats) < strength ? 0 : windows;
        }
        for (; strength <= STRONGEST; ++strength) {
            windows |= _named[offerId][epoch][strength];
        }
    }

    /// @dev How strong a list is, on seats that are more than two thirds of the committee.
    function _strengthOf(uint256 epoch, uint256 seats) private view returns (uint256) {
        uint256 all = _epochs[epoch].seats;
        return (seats - all * 2 / 3 - 1) / ((all + STEPS - 1) / STEPS);
    }

    function _markOf(uint64 offerId, uint256 epoch) private view returns (uint256) {
        return _groupOf(offerId, epoch / GROUP) >> 16 * (epoch % GROUP) & MARK;
    }
}
