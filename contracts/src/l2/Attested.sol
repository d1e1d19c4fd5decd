// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {LibBit} from "solady/utils/LibBit.sol";
import {IHealth} from "../interfaces/IHealth.sol";
import {Committees} from "../lib/Committees.sol";
import {DownPages} from "../lib/DownPages.sol";
import {HealthMessages} from "../lib/HealthMessages.sol";
import {SeatBook} from "./SeatBook.sol";
import {SeatJudge} from "./SeatJudge.sol";

/// @title Takes lists of windows DOWN, by seats (docs/formats.md, section 14).
/// @notice A list is signed as a whole and refused as a whole where its bytes are not a list's. But each of its machines
/// stands for itself: one that is not registered, that lacks its seats, or of which nothing is new and no list weaker, is
/// passed over.
abstract contract Attested is SeatBook {
    /// @notice Nothing in the list counts.
    error NothingCounts();

    /// @dev What a list's entries are counted with.
    struct Count {
        SeatJudge.Draw draw;
        uint32 number; // of the list
        bytes signers; // the list's bitmap
        uint256[] held; // seats of each entry; empty where all with stake signed, so that they hold all seats
    }

    /// @inheritdoc IHealth
    function certify(bytes calldata list, bytes calldata bitmap, bytes calldata aggregate) external {
        (uint32 epoch, uint256 count) = HealthMessages.headOf(list, _network());
        Epoch memory e = _openEpoch(epoch);
        _requireTime(_startOf(uint256(epoch) + 1), _certifiableUntil(epoch));
        Count memory c;
        (c.draw, c.number, c.signers) = (_drawOf(epoch, e), e.lists, bitmap);
        _checkNumber(epoch, e.lists);
        c.held = _heldBy(c.draw, list, bitmap, aggregate);
        emit ListCertified(epoch, c.number, sha256(list), uint64(block.timestamp), list, bitmap, aggregate);

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

    /// @dev Checks the signatures. The seats of each entry; none where all with stake have signed: then all seats are the
    /// signers', wherever they fall.
    function _heldBy(SeatJudge.Draw memory draw, bytes calldata list, bytes calldata bitmap, bytes calldata aggregate)
        private
        view
        returns (uint256[] memory held)
    {
        (uint256 signed, uint256 total) = table.verify(draw.stakeEpoch, sha256(list), bitmap, aggregate);
        if (signed != total) held = judge.seatsOf(draw, bitmap, list);
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
            uint256 held = c.held.length == 0 ? c.draw.seats : c.held[i];
            windows = _take(c, uint64(subject), windows, held);
            if (windows != 0) DownPages.append(page, uint64(subject), windows, held);
        }
    }

    /// @dev Takes an entry. Returns its windows that count: none if none of them is new, and all are named by lists that
    /// are as strong. A stronger list is taken for the time when receipts come: whoever is first to certify could leave
    /// out as many signers as the seats allow, and who had given a receipt on purpose would fell the rest.
    function _take(Count memory c, uint64 offerId, uint256 windows, uint256 held) private returns (uint256) {
        if (!Committees.isTwoThirds(held, c.draw.seats)) return 0;
        uint32 epoch = c.draw.epoch;
        if (!_isRegistered(offerId, epoch)) return 0;
        uint256 before = downOf(offerId, epoch);
        uint256 added = windows & ~before;
        uint256 contested = added & _contestedOf(offerId, epoch);
        if (contested != 0) added ^= contested ^ _uncontested(c, offerId, contested);
        windows &= before | added;
        if (windows == 0 || !_name(offerId, epoch, c.number, before, windows, held)) return 0;
        emit MachineDown(epoch, offerId, c.number, added, uint16(held));
        return windows;
    }

    /// @dev Of these windows those that stand without the seats that were struck before: a list that fell does not come
    /// back by being certified again.
    function _uncontested(Count memory c, uint64 offerId, uint256 windows) private view returns (uint256 left) {
        uint256[] memory planes = judge.planesOf(c.draw, offerId);
        for (uint256 rest = windows; rest != 0; rest &= rest - 1) {
            uint16 window = uint16(LibBit.ffs(rest));
            if (_stands(c.draw, offerId, window, planes, c.signers)) left |= 1 << window;
        }
    }
}
