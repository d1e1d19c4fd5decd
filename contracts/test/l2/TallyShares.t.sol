// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Shares} from "../../src/lib/Shares.sol";
import {Base} from "../Base.t.sol";

/// @notice The arithmetic of shares, against section 15 read aloud: operator by operator, sample by sample.
contract TallySharesTest is Base {
    using Shares for Shares.Work;

    uint256 private constant OPERATORS = 300; // more than a word holds
    uint256 private constant SEATS = 31;

    /// @dev A sample of either kind; `weight` 0 says it is a probe.
    struct Sample {
        uint256 weight;
        uint256[] shown; // words
        uint256[] seats;
    }

    function _random(uint256 seed, uint256 a, uint256 b) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, a, b)));
    }

    /// @dev Whether an operator is in the words, as bytes of a bitmap.
    function _has(uint256[] memory words, uint256 operator) private pure returns (bool) {
        bytes memory bitmap = abi.encodePacked(words);
        return uint8(bitmap[operator / 8]) >> (operator % 8) & 1 == 1;
    }

    function _add(uint256[] memory words, uint256 operator) private pure {
        uint256 byte_ = operator % 256 / 8;
        words[operator / 256] |= 1 << (8 * (31 - byte_) + operator % 8);
    }

    /// @dev Words in which a tenth, half or nine tenths are shown, or nobody.
    function _words(uint256 seed, uint256 i) private pure returns (uint256[] memory words) {
        words = new uint256[]((OPERATORS + 255) / 256);
        uint256 tenths = [uint256(0), 1, 5, 9][_random(seed, i, 1e6) % 4];
        for (uint256 k; k < OPERATORS; ++k) {
            if (_random(seed, i, k) % 10 < tenths) _add(words, k);
        }
    }

    /// @dev Six rounds, of both weights, and six probes. Seats lie on few operators, so that they meet again.
    function _samples(uint256 seed) private pure returns (Sample[] memory samples) {
        samples = new Sample[](12);
        for (uint256 i; i < 12; ++i) {
            samples[i].shown = _words(seed, i);
            if (i < 6) {
                samples[i].weight = 1 + _random(seed, i, 2e6) % 2;
                continue;
            }
            samples[i].seats = new uint256[](SEATS);
            for (uint256 s; s < SEATS; ++s) {
                samples[i].seats[s] = _random(seed, i, 3e6 + s) % 60 * 5;
            }
        }
    }

    /// @dev Every tenth operator has none.
    function _stakes() private pure returns (bytes memory stakes) {
        stakes = new bytes(16 * OPERATORS);
        for (uint256 k; k < OPERATORS; ++k) {
            if (k % 10 != 9) stakes[16 * k + k % 16] = 0x01;
        }
    }

    function _shares(Sample[] memory samples) private pure returns (Shares.Work memory w, uint16[] memory shares) {
        w = Shares.begin(_stakes());
        for (uint256 i; i < samples.length; ++i) {
            if (samples[i].weight != 0) w.addRound(samples[i].shown, samples[i].weight);
            else w.addProbe(samples[i].shown, samples[i].seats);
        }
        shares = w.all(OPERATORS);
    }

    /// @dev More than half of the stake.
    function _isMostShown(Sample memory s) private pure returns (bool) {
        bytes memory stakes = _stakes();
        uint256 shown;
        uint256 total;
        for (uint256 k; k < OPERATORS; ++k) {
            uint256 stake;
            for (uint256 i; i < 16; ++i) {
                stake = stake << 8 | uint8(stakes[16 * k + i]);
            }
            total += stake;
            if (_has(s.shown, k)) shown += stake;
        }
        return shown > total / 2;
    }

    /// @dev Adds operators with nearly all of the stake.
    function _addMost(uint256[] memory words) private pure {
        for (uint256 k; k < OPERATORS; k += 16) {
            _add(words, k);
        }
    }

    /// @dev Shown seats of all, or of one operator, and its seats.
    function _counts(Sample memory s) private pure returns (bool) {
        uint256 held;
        for (uint256 i; i < s.seats.length; ++i) {
            if (_has(s.shown, s.seats[i])) ++held;
        }
        return held > s.seats.length / 2;
    }

    /// @dev The share of one operator by the letter.
    function _plainShare(Sample[] memory samples, uint256 k) private pure returns (uint256) {
        uint256[4] memory n; // weight shown, weight, seats shown, seats
        for (uint256 i; i < samples.length; ++i) {
            Sample memory s = samples[i];
            bool shown = _has(s.shown, k);
            if (s.weight != 0) {
                if (!_isMostShown(s)) continue;
                n[1] += s.weight;
                if (shown) n[0] += s.weight;
            } else if (_counts(s)) {
                for (uint256 j; j < SEATS; ++j) {
                    if (s.seats[j] != k) continue;
                    ++n[3];
                    if (shown) ++n[2];
                }
            }
        }
        if (n[1] == 0 || k % 10 == 9) return 0;
        uint256 a = 10_000 * n[0] / n[1];
        return (a + (n[3] == 0 ? a : 10_000 * n[2] / n[3])) / 2;
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_sharesAreThoseOfTheLetter(uint256 seed) external pure {
        Sample[] memory samples = _samples(seed);
        (Shares.Work memory w, uint16[] memory shares) = _shares(samples);
        assertEq(shares.length, OPERATORS, "operators");
        uint256 weight;
        uint256 probes;
        for (uint256 i; i < samples.length; ++i) {
            if (samples[i].weight == 0 && _counts(samples[i])) ++probes;
            if (_isMostShown(samples[i])) weight += samples[i].weight;
        }
        assertEq(w.weight, weight, "weight");
        assertEq(w.probes, probes, "probes");
        // Of each word some, both ends included.
        for (uint256 k = seed % 7; k < OPERATORS; k += 7) {
            assertEq(shares[k], _plainShare(samples, k), "share");
        }
        assertEq(shares[OPERATORS - 1], _plainShare(samples, OPERATORS - 1), "the last");
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_noShareIsMoreThanAll(uint256 seed) external pure {
        (, uint16[] memory shares) = _shares(_samples(seed));
        for (uint256 k; k < OPERATORS; ++k) {
            assertLe(shares[k], 10_000, "share");
        }
    }

    /// @dev Whatever else is shown, and whether or not it makes a sample count.
    /// forge-config: default.fuzz.runs = 32
    function testFuzz_showingOnesOwnWorkNeverCosts(uint256 seed, uint16 operator_, uint8 which) external pure {
        uint256 operator = operator_ % 60 * 5; // has seats
        Sample[] memory samples = _samples(seed);
        (, uint16[] memory before) = _shares(samples);
        _add(samples[which % 12].shown, operator);
        (, uint16[] memory shares) = _shares(samples);
        assertLe(before[operator], shares[operator], "share");
    }

    /// @dev In samples that count anyway one operator's word changes nobody else's share.
    /// forge-config: default.fuzz.runs = 32
    function testFuzz_wordsInSamplesThatCountConcernOneOnly(uint256 seed, uint16 operator_, uint8 which) external pure {
        uint256 operator = operator_ % OPERATORS;
        Sample[] memory samples = _samples(seed);
        Sample memory s = samples[which % 12];
        if (s.weight != 0 ? !_isMostShown(s) : !_counts(s)) return;
        (, uint16[] memory before) = _shares(samples);
        _add(s.shown, operator);
        (, uint16[] memory shares) = _shares(samples);
        for (uint256 k; k < OPERATORS; ++k) {
            if (k != operator) assertEq(shares[k], before[k], "share");
        }
    }

    // --- what showing can cost others ---

    function _one(uint256 weight) private pure returns (Sample memory s) {
        s.weight = weight;
        s.shown = new uint256[](2);
        s.seats = new uint256[](weight == 0 ? 3 : 0);
    }

    /// @dev Who signed what the others were right not to sign turns nothing against them.
    function test_aFewShownInARoundDoNotMakeItCount() external pure {
        Sample[] memory samples = new Sample[](2);
        (samples[0], samples[1]) = (_one(1), _one(2));
        _addMost(samples[0].shown);
        _add(samples[0].shown, 1);
        _add(samples[1].shown, 0);
        (Shares.Work memory w, uint16[] memory shares) = _shares(samples);
        assertEq(w.weight, 1, "the first alone");
        assertEq(shares[1], 10_000, "missed nothing");
    }

    /// @dev So it is meant: who is not shown in a sample that counts has missed it.
    function test_whoIsMissingAmongMostHasMissedTheRound() external pure {
        Sample[] memory samples = new Sample[](2);
        (samples[0], samples[1]) = (_one(1), _one(2));
        _addMost(samples[0].shown);
        _add(samples[0].shown, 1);
        _addMost(samples[1].shown);
        (, uint16[] memory shares) = _shares(samples);
        assertEq(shares[0], 10_000, "shown in both");
        assertEq(shares[1], 3_333, "shown in a third of the weight");
    }

    /// @dev Seats of operators 0, 1 and 1: half is not enough, and beyond it whoever is missing has missed.
    function test_seatsBeyondHalfMakeOthersMissTheProbe() external pure {
        Sample[] memory samples = new Sample[](2);
        (samples[0], samples[1]) = (_one(1), _one(0));
        _addMost(samples[0].shown);
        _add(samples[0].shown, 1);
        (samples[1].seats[1], samples[1].seats[2]) = (1, 1);
        _add(samples[1].shown, 0);
        (Shares.Work memory w, uint16[] memory shares) = _shares(samples);
        assertEq(w.probes, 0, "one seat of three");
        assertEq(shares[0], 10_000, "as in rounds");
        samples[1].shown[0] = 0;
        _add(samples[1].shown, 1);
        (w, shares) = _shares(samples);
        assertEq(w.probes, 1, "two seats of three");
        assertEq(shares[0], 5_000, "missed the only probe");
        assertEq(shares[1], 10_000, "missed nothing");
    }

    function test_halfOfTheSeatsIsNotMore() external pure {
        Sample[] memory samples = new Sample[](1);
        samples[0] = _one(0);
        samples[0].seats = new uint256[](4);
        (samples[0].seats[2], samples[0].seats[3]) = (1, 1);
        _add(samples[0].shown, 1);
        (Shares.Work memory w,) = _shares(samples);
        assertEq(w.probes, 0, "two of four");
        samples[0].seats[1] = 1;
        (w,) = _shares(samples);
        assertEq(w.probes, 1, "three of four");
    }
}
