// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IVerifier} from "../interfaces/IVerifier.sol";
import {Capacity} from "../lib/Capacity.sol";
import {Entries} from "../lib/Entries.sol";
import {Malformed} from "../lib/Malformed.sol";
import {Openings} from "../lib/Openings.sol";
import {Pairs} from "../lib/Pairs.sol";
import {ScorePage} from "../lib/ScorePage.sol";
import {PairJudge} from "./PairJudge.sol";

/// @title Judges whether a pair outside the list blocks it: docs/formats.md, section 13, kind 1.
/// @dev Greedy's outcome is the only list without such a pair, so this one kind finds every wrong matching.
abstract contract BlockingJudge is PairJudge {
    using Entries for uint256;
    using Openings for Openings.Opening;
    using ScorePage for ScorePage.Score;

    /// @dev request ‖ offer
    uint256 private constant IDS = 16;

    /// @dev Whether the pair that `body` names blocks the list under `outcomeRoot`, the one posted in round n.
    function _blocks(uint64 n, bytes32 seed, bytes32 outcomeRoot, bytes calldata body) internal view returns (bool) {
        if (body.length < IDS) revert IVerifier.BadWitness(Malformed.LENGTH);
        Openings.Opening memory o = Openings.read(body[IDS:], outcomeRoot);
        Pairs.Round memory c = _roundOf(n);
        Candidate memory r = _candidate(c, uint64(bytes8(body)));
        (Pairs.Machine memory m, Standing machine) = _machine(c, uint64(bytes8(body[8:])));
        if (r.standing != Standing.Input || machine != Standing.Input) return false;
        (uint8 ineligible, uint256 e) = _rate(c, seed, r.request, m);
        if (ineligible != 0) return false;

        // The opening must hold every entry that counts, whatever each of them says.
        bool fits = _fits(o, e, _demandOf(r.request.record), m.free);
        bool free = r.matchedIn != c.n + 1 || _prefers(o.pairs[o.find(r.position)], e);
        return _isWithinCut(o, e, ScorePage.maxMatches(c.policy.numbers())) && fits && free;
    }

    /// @dev Whether a request that is matched as `entry` would leave that place for `e`. Not if `e` is that entry.
    function _prefers(uint256 entry, uint256 e) private pure returns (bool) {
        return entry.offer() != e.offer() && entry.rank() < e.rank();
    }

    /// @dev Whether the machine had room when the order of pairs came to `e`: behind the last entry before it.
    function _fits(Openings.Opening memory o, uint256 e, uint256 demand, uint256 free) private pure returns (bool) {
        uint256 split = _place(o, e);
        bool same = split != 0 && o.pairs[split - 1].offer() == e.offer();
        uint256 used = same ? Capacity.spread(o.used[split - 1]) : 0;
        return Capacity.fits(used + demand, free);
    }

    /// @dev How many of the opened entries stand before `e`. The last of them and the next one are neighbours in the
    /// list, or end it, so that nothing can stand between.
    function _place(Openings.Opening memory o, uint256 e) private pure returns (uint256 split) {
        while (split < o.k && o.pairs[split].isBefore(e)) ++split;
        uint256 expected = split == 0 ? 0 : o.positions[split - 1] + 1;
        uint256 next = split == o.k ? o.count : o.positions[split];
        if (next != expected) revert IVerifier.BadWitness(Malformed.ENTRIES);
    }

    /// @dev Whether the round still took pairs when the order came to `e`.
    function _isWithinCut(Openings.Opening memory o, uint256 e, uint256 most) private pure returns (bool) {
        if (most == 0 || o.count < most) return true;
        return o.pairs[o.find(o.lowest)].rank() < e.rank();
    }
}
