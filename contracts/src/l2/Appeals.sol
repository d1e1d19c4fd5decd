// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IHealth} from "../interfaces/IHealth.sol";
import {DownPages} from "../lib/DownPages.sol";
import {HealthMessages} from "../lib/HealthMessages.sol";
import {SeatPlanes} from "../lib/SeatPlanes.sol";
import {Attested} from "./Attested.sol";
import {SeatJudge} from "./SeatJudge.sol";

/// @title Receipts against lists: who passed a machine in a window that it called DOWN loses its seats there.
/// @notice An appeal only ever takes downtime away, so anyone may bring one.
abstract contract Appeals is Attested {
    using DownPages for address;
    using SeatPlanes for uint256[];

    /// @notice The epoch has fewer lists.
    error NoSuchList(uint32 epoch, uint32 number);
    /// @notice The list does not call the machine DOWN in this window, or that did not count.
    error NotListed(uint64 offerId, uint16 window);
    /// @notice The operator did not sign the list.
    error NotASigner(uint32 operatorIndex);
    /// @notice The operator has no seat for this machine.
    error NoSeat(uint32 operatorIndex);

    /// @inheritdoc IHealth
    /// @dev Any list that the operator has signed will do: the strike holds for all. A window that has fallen already
    /// still takes receipts: each is evidence against one operator on L1.
    function appeal(
        uint32 epoch,
        uint32 number,
        uint64 offerId,
        uint16 window,
        uint32 operatorIndex,
        bytes calldata receiptSignature
    ) external {
        address page = _pages[epoch][number];
        if (page == address(0)) revert NoSuchList(epoch, number);
        _requireTime(_startOf(uint256(epoch) + 1), _appealableUntil(epoch));
        if (window > 255 || page.windowsOf(offerId) >> window & 1 == 0) revert NotListed(offerId, window);
        bytes memory signers = page.signers();
        if (!_has(signers, operatorIndex)) revert NotASigner(operatorIndex);

        SeatJudge.Draw memory draw = _drawOf(epoch, _openEpoch(epoch));
        uint256[] memory planes = judge.planesOf(draw, offerId);
        uint256 seats = planes.count(operatorIndex / 256, SeatPlanes.bitOf(operatorIndex));
        if (seats == 0) revert NoSeat(operatorIndex);
        _strike(epoch, offerId, window, operatorIndex);
        _requireReceipt(epoch, offerId, window, operatorIndex, signers.length, receiptSignature);
        bool fell = !_isHeldUp(draw, offerId, window, planes);
        if (fell && downOf(offerId, epoch) >> window & 1 == 1) _clear(offerId, epoch, window);
        emit SeatsStruck(epoch, offerId, number, window, operatorIndex, uint16(seats), fell, receiptSignature);
    }

    /// @dev The operator's own key verifies its receipt: as an aggregate of one.
    function _requireReceipt(
        uint32 epoch,
        uint64 offerId,
        uint16 window,
        uint32 operatorIndex,
        uint256 bitmapLength,
        bytes calldata signature
    ) private view {
        bytes32 receipt = HealthMessages.receipt(_network(), epoch, offerId, window);
        bytes memory alone = new bytes(bitmapLength);
        alone[operatorIndex / 8] = bytes1(uint8(1 << operatorIndex % 8));
        table.verify(_stakeEpochOf(epoch), receipt, alone, signature);
    }

    /// @dev Whether some list's signers, without those struck, still have two thirds for a window.
    function _isHeldUp(SeatJudge.Draw memory draw, uint64 offerId, uint16 window, uint256[] memory planes)
        private
        view
        returns (bool)
    {
        uint32[] memory numbers = _holdersOf(offerId, draw.epoch);
        for (uint256 i; i < numbers.length; ++i) {
            address page = _pages[draw.epoch][numbers[i]];
            if (page.windowsOf(offerId) >> window & 1 == 0) continue;
            if (_stands(draw, offerId, window, planes, page.signers())) return true;
        }
        return false;
    }
}
