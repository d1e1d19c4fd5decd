// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Fields} from "./Fields.sol";
import {Log2} from "./Log2.sol";
import {Lottery} from "./Lottery.sol";
import {Orders} from "./Orders.sol";
import {Pairs} from "./Pairs.sol";
import {ScorePage} from "./ScorePage.sol";

/// @title The eight factors of a pair and the score that they add up to: docs/formats.md, section 6.
/// @dev Every operand has at most 64 bits and every factor 14, so nothing below can leave 256.
/// @notice Of eligible pairs only. Each factor is 0 to 10,000, higher is better; nothing is divided after them.
library Score {
    using Fields for bytes;
    using ScorePage for ScorePage.Score;

    uint256 private constant WHOLE = 10_000;
    /// @dev Points at the reference price.
    int256 private constant MIDDLE = 5_000;

    /// @notice The score of an eligible pair with this tie.
    /// @dev At most 3 x 10^8 for a valid policy, so it fits in 64 bits.
    function total(Pairs.Request memory r, Pairs.Machine memory m, Pairs.Round memory c, uint64 tie)
        internal
        view
        returns (uint64)
    {
        uint256 profile = r.record.wordAt(288) >> 224 & 0xff;
        uint256 weights = c.policy.weights(profile);
        uint256[8] memory f = factors(r, m, c, tie);
        uint256 age = cappedAge(r, c);
        unchecked {
            uint256 score = c.policy.offsetOf(profile) + WHOLE * ScorePage.agePoints(c.policy.numbers()) * age;
            assembly ("memory-safe") {
                for { let i := 0x100 } i {} {
                    i := sub(i, 0x20)
                    score := add(score, mul(and(weights, 0xffff), mload(add(f, i))))
                    weights := shr(16, weights)
                }
            }
            return uint64(score);
        }
    }

    /// @notice The factors in the order of the weights: region, price, uptime, reputation, availability, slash,
    /// stake, randomness.
    function factors(Pairs.Request memory r, Pairs.Machine memory m, Pairs.Round memory c, uint64 tie)
        internal
        view
        returns (uint256[8] memory f)
    {
        uint256 n = c.policy.numbers();
        uint256 what = m.record.wordAt(128) >> 56; // .. model ‖ gpus ‖ region ‖ kind ‖ tier, 8 bits each
        uint256 wanted = r.record.wordAt(Orders.REQUEST_DEMAND); // .. min_uptime ‖ gpus ‖ home_region
        f[0] = region(c.policy, wanted & 0xff, what >> 16 & 0xff);
        f[1] = price(c.policy.referencePrice(what >> 32 & 0xff), m.record.wordAt(96) >> 192, ScorePage.priceSlope(n));
        f[2] = m.uptime == Pairs.UNOBSERVED ? ScorePage.priorUptime(n) : m.uptime;
        f[3] = m.reputation == Pairs.UNOBSERVED ? ScorePage.priorReputation(n) : m.reputation;
        f[4] = availability(wanted >> 8 & 0xff, m.free >> 192);
        f[5] = slash(m.slash, m.slashEpoch, c.healthEpoch, ScorePage.slashDecay(n));
        f[6] = stake(m.stake, m.registeredGpus, ScorePage.stakeUnit(n), ScorePage.stakeSlope(n));
        f[7] = Lottery.jitter(tie);
    }

    /// @notice Same region, same zone, or the policy's table.
    function region(ScorePage.Score memory policy, uint256 home, uint256 there) internal view returns (uint256) {
        return home == there ? WHOLE : policy.regionFactor(home, there);
    }

    /// @notice 5,000 at the reference price, and `slope` more for each halving of the ask.
    function price(uint256 standard, uint256 ask, uint256 slope) internal pure returns (uint256) {
        unchecked {
            int256 octaves = int256(Log2.log2q(standard)) - int256(Log2.log2q(ask));
            int256 points = MIDDLE + (octaves * int256(slope) >> 16);
            if (points < 0) return 0;
            return uint256(points) > WHOLE ? WHOLE : uint256(points);
        }
    }

    /// @notice The share of the free GPUs that the request takes.
    function availability(uint256 gpus, uint256 free) internal pure returns (uint256) {
        if (free == 0) return 0;
        unchecked {
            uint256 share = WHOLE * gpus / free;
            return share > WHOLE ? WHOLE : share;
        }
    }

    /// @notice 10,000 less the share of stake lost, of which each health epoch since forgives `decay`.
    function slash(uint256 lost, uint256 epoch, uint256 now_, uint256 decay) internal pure returns (uint256) {
        unchecked {
            uint256 forgiven = now_ > epoch ? decay * (now_ - epoch) : 0;
            uint256 left = lost > forgiven ? lost - forgiven : 0;
            return left > WHOLE ? 0 : WHOLE - left;
        }
    }

    /// @notice `slope` for each doubling of the stake per registered GPU above the unit.
    function stake(uint256 amount, uint256 gpus, uint256 unit, uint256 slope) internal pure returns (uint256) {
        if (gpus == 0 || amount / gpus < unit) return 0;
        unchecked {
            uint256 points = (Log2.log2q(amount / gpus) - Log2.log2q(unit)) * slope >> 16;
            return points > WHOLE ? WHOLE : points;
        }
    }

    /// @notice Rounds before this one that saw the request, as far as they count.
    function cappedAge(Pairs.Request memory r, Pairs.Round memory c) internal pure returns (uint256 age) {
        unchecked {
            uint256 first = r.created < c.genesis ? 0 : (r.created - c.genesis) / c.period + 1;
            age = c.n > first ? c.n - first : 0;
        }
        uint256 cap = ScorePage.ageCap(c.policy.numbers());
        if (age > cap) age = cap;
    }
}
