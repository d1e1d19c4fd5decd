// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Capacity} from "../../../src/lib/Capacity.sol";
import {ChaCha20} from "../../../src/lib/ChaCha20.sol";
import {Eligibility} from "../../../src/lib/Eligibility.sol";
import {Fields} from "../../../src/lib/Fields.sol";
import {Log2} from "../../../src/lib/Log2.sol";
import {Lottery} from "../../../src/lib/Lottery.sol";
import {Orders} from "../../../src/lib/Orders.sol";
import {Pairs} from "../../../src/lib/Pairs.sol";
import {Score} from "../../../src/lib/Score.sol";
import {ScorePage} from "../../../src/lib/ScorePage.sol";
import {Base} from "../../Base.t.sol";

/// @notice What a pair is, by the vectors that `crates/matching` wrote.
contract PairVectorsTest is Base {
    using Fields for bytes;

    address private constant PAGE = address(0x9A6E);

    struct ScoreCases {
        bytes[] request;
        uint256[] requestCreated;
        bytes[] offer;
        uint256[] round;
        uint256[] time;
        uint256[] genesis;
        uint256[] period;
        uint256[] healthEpoch;
        bytes[] seed;
        uint256[] eligible;
        uint256[] factors;
        uint256[] score;
        uint256[] tie;
    }

    function _file(string memory name) private view returns (string memory) {
        return vm.readFile(string.concat("../tests/vectors/", name, ".json"));
    }

    function test_keysTiesAndJitters() external view {
        string memory json = _file("keys");
        bytes[] memory seeds = vm.parseJsonBytesArray(json, ".seed");
        uint256[] memory kinds = vm.parseJsonUintArray(json, ".kind");
        uint256[] memory ids = vm.parseJsonUintArray(json, ".id");
        uint256[] memory keys = vm.parseJsonUintArray(json, ".key");
        assertTrue(keys.length >= 200, "there are keys");
        for (uint256 i; i < keys.length; ++i) {
            assertEq(Lottery.key(ChaCha20.load(bytes32(seeds[i])), kinds[i], uint64(ids[i])), keys[i], "key");
        }
        uint256[] memory requests = vm.parseJsonUintArray(json, ".foldRequest");
        uint256[] memory offers = vm.parseJsonUintArray(json, ".foldOffer");
        uint256[] memory ties = vm.parseJsonUintArray(json, ".foldTie");
        uint256[] memory jitters = vm.parseJsonUintArray(json, ".foldJitter");
        assertTrue(ties.length >= 100, "there are ties");
        for (uint256 i; i < ties.length; ++i) {
            assertEq(Lottery.fold(requests[i], offers[i]), ties[i], "tie");
            assertEq(Lottery.jitter(uint64(ties[i])), jitters[i], "jitter");
        }
    }

    function test_logarithms() external view {
        string memory json = _file("log2q");
        uint256[] memory x = vm.parseJsonUintArray(json, ".x");
        uint256[] memory y = vm.parseJsonUintArray(json, ".y");
        assertTrue(x.length >= 300, "there are logarithms");
        for (uint256 i; i < x.length; ++i) {
            assertEq(Log2.log2q(x[i]), y[i], "log2q");
        }
    }

    function test_eligibilityFactorsScoresAndTies() external {
        string memory json = _file("score");
        vm.etch(PAGE, bytes.concat(hex"00", vm.parseJsonBytes(json, ".policyPage")));
        ScoreCases memory c;
        c.request = vm.parseJsonBytesArray(json, ".request");
        c.requestCreated = vm.parseJsonUintArray(json, ".requestCreated");
        c.offer = vm.parseJsonBytesArray(json, ".offer");
        c.round = vm.parseJsonUintArray(json, ".round");
        c.time = vm.parseJsonUintArray(json, ".time");
        c.genesis = vm.parseJsonUintArray(json, ".genesis");
        c.period = vm.parseJsonUintArray(json, ".period");
        c.healthEpoch = vm.parseJsonUintArray(json, ".healthEpoch");
        c.seed = vm.parseJsonBytesArray(json, ".seed");
        c.eligible = vm.parseJsonUintArray(json, ".eligible");
        c.factors = vm.parseJsonUintArray(json, ".factors");
        c.score = vm.parseJsonUintArray(json, ".score");
        c.tie = vm.parseJsonUintArray(json, ".tie");
        assertTrue(c.request.length >= 180, "there are pairs");
        for (uint256 i; i < c.request.length; ++i) {
            _check(c, i);
        }
    }

    function _check(ScoreCases memory c, uint256 i) private view {
        Pairs.Request memory r = Pairs.Request(c.request[i], c.requestCreated[i]);
        Pairs.Machine memory m = _machine(c.offer[i]);
        Pairs.Round memory round =
            Pairs.Round(c.round[i], c.time[i], c.genesis[i], c.period[i], c.healthEpoch[i], ScorePage.load(PAGE));
        uint64 tie = Lottery.tie(bytes32(c.seed[i]), uint64(r.record.uintAt(0, 8)), uint64(m.record.uintAt(0, 8)));
        assertEq(tie, c.tie[i], "tie");
        assertEq(Eligibility.check(r, m, round), c.eligible[i], "eligible");
        if (c.eligible[i] != 0) return;
        uint256[8] memory factors = Score.factors(r, m, round, tie);
        for (uint256 f; f < 8; ++f) {
            assertEq(factors[f], c.factors[8 * i + f], "factor");
        }
        assertEq(Score.total(r, m, round, tie), c.score[i], "score");
    }

    /// @dev From an OfferInput (docs/formats.md, section 3).
    function _machine(bytes memory input) private pure returns (Pairs.Machine memory m) {
        m.record = new bytes(160);
        for (uint256 i; i < 160; ++i) {
            m.record[i] = input[i];
        }
        uint256 capacity = Orders.capacityOf(m.record.wordAt(Orders.OFFER_CAPACITY), m.record.wordAt(Orders.OFFER_GPUS));
        m.free = Capacity.minus(Capacity.spread(capacity), Capacity.spread(input.uintAt(168, 17)));
        m.uptime = input.uintAt(185, 2);
        m.flags = input.uintAt(187, 1);
        m.stake = input.uintAt(188, 8);
        m.registeredGpus = input.uintAt(196, 4);
        m.reputation = input.uintAt(200, 2);
        m.slash = input.uintAt(202, 2);
        m.slashEpoch = input.uintAt(204, 4);
        m.providerFlags = input.uintAt(208, 1);
    }
}
