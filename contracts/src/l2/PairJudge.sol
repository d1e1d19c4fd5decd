// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {IVerifier} from "../interfaces/IVerifier.sol";
import {Eligibility} from "../lib/Eligibility.sol";
import {Entries} from "../lib/Entries.sol";
import {Fields} from "../lib/Fields.sol";
import {Lottery} from "../lib/Lottery.sol";
import {Pairs} from "../lib/Pairs.sol";
import {Score} from "../lib/Score.sol";
import {Operands} from "./Operands.sol";

/// @title What the contracts make of one pair: whether it exists, its score and its tie.
abstract contract PairJudge is Operands {
    using Entries for uint256;
    using Fields for bytes;

    uint8 private constant REQUEST_NO_INPUT = 23;
    uint8 private constant OFFER_NO_INPUT = 24;

    constructor(IRounds rounds_, IMarket market_, IProviders providers_) Operands(rounds_, market_, providers_) {}

    /// @dev A pair by its ids.
    function _pair(Pairs.Round memory c, bytes32 seed, uint64 request, uint64 offer)
        internal
        view
        returns (IVerifier.Pair memory p)
    {
        Candidate memory r = _candidate(c, request);
        (Pairs.Machine memory m, Standing machine) = _machine(c, offer);
        if (r.standing == Standing.Input && machine == Standing.Input) {
            uint256 pair;
            (p.ineligible, pair) = _rate(c, seed, r.request, m);
            (p.score, p.tie) = (pair.score(), pair.tie());
        } else {
            p.ineligible = r.standing == Standing.Input ? OFFER_NO_INPUT : REQUEST_NO_INPUT;
            p.tie = Lottery.tie(seed, request, offer);
        }
    }

    /// @dev A pair of two inputs: the rule that it breaks (0 for none), and the pair as an entry shows it (`Entries`),
    /// its score 0 if it does not exist.
    function _rate(Pairs.Round memory c, bytes32 seed, Pairs.Request memory r, Pairs.Machine memory m)
        internal
        view
        returns (uint8 ineligible, uint256 pair)
    {
        // Records begin with their ids.
        uint64 request = uint64(r.record.uintAt(0, 8));
        uint64 offer = uint64(m.record.uintAt(0, 8));
        uint64 tie = Lottery.tie(seed, request, offer);
        ineligible = Eligibility.check(r, m, c);
        uint64 score = ineligible == 0 ? Score.total(r, m, c, tie) : 0;
        pair = Entries.word(offer, request, score, tie);
    }
}
