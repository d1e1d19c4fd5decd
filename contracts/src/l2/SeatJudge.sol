// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IStakeTable} from "../interfaces/IStakeTable.sol";
import {Committees} from "../lib/Committees.sol";
import {HealthMessages} from "../lib/HealthMessages.sol";
import {SeatPlanes} from "../lib/SeatPlanes.sol";

/// @title Draws committees, for `Health`, whose code has no room for it.
/// @notice Has no state; anyone may ask.
contract SeatJudge {
    using SeatPlanes for uint256[];

    /// @notice What the committees of a health epoch are drawn with.
    struct Draw {
        bytes32 randomness;
        uint64 stakeEpoch;
        uint32 epoch;
        uint16 seats;
    }

    /// @notice Operators' stakes.
    IStakeTable public immutable table;

    constructor(IStakeTable table_) {
        table = table_;
    }

    /// @notice How many seats a bitmap's operators hold, for each entry of a list.
    function seatsOf(Draw calldata d, bytes calldata bitmap, bytes calldata list)
        external
        view
        returns (uint256[] memory held)
    {
        Committees.Line memory line = Committees.joined(_stakesOf(d), bitmap);
        bytes memory message = Committees.start(d.randomness, d.epoch);
        uint256[] memory seats = new uint256[](d.seats);
        held = new uint256[]((list.length - HealthMessages.HEAD) / HealthMessages.ENTRY);
        for (uint256 i; i < held.length; ++i) {
            held[i] = Committees.draw(message, HealthMessages.idAt(list, i), line, seats);
        }
    }

    /// @notice The operator of each seat, in the order of drawing.
    function committeeOf(Draw calldata d, uint64 offerId) external view returns (uint32[] memory operators) {
        uint256[] memory seats = _draw(d, offerId, _stakesOf(d));
        operators = new uint32[](seats.length);
        for (uint256 i; i < seats.length; ++i) {
            operators[i] = uint32(seats[i]);
        }
    }

    /// @notice The same, as it is counted.
    function planesOf(Draw calldata d, uint64 offerId) external view returns (uint256[] memory planes) {
        bytes memory stakes = _stakesOf(d);
        uint256[] memory seats = _draw(d, offerId, stakes);
        planes = SeatPlanes.create(stakes.length / 16);
        for (uint256 i; i < seats.length; ++i) {
            planes.add(seats[i]);
        }
    }

    function _draw(Draw calldata d, uint64 offerId, bytes memory stakes) private view returns (uint256[] memory seats) {
        seats = new uint256[](d.seats);
        Committees.draw(Committees.start(d.randomness, d.epoch), offerId, Committees.line(stakes), seats);
    }

    function _stakesOf(Draw calldata d) private view returns (bytes memory stakes) {
        (,,, stakes) = table.tableOf(d.stakeEpoch);
    }
}
