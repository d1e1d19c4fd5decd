// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {LibBit} from "solady/utils/LibBit.sol";
import {IHealth} from "../interfaces/IHealth.sol";
import {Committees} from "../lib/Committees.sol";
import {DownPages} from "../lib/DownPages.sol";
import {HealthMessages} from "../lib/HealthMessages.sol";
import {SeatBook} from "./SeatBook.sol";

/// @title Takes lists of windows DOWN, by seats (docs/formats.md, section 14).
/// @notice A list is signed as a whole and refused as a whole where its bytes are not a list's. But each of its machines
/// stands for itself: one that is not registered, that lacks its seats, or of which nothing is new, is passed over.
abstract contract Attested is SeatBook {
    /// @notice Nothing in the list counts.
    error NothingCounts();

    /// @dev What a list's entries are counted with.
    struct Count {
        uint32 epoch;
        uint32 number; // of the list
        bytes signers; // the list's bitmap
        bytes message; // of the draws
        Committees.Line line; // none where all signed
        uint256[] seats; // room for a draw
    }

    /// @inheritdoc IHealth
    function certify(bytes calldata list, bytes calldata bitmap, bytes calldata aggregate) external {
        (uint32 epoch, uint256 count) = HealthMessages.headOf(list, _network());
        Epoch memory e = _openEpoch(epoch);
        _requireTime(_startOf(uint256(epoch) + 1), _certifiableUntil(epoch));
        bytes32 digest = sha256(list);
        Count memory c = _countOf(epoch, e, digest, bitmap, aggregate);
        emit ListCertified(epoch, c.number, digest, uint64(block.timestamp), list, bitmap, aggregate);

        bytes memory page = DownPages.begin(bitmap, count);
        uint256 bare = page.length;
        _takeAll(c, list, count, e.windows, page);
        if (page.length == bare) revert NothingCounts();
        _pages[epoch][c.number] = DownPages.write(page);
        _epochs[epoch].lists = c.number + 1;
    }

    /// @dev Whether the machine was registered when an epoch began. Who retires a machine in the middle of an epoch does
    /// not take back what was DOWN before.
    function _isRegistered(uint64 offerId, uint256 epoch) private view returns (bool) {
        (uint256 registeredAt, uint256 retiredAt) = _registrationOf(offerId);
        uint256 start = _startOf(epoch);
        return registeredAt != 0 && registeredAt <= start && retiredAt > start;
    }

    /// @dev Checks the signatures, and lays out the stakes as far as they are needed: where all with stake have signed,
    /// all seats are the signers', wherever they fall.
    function _countOf(uint32 epoch, Epoch memory e, bytes32 digest, bytes calldata bitmap, bytes calldata aggregate)
        private
        view
        returns (Count memory c)
    {
        _checkNumber(epoch, e.lists);
        (c.epoch, c.number, c.signers) = (epoch, e.lists, bitmap);
        c.seats = new uint256[](e.seats);
        uint64 stakeEpoch = _stakeEpochOf(epoch);
        (uint256 signed, uint256 total) = table.verify(stakeEpoch, digest, bitmap, aggregate);
        if (signed == total) return c;
        c.message = Committees.start(e.randomness, epoch);
        c.line = Committees.joined(_stakesOf(stakeEpoch), bitmap);
    }

    /// @dev Takes what counts of the entries, and appends that to the page.
    function _takeAll(Count memory c, bytes calldata list, uint256 count, uint256 windowsOfEpoch, bytes memory page)
        private
    {
        uint256 allowed = HealthMessages.maskOf(windowsOfEpoch);
        uint256 subject;
        uint256 windows;
        for (uint256 i; i < count; ++i) {
            (subject, windows) = HealthMessages.entryAt(list, i, subject, allowed);
            if (subject >> 64 != HealthMessages.MACHINE) continue;
            windows = _take(c, uint64(subject), windows);
            if (windows != 0) DownPages.append(page, uint64(subject), windows);
        }
    }

    /// @dev Takes an entry. Returns its windows that count: none if none of them is new.
    function _take(Count memory c, uint64 offerId, uint256 windows) private returns (uint256) {
        uint256 before = downOf(offerId, c.epoch);
        uint256 added = windows & ~before;
        if (added == 0 || !_isRegistered(offerId, c.epoch)) return 0;
        uint256 held = c.seats.length;
        if (c.line.total != 0) held = Committees.draw(c.message, offerId, c.line, c.seats);
        if (!Committees.isTwoThirds(held, c.seats.length)) return 0;
        uint256 contested = added & _contestedOf(offerId, c.epoch);
        if (contested != 0) {
            added ^= contested ^ _uncontested(c, offerId, contested);
            if (added == 0) return 0;
        }
        windows &= before | added;
        _name(offerId, c.epoch, c.number, before, windows);
        emit MachineDown(c.epoch, offerId, c.number, added, uint16(held));
        return windows;
    }

    /// @dev Of these windows those that stand without the seats that were struck before: a list that fell does not come
    /// back by being certified again.
    function _uncontested(Count memory c, uint64 offerId, uint256 windows) private view returns (uint256 left) {
        uint32[] memory committee = committeeOf(c.epoch, offerId);
        for (uint256 rest = windows; rest != 0; rest &= rest - 1) {
            uint16 window = uint16(LibBit.ffs(rest));
            if (_stands(c.epoch, offerId, window, committee, c.signers)) left |= 1 << window;
        }
    }
}
