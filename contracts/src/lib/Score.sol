// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Fields} from "./Fields.sol";
import {Log2} from "./Log2.sol";
import {Lottery} from "./Lottery.sol";
import {Pairs} from "./Pairs.sol";
import {ScorePage} from "./ScorePage.sol";

/// @title The eight factors of a pair and the score that they add up to: docs/formats.md, section 6.
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
        uint256 profile = r.record.uintAt(291, 1);
        uint256 weights = c.policy.weights(profile);
        uint256[8] memory f = factors(r, m, c, tie);
        uint256 score = c.policy.offsetOf(profile) + WHOLE * c.policy.agePoints() * cappedAge(r, c);
        unchecked {
            for (uint256 i = 8; i != 0;) {
                --i;
                score += (weights & 0xffff) * f[i];
                weights >>= 16;
            }
        }
        return uint64(score);
    }

    /// @notice The factors in the order of the weights: region, price, uptime, reputation, availability, slash,
    /// stake, randomness.
    function factors(Pairs.Request memory r, Pairs.Machine memory m, Pairs.Round memory c, uint64 tie)
        internal
        view
        returns (uint256[8] memory f)
    {
        f[0] = region(c.policy, r.record.uintAt(287, 1), m.record.uintAt(150, 1));
        f[1] = price(c.policy.referencePrice(m.record.uintAt(148, 1)), m.record.uintAt(96, 8), c.policy.priceSlope());
        f[2] = m.uptime == Pairs.UNOBSERVED ? c.policy.priorUptime() : m.uptime;
        f[3] = m.reputation == Pairs.UNOBSERVED ? c.policy.priorReputation() : m.reputation;
        f[4] = availability(r.record.uintAt(286, 1), m.free >> 192);
        f[5] = slash(m.slash, m.slashEpoch, c.healthEpoch, c.policy.slashDecay());
        f[6] = stake(m.stake, m.registeredGpus, c.policy.stakeUnit(), c.policy.stakeSlope());
        f[7] = Lottery.jitter(tie);
    }

    /// @notice Same region, same zone, or the policy's table.
    function region(ScorePage.Score memory policy, uint256 home, uint256 there) internal view returns (uint256) {
        if (home == there) return WHOLE;
        uint256 from = policy.zoneOf(home);
        uint256 to = policy.zoneOf(there);
        return from == to ? policy.sameZone() : policy.zoneFactor(from, to);
    }

    /// @notice 5,000 at the reference price, and `slope` more for each halving of the ask.
    function price(uint256 standard, uint256 ask, uint256 slope) internal pure returns (uint256) {
        int256 octaves = int256(Log2.log2q(standard)) - int256(Log2.log2q(ask));
        int256 points = MIDDLE + (octaves * int256(slope) >> 16);
        if (points < 0) return 0;
        return uint256(points) > WHOLE ? WHOLE : uint256(points);
    }

    /// @notice The share of the free GPUs that the request takes.
    function availability(uint256 gpus, uint256 free) internal pure returns (uint256) {
        if (free == 0) return 0;
        uint256 share = WHOLE * gpus / free;
        return share > WHOLE ? WHOLE : share;
    }

    /// @notice 10,000 less the share of stake lost, of which each health epoch since forgives `decay`.
    function slash(uint256 lost, uint256 epoch, uint256 now_, uint256 decay) internal pure returns (uint256) {
        uint256 forgiven = now_ > epoch ? decay * (now_ - epoch) : 0;
        uint256 left = lost > forgiven ? lost - forgiven : 0;
        return left > WHOLE ? 0 : WHOLE - left;
    }

    /// @notice `slope` for each doubling of the stake per registered GPU above the unit.
    function stake(uint256 amount, uint256 gpus, uint256 unit, uint256 slope) internal pure returns (uint256) {
        if (gpus == 0 || amount / gpus < unit) return 0;
        uint256 points = (Log2.log2q(amount / gpus) - Log2.log2q(unit)) * slope >> 16;
        return points > WHOLE ? WHOLE : points;
    }

    /// @notice Rounds before this one that saw the request, as far as they count.
    function cappedAge(Pairs.Request memory r, Pairs.Round memory c) internal pure returns (uint256 age) {
        uint256 first = r.created < c.genesis ? 0 : (r.created - c.genesis) / c.period + 1;
        age = c.n > first ? c.n - first : 0;
        uint256 cap = c.policy.ageCap();
        if (age > cap) age = cap;
    }
}
