// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IHealth} from "../interfaces/IHealth.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {Committees} from "../lib/Committees.sol";
import {DownPages} from "../lib/DownPages.sol";
import {HealthMessages} from "../lib/HealthMessages.sol";
import {DownBook} from "./DownBook.sol";

/// @title Takes lists of windows DOWN, by seats (docs/formats.md, section 14).
/// @notice A list is signed as a whole and refused as a whole where its bytes are not a list's. But each of its machines
/// stands for itself: one that is not registered, that lacks its seats, or of which nothing is new, is passed over.
abstract contract Attested is DownBook {
    uint64 private immutable _l1ChainId;
    address private immutable _avs;
    uint32 private immutable _operatorSet;

    /// @notice Nothing in the list counts.
    error NothingCounts();

    /// @dev What a list's entries are counted with.
    struct Count {
        uint32 epoch;
        uint32 number; // of the list
        bytes message; // of the draws
        Committees.Line line; // none where all signed
        uint256[] seats; // room for a draw
    }

    constructor() {
        IRounds.Domain memory d = rounds.domain();
        (_l1ChainId, _avs, _operatorSet) = (d.l1ChainId, d.avs, d.operatorSet);
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

    /// @inheritdoc IHealth
    function committeeOf(uint32 epoch, uint64 offerId) public view returns (uint32[] memory operators) {
        Epoch memory e = _openEpoch(epoch);
        uint256[] memory seats = new uint256[](e.seats);
        Committees.draw(
            Committees.start(e.randomness, epoch), offerId, Committees.line(_stakesOf(_stakeEpochOf(epoch))), seats
        );
        operators = new uint32[](seats.length);
        for (uint256 i; i < seats.length; ++i) {
            operators[i] = uint32(seats[i]);
        }
    }

    /// @dev The 60 bytes that name this deployment.
    function _network() internal view returns (bytes memory) {
        return abi.encodePacked(_l1ChainId, uint64(block.chainid), address(rounds), _avs, _operatorSet);
    }

    function _requireTime(uint256 from, uint256 to) internal view {
        if (block.timestamp < from || block.timestamp > to) revert OutOfTime(block.timestamp, from, to);
    }

    /// @dev Whether the machine was registered throughout an epoch: from its first second, and to its last.
    function _isRegistered(uint64 offerId, uint256 epoch) internal view returns (bool) {
        (uint64 registeredAt, uint64 retiredAt,,) = machines.machineOf(offerId);
        if (registeredAt == 0 || registeredAt > _startOf(epoch)) return false;
        return retiredAt == 0 || retiredAt > _lastSecondOf(epoch);
    }

    /// @dev Checks the signatures, and lays out the stakes as far as they are needed: where all with stake have signed,
    /// all seats are the signers', wherever they fall.
    function _countOf(uint32 epoch, Epoch memory e, bytes32 digest, bytes calldata bitmap, bytes calldata aggregate)
        private
        view
        returns (Count memory c)
    {
        _checkNumber(epoch, e.lists);
        (c.epoch, c.number) = (epoch, e.lists);
        c.seats = new uint256[](e.seats);
        uint64 stakeEpoch = _stakeEpochOf(epoch);
        (uint256 signed, uint256 total) = table.verify(stakeEpoch, digest, bitmap, aggregate);
        if (signed == total) return c;
        c.message = Committees.start(e.randomness, epoch);
        c.line = Committees.joined(_stakesOf(stakeEpoch), bitmap);
    }

    /// @dev Takes the entries that count, and appends them to the page.
    function _takeAll(Count memory c, bytes calldata list, uint256 count, uint256 windowsOfEpoch, bytes memory page)
        private
    {
        uint256 allowed = HealthMessages.maskOf(windowsOfEpoch);
        uint256 subject;
        uint256 windows;
        for (uint256 i; i < count; ++i) {
            (subject, windows) = HealthMessages.entryAt(list, i, subject, allowed);
            if (subject >> 64 == HealthMessages.MACHINE && _take(c, uint64(subject), windows)) {
                DownPages.append(page, uint64(subject), windows);
            }
        }
    }

    /// @dev Takes an entry, if it counts.
    function _take(Count memory c, uint64 offerId, uint256 windows) private returns (bool) {
        uint256 before = downOf(offerId, c.epoch);
        if (windows & ~before == 0 || !_isRegistered(offerId, c.epoch)) return false;
        uint256 held = c.seats.length;
        if (c.line.total != 0) held = Committees.draw(c.message, offerId, c.line, c.seats);
        if (!Committees.isTwoThirds(held, c.seats.length)) return false;
        _name(offerId, c.epoch, c.number, before, windows);
        emit MachineDown(c.epoch, offerId, c.number, windows & ~before, uint16(held));
        return true;
    }

    function _stakesOf(uint64 stakeEpoch) private view returns (bytes memory stakes) {
        (,,, stakes) = table.tableOf(stakeEpoch);
    }
}
