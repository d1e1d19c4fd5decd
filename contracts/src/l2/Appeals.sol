// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IHealth} from "../interfaces/IHealth.sol";
import {Committees} from "../lib/Committees.sol";
import {DownPages} from "../lib/DownPages.sol";
import {HealthMessages} from "../lib/HealthMessages.sol";
import {Attested} from "./Attested.sol";

/// @title Receipts against lists: who passed a machine in a window that it called DOWN loses its seats there.
/// @notice An appeal only ever takes downtime away, so anyone may bring one.
abstract contract Appeals is Attested {
    using DownPages for address;

    /// @dev Who was struck, 256 operators in a word, of (epoch, list, machine, window).
    mapping(bytes32 claim => mapping(uint256 word => uint256)) private _struck;

    /// @notice The epoch has fewer lists.
    error NoSuchList(uint32 epoch, uint32 number);
    /// @notice The list does not call the machine DOWN in this window, or that did not count.
    error NotListed(uint64 offerId, uint16 window);
    /// @notice The operator did not sign the list.
    error NotASigner(uint32 operatorIndex);
    /// @notice The operator has no seat for this machine.
    error NoSeat(uint32 operatorIndex);
    /// @notice The operator's seats were struck before.
    error AlreadyStruck(uint32 operatorIndex);

    /// @inheritdoc IHealth
    /// @dev A window that has fallen already still takes receipts: each is evidence against one operator on L1.
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

        (uint256 own, bool fell) = _strike(_claimOf(epoch, number, offerId, window), epoch, offerId, operatorIndex, signers);
        bytes32 receipt = HealthMessages.receipt(_network(), epoch, offerId, window);
        table.verify(_stakeEpochOf(epoch), receipt, _alone(operatorIndex, signers.length), receiptSignature);
        if (fell && _standsIn(offerId, epoch, number) >> window & 1 == 1) _fell(offerId, epoch, number, window);
        emit SeatsStruck(epoch, offerId, number, window, operatorIndex, uint16(own), fell, receiptSignature);
    }

    /// @dev Marks an operator as struck. Returns its seats, and whether those that are left are two thirds at most.
    function _strike(bytes32 claim, uint32 epoch, uint64 offerId, uint32 operatorIndex, bytes memory signers)
        private
        returns (uint256 own, bool fell)
    {
        mapping(uint256 => uint256) storage struck = _struck[claim];
        uint256 word = struck[operatorIndex / 256];
        uint256 bit = 1 << operatorIndex % 256;
        if (word & bit != 0) revert AlreadyStruck(operatorIndex);
        struck[operatorIndex / 256] = word | bit;

        uint32[] memory committee = committeeOf(epoch, offerId);
        uint256 left;
        for (uint256 i; i < committee.length; ++i) {
            uint32 holder = committee[i];
            if (holder == operatorIndex) ++own;
            else if (_has(signers, holder) && struck[holder / 256] >> holder % 256 & 1 == 0) ++left;
        }
        if (own == 0) revert NoSeat(operatorIndex);
        fell = !Committees.isTwoThirds(left, committee.length);
    }

    function _has(bytes memory bitmap, uint32 operatorIndex) private pure returns (bool) {
        uint256 place = operatorIndex / 8;
        return place < bitmap.length && uint8(bitmap[place]) >> operatorIndex % 8 & 1 == 1;
    }

    /// @dev The bitmap of one operator.
    function _alone(uint32 operatorIndex, uint256 length) private pure returns (bytes memory bitmap) {
        bitmap = new bytes(length);
        bitmap[operatorIndex / 8] = bytes1(uint8(1 << operatorIndex % 8));
    }

    function _claimOf(uint32 epoch, uint32 number, uint64 offerId, uint16 window) private pure returns (bytes32) {
        return bytes32(uint256(epoch) << 112 | uint256(number) << 80 | uint256(offerId) << 16 | window);
    }
}
