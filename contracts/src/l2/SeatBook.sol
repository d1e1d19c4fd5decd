// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IHealth} from "../interfaces/IHealth.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {Committees} from "../lib/Committees.sol";
import {DownBook} from "./DownBook.sol";

/// @title Who sits on a machine's committee, and whose seats a receipt has struck.
/// @dev A strike is for (epoch, machine, window), and so for every list of the epoch, also those to come: whoever gave a
/// receipt for a window has no say in calling it DOWN.
abstract contract SeatBook is DownBook {
    uint64 private immutable _l1ChainId;
    address private immutable _avs;
    uint32 private immutable _operatorSet;

    /// @dev Who was struck, 256 operators in a word, for (epoch, machine, window).
    mapping(bytes32 claim => mapping(uint256 word => uint256)) private _struck;

    /// @notice The operator's seats were struck before.
    error AlreadyStruck(uint32 operatorIndex);

    constructor() {
        IRounds.Domain memory d = rounds.domain();
        (_l1ChainId, _avs, _operatorSet) = (d.l1ChainId, d.avs, d.operatorSet);
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

    /// @dev Marks an operator as struck.
    function _strike(uint32 epoch, uint64 offerId, uint16 window, uint32 operatorIndex) internal {
        mapping(uint256 => uint256) storage struck = _struckOf(epoch, offerId, window);
        uint256 word = struck[operatorIndex / 256];
        uint256 bit = 1 << operatorIndex % 256;
        if (word & bit != 0) revert AlreadyStruck(operatorIndex);
        struck[operatorIndex / 256] = word | bit;
        _noteStrike(offerId, epoch, window);
    }

    /// @dev Whether a window stands on signers' seats that were not struck.
    function _stands(uint32 epoch, uint64 offerId, uint16 window, uint32[] memory committee, bytes memory signers)
        internal
        view
        returns (bool)
    {
        mapping(uint256 => uint256) storage struck = _struckOf(epoch, offerId, window);
        uint256 left;
        for (uint256 i; i < committee.length; ++i) {
            uint256 holder = committee[i];
            if (_has(signers, holder) && struck[holder / 256] >> holder % 256 & 1 == 0) ++left;
        }
        return Committees.isTwoThirds(left, committee.length);
    }

    /// @dev Whether an operator is in a bitmap.
    function _has(bytes memory bitmap, uint256 operatorIndex) internal pure returns (bool) {
        uint256 place = operatorIndex / 8;
        return place < bitmap.length && uint8(bitmap[place]) >> operatorIndex % 8 & 1 == 1;
    }

    function _stakesOf(uint64 stakeEpoch) internal view returns (bytes memory stakes) {
        (,,, stakes) = table.tableOf(stakeEpoch);
    }

    function _struckOf(uint32 epoch, uint64 offerId, uint16 window)
        private
        view
        returns (mapping(uint256 => uint256) storage)
    {
        return _struck[bytes32(uint256(epoch) << 80 | uint256(offerId) << 16 | window)];
    }
}
