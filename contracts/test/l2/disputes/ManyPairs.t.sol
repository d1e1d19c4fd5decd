// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Capacity} from "../../../src/lib/Capacity.sol";
import {Eligibility} from "../../../src/lib/Eligibility.sol";
import {Fields} from "../../../src/lib/Fields.sol";
import {Lottery} from "../../../src/lib/Lottery.sol";
import {Orders} from "../../../src/lib/Orders.sol";
import {Pairs} from "../../../src/lib/Pairs.sol";
import {Score} from "../../../src/lib/Score.sol";
import {ScorePage} from "../../../src/lib/ScorePage.sol";
import {Base} from "../../Base.t.sol";

/// @notice Thousands of pairs, with values at the ends of their ranges, by the vectors that `crates/matching` wrote.
contract ManyPairsTest is Base {
    using Fields for bytes;

    uint256 private constant CASE = 6;
    uint256 private constant ANSWER = 33;

    struct Pools {
        address[] pages;
        bytes[] requests; // RequestInput
        bytes[] offers; // OfferInput
        bytes[] rounds;
        bytes cases;
        bytes answers;
    }

    function byteArray(string calldata key) external view returns (bytes[] memory) {
        return vm.parseJsonBytesArray(vm.readFile("../tests/vectors/pairs.json"), key);
    }

    function byteString(string calldata key) external view returns (bytes memory) {
        return vm.parseJsonBytes(vm.readFile("../tests/vectors/pairs.json"), key);
    }

    function test_everyPairIsWhatItIsInRust() external {
        Pools memory p;
        bytes[] memory pages = this.byteArray(".policyPages");
        p.pages = new address[](pages.length);
        for (uint256 i; i < pages.length; ++i) {
            p.pages[i] = address(uint160(0x9A6E + i));
            vm.etch(p.pages[i], bytes.concat(hex"00", pages[i]));
        }
        (p.requests, p.offers) = (this.byteArray(".requests"), this.byteArray(".offers"));
        p.rounds = this.byteArray(".rounds");
        (p.cases, p.answers) = (this.byteString(".cases"), this.byteString(".answers"));
        uint256 count = p.cases.length / CASE;
        assertTrue(count >= 5_000 && p.answers.length == ANSWER * count, "there are pairs");
        uint256 fresh; // memory is given back after each pair
        assembly ("memory-safe") {
            fresh := mload(0x40)
        }
        for (uint256 i; i < count; ++i) {
            _check(p, i);
            assembly ("memory-safe") {
                mstore(0x40, fresh)
            }
        }
    }

    function _check(Pools memory p, uint256 i) private view {
        bytes memory request = p.requests[p.cases.uintAt(CASE * i, 2)];
        Pairs.Request memory r = Pairs.Request(_prefix(request, 320), request.uintAt(320, 8));
        Pairs.Machine memory m = _machine(p.offers[p.cases.uintAt(CASE * i + 2, 2)]);
        (Pairs.Round memory c, bytes32 seed) = _round(p, p.cases.uintAt(CASE * i + 4, 2));
        uint64 tie = Lottery.tie(seed, uint64(r.record.uintAt(0, 8)), uint64(m.record.uintAt(0, 8)));

        uint256 at_ = ANSWER * i;
        assertEq(tie, p.answers.uintAt(at_ + 25, 8), "tie");
        uint256 code = p.answers.uintAt(at_, 1);
        assertEq(Eligibility.check(r, m, c), code, "eligible");
        if (code != 0) return;
        assertEq(_packed(Score.factors(r, m, c, tie)), p.answers.uintAt(at_ + 1, 16), "factors");
        assertEq(Score.total(r, m, c, tie), p.answers.uintAt(at_ + 17, 8), "score");
    }

    function _packed(uint256[8] memory factors) private pure returns (uint256 packed) {
        for (uint256 f; f < 8; ++f) {
            packed = packed << 16 | factors[f];
        }
    }

    function _round(Pools memory p, uint256 at_) private view returns (Pairs.Round memory c, bytes32 seed) {
        bytes memory b = p.rounds[at_];
        (c.n, c.t, c.genesis) = (b.uintAt(1, 8), b.uintAt(9, 8), b.uintAt(17, 8));
        (c.period, c.healthEpoch) = (b.uintAt(25, 4), b.uintAt(29, 4));
        c.policy = ScorePage.load(p.pages[b.uintAt(0, 1)]);
        seed = bytes32(b.uintAt(33, 32));
    }

    function _prefix(bytes memory b, uint256 length) private pure returns (bytes memory record) {
        record = new bytes(length);
        for (uint256 i; i < length; i += 32) {
            assembly ("memory-safe") {
                mstore(add(add(record, 0x20), i), mload(add(add(b, 0x20), i)))
            }
        }
    }

    /// @dev From an OfferInput (docs/formats.md, section 3).
    function _machine(bytes memory input) private pure returns (Pairs.Machine memory m) {
        m.record = _prefix(input, 160);
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
