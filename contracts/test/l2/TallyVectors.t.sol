// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Committees} from "../../src/lib/Committees.sol";
import {Samples} from "../../src/lib/Samples.sol";
import {Shares} from "../../src/lib/Shares.sol";
import {Base} from "../Base.t.sol";

/// @notice tests/vectors/tally.json, which the Rust rules have written.
contract TallyVectorsTest is Base {
    using Shares for Shares.Work;

    string private _json;

    function setUp() external {
        _json = vm.readFile("../tests/vectors/tally.json");
    }

    function _uints(string memory key) private view returns (uint256[] memory) {
        return vm.parseJsonUintArray(_json, key);
    }

    function _bytes(string memory key) private view returns (bytes[] memory) {
        return vm.parseJsonBytesArray(_json, key);
    }

    /// @dev The number of `width` bytes at place `i` of such numbers.
    function _at(bytes memory numbers, uint256 i, uint256 width) private pure returns (uint256 value) {
        for (uint256 k; k < width; ++k) {
            value = value << 8 | uint8(numbers[width * i + k]);
        }
    }

    // --- samples ---

    /// @dev The rounds or health epochs of a stake epoch, and those of the next.
    function _checkWithin(string memory length, string memory first, string memory count, string memory next)
        private
        view
    {
        uint256[] memory epochs = _uints(".sample.epoch");
        uint256[] memory stakeEpochs = _uints(".sample.stakeEpochSeconds");
        uint256[] memory lengths = _uints(length);
        uint256[] memory firsts = _uints(first);
        uint256[] memory counts = _uints(count);
        assertTrue(epochs.length >= 40, "cases");
        for (uint256 i; i < epochs.length; ++i) {
            (uint256 first_, uint256 count_) = Samples.within(epochs[i], stakeEpochs[i], lengths[i]);
            assertEq(count_, counts[i], "count");
            assertEq(first_, firsts[i], "first");
            if (bytes(next).length == 0) continue;
            (first_,) = Samples.within(epochs[i] + 1, stakeEpochs[i], lengths[i]);
            assertEq(first_, _uints(next)[i], "the next epoch's first");
        }
    }

    function test_roundsOfEpochsAreThoseOfTheVectors() external view {
        _checkWithin(".sample.period", ".sample.firstRound", ".sample.countRounds", "");
    }

    function test_healthEpochsOfEpochsAreThoseOfTheVectors() external view {
        _checkWithin(".sample.epochSeconds", ".sample.firstHealthEpoch", ".sample.countHealthEpochs", ".sample.drawnBy");
    }

    function test_sampledRoundsAreThoseOfTheVectors() external view {
        bytes[] memory randomness = _bytes(".sample.randomness");
        bytes[] memory expected = _bytes(".sample.rounds");
        uint256[] memory epochs = _uints(".sample.epoch");
        uint256[] memory firsts = _uints(".sample.firstRound");
        uint256[] memory counts = _uints(".sample.countRounds");
        for (uint256 i; i < expected.length; ++i) {
            assertEq(expected[i].length, counts[i] == 0 ? 0 : 8 * uint256(Samples.COUNT), "samples");
            if (counts[i] == 0) continue;
            for (uint16 k; k < Samples.COUNT; ++k) {
                (uint256 x,,) = Samples.lot(bytes32(randomness[i]), uint64(epochs[i]), Samples.ROUND, k);
                assertEq(firsts[i] + Samples.scale(x, counts[i]), _at(expected[i], k, 8), "round");
            }
        }
    }

    function test_sampledProbesAreThoseOfTheVectors() external view {
        bytes[] memory randomness = _bytes(".sample.randomness");
        bytes[] memory epochs = _bytes(".sample.probeEpochs");
        bytes[] memory numbers = _bytes(".sample.probeMachines");
        bytes[] memory windows = _bytes(".sample.probeWindows");
        uint256[5][] memory facts = _facts();
        uint256 probes;
        for (uint256 i; i < epochs.length; ++i) {
            uint256 width = epochs[i].length / Samples.COUNT;
            bool none = facts[i][2] == 0;
            assertEq(epochs[i].length, none ? 0 : width * Samples.COUNT, "samples");
            assertEq(numbers[i].length, none || facts[i][3] == 0 ? 0 : 8 * uint256(Samples.COUNT), "machines");
            if (none) continue;
            for (uint16 k; k < Samples.COUNT; ++k) {
                (uint256 x, uint256 y, uint256 z) =
                    Samples.lot(bytes32(randomness[i]), uint64(facts[i][0]), Samples.PROBE, k);
                assertEq(facts[i][1] + Samples.scale(x, facts[i][2]), _at(epochs[i], k, width), "health epoch");
                if (facts[i][3] != 0) assertEq(Samples.scale(y, facts[i][3]), _at(numbers[i], k, 8), "machine");
                assertEq(Samples.scale(z, facts[i][4]), _at(windows[i], k, 2), "window");
                ++probes;
            }
        }
        assertTrue(probes >= 320, "probes");
    }

    /// @dev Of each case: stake epoch, first health epoch, how many there are, machines, windows.
    function _facts() private view returns (uint256[5][] memory facts) {
        string[5] memory keys = ["epoch", "firstHealthEpoch", "countHealthEpochs", "machines", "windows"];
        for (uint256 k; k < 5; ++k) {
            uint256[] memory column = _uints(string.concat(".sample.", keys[k]));
            if (k == 0) facts = new uint256[5][](column.length);
            for (uint256 i; i < column.length; ++i) {
                facts[i][k] = column[i];
            }
        }
    }

    // --- shares ---

    /// @dev What one case's samples are, as the file has them.
    struct Case {
        bytes stakes;
        bytes weights;
        bytes roundShown;
        bytes probeShown;
        bytes probeEpochs;
        bytes probeOffers;
        bytes probeRandomness;
        bytes probeSeats;
        uint256 seats;
    }

    function _case(uint256 i) private view returns (Case memory c) {
        c.stakes = _bytes(".share.stakes")[i];
        c.weights = _bytes(".share.roundWeights")[i];
        c.roundShown = _bytes(".share.roundShown")[i];
        c.probeShown = _bytes(".share.probeShown")[i];
        c.probeEpochs = _bytes(".share.probeEpochs")[i];
        c.probeOffers = _bytes(".share.probeOffers")[i];
        c.probeRandomness = _bytes(".share.probeRandomness")[i];
        c.probeSeats = _bytes(".share.probeSeats")[i];
        c.seats = _uints(".share.seats")[i];
    }

    /// @dev The words of bitmap number `i` of several, for so many operators.
    function _words(bytes memory bitmaps, uint256 i, uint256 operators) private pure returns (uint256[] memory words) {
        uint256 length = (operators + 7) / 8;
        words = new uint256[]((operators + 255) / 256);
        for (uint256 k; k < length; ++k) {
            words[k / 32] |= uint256(uint8(bitmaps[length * i + k])) << 8 * (31 - k % 32);
        }
    }

    function _count(Case memory c) private view returns (Shares.Work memory w) {
        uint256 operators = c.stakes.length / 16;
        w = Shares.begin(c.stakes);
        for (uint256 i; i < c.weights.length / 2; ++i) {
            uint256 weight = _at(c.weights, i, 2);
            if (weight != 0) w.addRound(_words(c.roundShown, i, operators), weight);
        }
        uint256[] memory seats = new uint256[](c.seats);
        Committees.Line memory line = Committees.line(c.stakes);
        for (uint256 i; i < c.probeEpochs.length / 4; ++i) {
            bytes memory message =
                Committees.start(bytes32(_at(c.probeRandomness, i, 32)), uint32(_at(c.probeEpochs, i, 4)));
            Committees.draw(message, uint64(_at(c.probeOffers, i, 8)), line, seats);
            for (uint256 k; k < seats.length; ++k) {
                assertEq(seats[k], _at(c.probeSeats, i * c.seats + k, c.probeSeats.length / c.seats / 16), "seat");
            }
            w.addProbe(_words(c.probeShown, i, operators), seats);
        }
    }

    function test_sharesAreThoseOfTheVectors() external view {
        bytes[] memory expected = _bytes(".share.shares");
        bytes[] memory messages = _bytes(".share.message");
        assertTrue(expected.length >= 10, "cases");
        for (uint256 i; i < expected.length; ++i) {
            Case memory c = _case(i);
            Shares.Work memory w = _count(c);
            assertEq(w.weight, _uints(".share.rounds")[i], "weight");
            assertEq(w.probes, _uints(".share.probes")[i], "probes");
            uint16[] memory shares = w.all(c.stakes.length / 16);
            bytes memory got;
            for (uint256 k; k < shares.length; ++k) {
                got = bytes.concat(got, bytes2(shares[k]));
            }
            assertEq(got, expected[i], "shares");
            bytes memory head = abi.encodePacked(
                uint64(_uints(".share.epoch")[i]), uint16(w.weight), uint16(w.probes), uint32(shares.length)
            );
            assertEq(bytes.concat(head, got), messages[i], "message");
        }
    }
}
