// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Log2} from "../../../src/lib/Log2.sol";
import {Pairs} from "../../../src/lib/Pairs.sol";
import {Score} from "../../../src/lib/Score.sol";
import {ScorePage} from "../../../src/lib/ScorePage.sol";
import {RandomMarkets} from "./RandomMarkets.sol";

/// @notice Factors lie within the whole and rise with what is better, and the score with each of them. (Products of
/// two unknowns are beyond the symbolic checks, so these draw numbers.)
contract FactorsTest is RandomMarkets {
    uint256 private constant WHOLE = 10_000;

    function setUp() public override {}

    function testFuzz_aLowerAskIsNeverWorse(uint64 reference_, uint64 a, uint64 b, uint32 slope) external pure {
        (a, b) = a < b ? (a, b) : (b, a);
        slope %= 1_000_001;
        assertLe(Score.price(reference_, b, slope), Score.price(reference_, a, slope), "price");
        assertLe(Score.price(reference_, a, slope), WHOLE, "whole");
    }

    function testFuzz_moreStakeIsNeverWorse(uint64 a, uint64 b, uint32 gpus, uint64 unit, uint32 slope) external pure {
        (a, b) = a < b ? (a, b) : (b, a);
        (unit, slope) = (unit == 0 ? 1 : unit, slope % 1_000_001);
        assertLe(Score.stake(a, gpus, unit, slope), Score.stake(b, gpus, unit, slope), "stake");
        assertLe(Score.stake(b, gpus, unit, slope), WHOLE, "whole");
    }

    function testFuzz_lessLostAndLongerAgoIsNeverWorse(uint16 a, uint16 b, uint32 epoch, uint32 now_, uint16 decay)
        external
        pure
    {
        (a, b) = a < b ? (a, b) : (b, a);
        uint256 worse = Score.slash(b, epoch, now_, decay);
        assertLe(worse, Score.slash(a, epoch, now_, decay), "less lost");
        assertLe(worse, Score.slash(b, epoch, uint256(now_) + 1, decay), "longer ago");
        assertLe(Score.slash(a, epoch, now_, decay), WHOLE, "whole");
    }

    function test_aTighterFitIsNeverWorse() external pure {
        for (uint256 free; free < 256; free += 5) {
            for (uint256 gpus; gpus < 255; ++gpus) {
                assertLe(Score.availability(gpus, free), Score.availability(gpus + 1, free), "availability");
            }
            assertLe(Score.availability(255, free), WHOLE, "whole");
        }
    }

    function testFuzz_theLogarithmNeverFalls(uint64 x) external pure {
        if (x == type(uint64).max) return;
        assertLe(Log2.log2q(x), Log2.log2q(uint256(x) + 1), "log2q");
        if (x != 0 && x < 1 << 63) assertEq(Log2.log2q(2 * uint256(x)), Log2.log2q(x) + (1 << 16), "an octave");
    }

    /// @dev With any weights: better uptime, reputation, slash, stake or fit never lowers the whole score.
    function testFuzz_theScoreNeverFallsWithAFactor(uint256 x, bytes16 weights, uint16 better, uint8 which) external {
        bytes memory page = _policy(1);
        for (uint256 i; i < 16; ++i) {
            page[4 + i] = weights[i];
        }
        address where = address(0x9A6E);
        vm.etch(where, bytes.concat(hex"00", page));
        Pairs.Round memory c = Pairs.Round(5, 1_000_000, 900_000, 60, 3, ScorePage.load(where));
        Pairs.Request memory r = Pairs.Request(_randomRequest(x), 950_000);
        _put(r.record, 291, 1, 0);
        Pairs.Machine memory m;
        m.record = _randomOffer(x >> 7);
        (m.free, m.uptime, m.stake, m.registeredGpus) = (4 << 192, x % 10_001, x % 1e9, 3);
        (m.reputation, m.slash) = (x % 9_999, x % 10_001);
        uint256 before = Score.total(r, m, c, uint64(x));
        if (which % 4 == 0) m.uptime = bound(better, m.uptime, 10_000);
        if (which % 4 == 1) m.reputation = bound(better, m.reputation, 10_000);
        if (which % 4 == 2) m.slash = better % (m.slash + 1);
        if (which % 4 == 3) m.stake += better;
        assertLe(before, Score.total(r, m, c, uint64(x)), "score");
    }
}
