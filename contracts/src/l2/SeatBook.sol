// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IHealth} from "../interfaces/IHealth.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {Committees} from "../lib/Committees.sol";
import {SeatPlanes} from "../lib/SeatPlanes.sol";
import {DownBook} from "./DownBook.sol";
import {SeatJudge} from "./SeatJudge.sol";

/// @title Who sits on a machine's committee, and whose seats a receipt has struck.
/// @dev A strike is for (epoch, machine, window), and so for every list of the epoch, also those to come: whoever gave a
/// receipt for a window has no say in calling it DOWN.
abstract contract SeatBook is DownBook {
    using SeatPlanes for uint256[];

    /// @notice Draws committees; made by the constructor.
    SeatJudge public immutable judge;

    uint64 private immutable _l1ChainId;
    address private immutable _avs;
    uint32 private immutable _operatorSet;

    /// @dev Who was struck, 256 operators in a word as in `SeatPlanes`, for (epoch, machine, window).
    mapping(bytes32 claim => mapping(uint256 word => uint256)) private _struck;

    /// @notice The operator's seats were struck before.
    error AlreadyStruck(uint32 operatorIndex);

    constructor() {
        IRounds.Domain memory d = rounds.domain();
        judge = new SeatJudge(table);
        (_l1ChainId, _avs, _operatorSet) = (d.l1ChainId, d.avs, d.operatorSet);
    }

    /// @inheritdoc IHealth
    function committeeOf(uint32 epoch, uint64 offerId) external view returns (uint32[] memory operators) {
        return judge.committeeOf(_drawOf(epoch, _openEpoch(epoch)), offerId);
    }

    /// @dev What the committees of an epoch, which must be open, are drawn with.
    function _drawOf(uint32 epoch, Epoch memory e) internal view returns (SeatJudge.Draw memory) {
        return SeatJudge.Draw(e.randomness, _stakeEpochOf(epoch), epoch, e.seats);
    }

    /// @dev The 60 bytes that name this deployment.
    function _network() internal view returns (bytes memory) {
        return abi.encodePacked(_l1ChainId, uint64(block.chainid), address(rounds), _avs, _operatorSet);
    }

    /// @dev Marks an operator as struck.
    function _strike(uint32 epoch, uint64 offerId, uint16 window, uint32 operatorIndex) internal {
        mapping(uint256 => uint256) storage struck = _struckOf(epoch, offerId, window);
        uint256 word = struck[operatorIndex / 256];
        uint256 bit = SeatPlanes.bitOf(operatorIndex);
        if (word & bit != 0) revert AlreadyStruck(operatorIndex);
        struck[operatorIndex / 256] = word | bit;
        _noteStrike(offerId, epoch, window);
    }

    /// @dev Whether a window stands on signers' seats that were not struck.
    function _stands(
        SeatJudge.Draw memory d,
        uint64 offerId,
        uint16 window,
        uint256[] memory planes,
        bytes memory signers
    ) internal view returns (bool) {
        mapping(uint256 => uint256) storage struck = _struckOf(d.epoch, offerId, window);
        uint256 left;
        for (uint256 word; 32 * word < signers.length; ++word) {
            uint256 bits;
            // What may lie behind the bitmap's end is nobody's seat.
            assembly ("memory-safe") {
                bits := mload(add(add(signers, 32), shl(5, word)))
            }
            left += planes.count(word, bits & ~struck[word]);
        }
        return Committees.isTwoThirds(left, d.seats);
    }

    /// @dev Whether an operator is in a bitmap.
    function _has(bytes memory bitmap, uint256 operatorIndex) internal pure returns (bool) {
        uint256 place = operatorIndex / 8;
        return place < bitmap.length && uint8(bitmap[place]) >> operatorIndex % 8 & 1 == 1;
    }

    function _struckOf(uint32 epoch, uint64 offerId, uint16 window)
        private
        view
        returns (mapping(uint256 => uint256) storage)
    {
        return _struck[bytes32(uint256(epoch) << 80 | uint256(offerId) << 16 | window)];
    }
}
