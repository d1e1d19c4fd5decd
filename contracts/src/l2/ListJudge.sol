// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {IVerifier} from "../interfaces/IVerifier.sol";
import {Capacity} from "../lib/Capacity.sol";
import {Entries} from "../lib/Entries.sol";
import {Malformed} from "../lib/Malformed.sol";
import {Openings} from "../lib/Openings.sol";
import {OutcomeTree} from "../lib/OutcomeTree.sol";
import {Pairs} from "../lib/Pairs.sol";
import {ScorePage} from "../lib/ScorePage.sol";
import {Witnesses} from "../lib/Witnesses.sol";
import {BlockingJudge} from "./BlockingJudge.sol";
import {PairJudge} from "./PairJudge.sol";

/// @title Judges a list by entries opened of it: docs/formats.md, section 13, kinds 1 to 5.
/// @dev Whatever the entries say, the answer is a code or 0; `BadWitness` is for what the challenger alone chose.
abstract contract ListJudge is BlockingJudge {
    using Entries for uint256;
    using Openings for Openings.Opening;
    using ScorePage for ScorePage.Score;

    constructor(IRounds rounds_, IMarket market_, IProviders providers_) PairJudge(rounds_, market_, providers_) {}

    /// @dev Judges the list under `outcomeRoot` in round n by a witness of kind 1 to 5.
    function _judgeList(uint256 kind, uint64 n, bytes32 seed, bytes32 outcomeRoot, bytes calldata body)
        internal
        view
        returns (uint8 code, uint32 position)
    {
        if (kind == Witnesses.BLOCKING) {
            if (_blocks(n, seed, outcomeRoot, body)) return (Witnesses.BLOCKING_PAIR, Witnesses.NO_POSITION);
            return (0, 0);
        }
        if (kind == 0 || kind > Witnesses.CUT) revert IVerifier.BadWitness(Malformed.KIND);
        Openings.Opening memory o = Openings.read(body, outcomeRoot);
        if (kind == Witnesses.CUT) {
            (code, position) = _cut(n, o);
        } else {
            if (kind == Witnesses.ENTRY) code = _entry(n, seed, o);
            else if (kind == Witnesses.NEIGHBOURS) code = _neighbours(o);
            else code = _repeated(o);
            position = uint32(o.positions[o.k - 1]);
        }
        if (code == 0) position = 0;
    }

    /// @dev Kind 2: what is wrong with one entry by itself.
    function _entry(uint64 n, bytes32 seed, Openings.Opening memory o) private view returns (uint8) {
        o.require_(1);
        uint256 e = o.pairs[0];
        Pairs.Round memory c = _roundOf(n);
        Candidate memory r = _candidate(c, e.request());
        if (r.standing == Standing.Unknown) return Witnesses.UNKNOWN_REQUEST;
        (Pairs.Machine memory m, Standing machine) = _machine(c, e.offer());
        if (machine == Standing.Unknown) return Witnesses.UNKNOWN_OFFER;
        if (r.standing == Standing.Matched) return Witnesses.MATCHED_TWICE;
        if (r.standing == Standing.NotOpen) return Witnesses.REQUEST_NOT_OPEN;
        if (machine == Standing.NotOpen) return Witnesses.OFFER_NOT_OPEN;

        (uint8 ineligible, uint256 pair) = _rate(c, seed, r.request, m);
        if (ineligible != 0) return Witnesses.INELIGIBLE;
        if (e.score() != pair.score()) return Witnesses.WRONG_SCORE;
        if (e.tie() != pair.tie()) return Witnesses.WRONG_TIE;

        uint256 used = Capacity.spread(o.used[0]);
        if (!Capacity.fits(_demandOf(r.request.record), used)) return Witnesses.WRONG_SUM;
        if (!Capacity.fits(used, m.free)) return Witnesses.OVER_CAPACITY;
        return 0;
    }

    /// @dev Kind 3: what is wrong between an entry and the one before it, or before the first.
    function _neighbours(Openings.Opening memory o) private view returns (uint8) {
        bool first = o.k == 1 && o.positions[0] == 0;
        bool next = o.k == 2 && o.positions[1] == o.positions[0] + 1;
        if (!first && !next) revert IVerifier.BadWitness(Malformed.ENTRIES);
        uint256 last = o.k - 1;
        uint256 e = o.pairs[last];
        uint256 sum; // of the same offer's entries before
        if (next) {
            if (e.offer() < o.pairs[0].offer()) return Witnesses.OFFERS_NOT_ASCENDING;
            if (e.offer() == o.pairs[0].offer()) {
                if (e.rank() >= o.pairs[0].rank()) return Witnesses.ORDER_IN_OFFER;
                sum = Capacity.spread(o.used[0]);
            }
        }
        (bool exists, uint256 demand) = _demandOf(e.request());
        // Lanes of 48 bits: no sum of two vectors reaches a neighbour.
        return !exists || Capacity.spread(o.used[last]) == sum + demand ? 0 : Witnesses.WRONG_SUM;
    }

    /// @dev Kind 4: one request in two entries.
    function _repeated(Openings.Opening memory o) private pure returns (uint8) {
        o.require_(2);
        return o.pairs[0].request() == o.pairs[1].request() ? Witnesses.MATCHED_TWICE : 0;
    }

    /// @dev Kind 5: too many entries, or another one is the lowest.
    function _cut(uint64 n, Openings.Opening memory o) private view returns (uint8 code, uint32 position) {
        if (o.k == 0) {
            uint256 most = ScorePage.maxMatches(_roundOf(n).policy.numbers());
            bool tooMany = most != 0 && o.count > most;
            bool nowhere = o.count == 0 ? o.lowest != OutcomeTree.NONE : o.lowest >= o.count;
            return (tooMany || nowhere ? Witnesses.WRONG_CUT : 0, Witnesses.NO_POSITION);
        }
        o.require_(2);
        uint256 lowest = o.positions[0] == o.lowest ? 0 : 1;
        if (o.positions[lowest] != o.lowest) revert IVerifier.BadWitness(Malformed.ENTRIES);
        bool below = o.pairs[1 - lowest].rank() < o.pairs[lowest].rank();
        return (below ? Witnesses.WRONG_CUT : 0, uint32(o.positions[1]));
    }
}
