// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IAttendance} from "../interfaces/IAttendance.sol";
import {IBridge} from "../interfaces/IBridge.sol";
import {IHealth} from "../interfaces/IHealth.sol";
import {IMachines} from "../interfaces/IMachines.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {IStakeTable} from "../interfaces/IStakeTable.sol";
import {ITally} from "../interfaces/ITally.sol";
import {Committees} from "../lib/Committees.sol";
import {Shares} from "../lib/Shares.sol";
import {SampleBook} from "./SampleBook.sol";
import {ShownWords} from "./ShownWords.sol";

/// @title What share of their work operators are shown to have done, by stake epoch (docs/formats.md, section 15).
/// @notice Showing is open to all and only adds: whoever is shown in a sample stays so. But what is shown of others can
/// make a sample count, and then it counts for all who had to do with it; so everybody's own work should be shown in
/// time, and whoever sees the sample can do that.
contract Tally is ShownWords {
    using Shares for Shares.Work;

    /// @dev Weights of a round that was settled in full, and of one that was not posted.
    uint256 private constant SETTLED = 1;
    uint256 private constant NOT_POSTED = 2;

    /// @notice The second road to L1.
    IBridge public immutable bridge;

    /// @param rounds_ its schedule and domain are read here, once
    /// @param table_ the table that certificates of `rounds_` are verified by
    /// @param health_ which opens health epochs, of the same table
    /// @param machines_ which numbers machines
    /// @param attendance_ which takes signers of rounds, long enough for a sample to be drawn and shown
    /// @param bridge_ an end of its own; the contract at its other end pays operators
    constructor(
        IRounds rounds_,
        IStakeTable table_,
        IHealth health_,
        IMachines machines_,
        IAttendance attendance_,
        IBridge bridge_
    ) SampleBook(rounds_, health_, machines_, attendance_) ShownWords(table_) {
        bridge = bridge_;
    }

    /// @inheritdoc ITally
    function tell(uint64 epoch) external payable {
        Sample storage s = _drawn(epoch);
        if (s.told) revert AlreadyTold(epoch);
        _requireTime(uint256(showableUntil(epoch)) + 1, type(uint256).max);
        s.told = true;
        (uint16 weight, uint16 probes, uint16[] memory shares) = sharesOf(epoch);
        bytes memory message = _encode(epoch, weight, probes, shares);
        emit Tallied(epoch, message);
        bridge.send{value: msg.value}(message);
    }

    /// @inheritdoc ITally
    function sharesOf(uint64 epoch) public view returns (uint16 weight, uint16 probes, uint16[] memory shares) {
        _drawn(epoch);
        (,,, bytes memory stakes) = table.tableOf(epoch);
        uint256 operators = stakes.length / 16;
        Shares.Work memory w = Shares.begin(stakes);
        uint256[] memory words = new uint256[]((operators + 255) / 256);
        _addRounds(w, epoch, words);
        _addProbes(w, epoch, words, stakes);
        return (uint16(w.weight), uint16(w.probes), w.all(operators));
    }

    /// @param words room for who is shown
    function _addRounds(Shares.Work memory w, uint64 epoch, uint256[] memory words) private view {
        uint64[] memory numbers = sampledRounds(epoch);
        for (uint256 i; i < numbers.length; ++i) {
            uint256 weight = _weightOf(numbers[i]);
            if (weight == 0) continue;
            for (uint256 k; k < words.length; ++k) {
                words[k] = attendance.wordOf(numbers[i], k);
            }
            w.addRound(words, weight);
        }
    }

    /// @dev The weight of a round whose header stands and which has ended, else 0. Who signed a round before it was
    /// refuted is shown for nothing.
    function _weightOf(uint64 n) private view returns (uint256) {
        (IRounds.Status status,,, uint64 endedAt,,) = rounds.roundOf(n);
        if (status == IRounds.Status.Settled) return SETTLED;
        return status == IRounds.Status.Certified && endedAt != 0 ? NOT_POSTED : 0;
    }

    /// @dev The committees are drawn here again, as `health` draws them: all from one table.
    function _addProbes(Shares.Work memory w, uint64 epoch, uint256[] memory words, bytes memory stakes) private view {
        uint16 probes = _probesOf(epoch);
        Committees.Line memory line;
        uint256[] memory seats;
        for (uint16 i; i < probes; ++i) {
            if (!_shownIn(epoch, i, words)) continue;
            Probe memory p = _probeOf(epoch, i);
            if (line.total == 0) line = Committees.line(stakes);
            if (seats.length != p.seats) seats = new uint256[](p.seats);
            bytes memory message = Committees.start(health.randomnessOf(p.healthEpoch), p.healthEpoch);
            Committees.draw(message, p.offerId, line, seats);
            w.addProbe(words, seats);
        }
    }

    /// @dev The message of docs/formats.md, section 12.
    function _encode(uint64 epoch, uint16 weight, uint16 probes, uint16[] memory shares)
        private
        pure
        returns (bytes memory message)
    {
        // A share is written with 30 bytes behind it: there is room for those of the last.
        message = abi.encodePacked(epoch, weight, probes, uint32(shares.length), new bytes(2 * shares.length + 30));
        assembly ("memory-safe") {
            let to := add(message, 48)
            let end := add(shares, shl(5, add(mload(shares), 1)))
            for { let share := add(shares, 32) } lt(share, end) { share := add(share, 32) } {
                mstore(to, shl(240, mload(share)))
                to := add(to, 2)
            }
            mstore(message, sub(mload(message), 30))
        }
    }
}
