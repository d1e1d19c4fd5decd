// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IVerifier} from "../../../src/interfaces/IVerifier.sol";
import {Malformed} from "../../../src/lib/Malformed.sol";
import {Verifier} from "../../../src/l2/Verifier.sol";
import {SeedJudge} from "../../../src/l2/SeedJudge.sol";
import {Accuser} from "./Accuser.sol";

/// @notice Whatever the accused has signed or posted, the verifier answers. Only what its bringer has malformed reverts,
/// and always with `BadWitness`.
/// forge-config: default.fuzz.runs = 64
contract HostileTest is Accuser {
    function setUp() public override {
        super.setUp();
        vm.warp(GENESIS + 10);
        _fillMarket(3, 3, 6);
        vm.warp(_closeOf(2) + 10);
    }

    /// @dev A header whose every field past the deployment's is the accused's.
    function _anyHeader(uint64 n, bytes32 seed, bytes32 root) private view returns (bytes memory) {
        return rounds.headerBytes(n, uint64(uint256(seed)), seed, seed, seed, seed, root);
    }

    /// @dev Numbers that lie: small ones, the largest, ones around what exists.
    function _nasty(uint256 x, uint256 bits) private pure returns (uint256) {
        uint256 top = (1 << bits) - 1;
        uint256 kind = x % 8;
        if (kind == 0) return 0;
        if (kind == 1) return top;
        if (kind == 2) return top - 1;
        if (kind < 6) return (x >> 8) % 9;
        return (x >> 8) & top;
    }

    function _nastyEntry(uint256 x) private pure returns (bytes memory e) {
        e = new bytes(49);
        for (uint256 i; i < 4; ++i) {
            _put(e, 8 * i, 8, _nasty(_random(x, "id", i), 64));
        }
        _put(e, 32, 1, _nasty(_random(x, "gpus", 0), 8));
        for (uint256 i; i < 4; ++i) {
            _put(e, 33 + 4 * i, 4, _nasty(_random(x, "used", i), 32));
        }
    }

    function _nastyList(uint256 x) private pure returns (bytes memory list) {
        uint256 count = x % 6;
        for (uint256 i; i < count; ++i) {
            list = bytes.concat(list, _nastyEntry(_random(x, "entry", i)));
        }
    }

    /// @dev Judges; true if there was an answer, and else it must be `BadWitness`.
    function _answers(bytes memory header, bytes memory witness) private view returns (bool) {
        (bool ok, bytes memory answer) =
            address(verifier).staticcall(abi.encodeCall(IVerifier.judge, (header, witness)));
        if (!ok) {
            assertEq(answer.length, 36, "an error with one argument");
            assertEq(bytes32(bytes4(answer)), bytes32(IVerifier.BadWitness.selector), "the bringer's fault");
        }
        return ok;
    }

    function testFuzz_everyEntryOfAnyListIsJudged(uint256 x, uint64 n, uint32 lowest) external view {
        n = x % 4 == 0 ? n : uint64(_nasty(x >> 3, 64));
        Outcome memory o = Outcome(n, bytes32(x), _nastyList(x), lowest);
        if (o.list.length == 0) o.lowest = type(uint32).max;
        bytes memory header = _anyHeader(n, o.seed, _outcomeRoot(o.list, o.lowest));
        uint256 count = _count(o);
        assertTrue(_answers(header, _witness(5, o, new uint32[](0))), "cut");
        for (uint256 i; i < count; ++i) {
            assertTrue(_answers(header, _witness(2, o, _positions(i))), "entry");
            if (i == 0) assertTrue(_answers(header, _witness(3, o, _positions(0))), "first");
            else assertTrue(_answers(header, _witness(3, o, _positions(i - 1, i))), "neighbours");
            for (uint256 j = i + 1; j < count; ++j) {
                assertTrue(_answers(header, _witness(4, o, _positions(i, j))), "repeated");
                bool shows = i == o.lowest || j == o.lowest;
                assertTrue(_answers(header, _witness(5, o, _positions(i, j))) == shows, "cut beside the lowest");
            }
        }
    }

    /// @dev A pair that blocks can be shown of any list that has a place for it; the list may be in any order.
    function testFuzz_anyPairIsJudgedAgainstAnyList(uint256 x, uint64 request, uint64 offer) external view {
        Outcome memory o = Outcome(2, bytes32(x), _nastyList(x), 0);
        if (o.list.length == 0) o.lowest = type(uint32).max;
        bytes memory header = _anyHeader(2, o.seed, _outcomeRoot(o.list, o.lowest));
        (request, offer) = (uint64(_nasty(request, 64)), uint64(_nasty(offer, 64)));
        _answers(header, _blocking(o, request, offer));
        bytes memory all = _open(o.list, o.lowest, _all(_count(o) < 4 ? _count(o) : 4));
        _answers(header, abi.encodePacked(uint8(1), request, offer, all));
    }

    function _all(uint256 k) private pure returns (uint32[] memory p) {
        p = new uint32[](k);
        for (uint256 i; i < k; ++i) {
            p[i] = uint32(i);
        }
    }

    function testFuzz_anyBytesAreRefusedByName(bytes memory witness, uint8 kind, uint64 n, bytes32 root) external view {
        _answers(_anyHeader(n, root, root), witness);
        _answers(_anyHeader(n, root, root), bytes.concat(bytes1(kind % 8), witness));
    }

    function testFuzz_anySeedIsJudged(uint64 n, bytes32 seed, bytes32 a, bytes16 b) external view {
        assertTrue(_answers(_anyHeader(n, seed, seed), abi.encodePacked(uint8(6), a, b)), "seed");
    }

    function testFuzz_anyBytesAreTheBeaconsOrNot(uint64 round, bytes memory signature) external view {
        assertTrue(!verifier.isBeacon(round, signature), "not the beacon's");
    }

    function testFuzz_anyFortyEightBytesAreTheBeaconsOrNot(uint64 round, bytes32 a, bytes16 b) external view {
        assertTrue(!verifier.isBeacon(round, abi.encodePacked(a | bytes32(uint256(1) << 255), b)), "not the beacon's");
    }

    function test_theBeaconsSignatureIsKnown() external view {
        for (uint64 r = 1; r < 5; ++r) {
            assertTrue(verifier.isBeacon(r, _beacon(r)), "the beacon's");
            assertTrue(!verifier.isBeacon(r + 1, _beacon(r)), "another round's");
            bytes memory flipped = _beacon(r);
            flipped[0] ^= 0x20;
            assertTrue(!verifier.isBeacon(r, flipped), "the other root");
        }
    }

    function testFuzz_anyPairOfAnyRoundHasAnAnswer(uint64 n, bytes32 seed, uint256 x) external view {
        bytes memory ids;
        for (uint256 i; i < 8; ++i) {
            ids = bytes.concat(
                ids, abi.encodePacked(uint64(_nasty(_random(x, "r", i), 64)), uint64(_nasty(_random(x, "o", i), 64)))
            );
        }
        assertEq(verifier.pairs(n, seed, ids).length, 8, "answers");
    }

    function test_pairsAreWholeAndAtMostSoMany() external {
        verifier.pairs(2, 0, new bytes(16 * 256));
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BadWitness.selector, Malformed.PAIRS));
        verifier.pairs(2, 0, new bytes(16 * 257));
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BadWitness.selector, Malformed.PAIRS));
        verifier.pairs(2, 0, new bytes(15));
    }

    function test_reasonsOfOrdersThatAreNoInputs() external view {
        IVerifier.Pair[] memory p =
            verifier.pairs(2, 0, abi.encodePacked(uint64(0), uint64(1), uint64(1), uint64(0), uint64(99), uint64(99)));
        assertEq(p[0].ineligible, 23, "no request");
        assertEq(p[1].ineligible, 24, "no offer");
        assertEq(p[2].ineligible, 23, "the request first");
    }

    function testFuzz_headersOfAnotherDeploymentAreRefused(uint8 place, uint8 change) external {
        bytes memory header = _anyHeader(2, 0, 0);
        header[place % 96] ^= bytes1(uint8(bound(change, 1, 255)));
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BadWitness.selector, Malformed.HEADER));
        verifier.judge(header, new bytes(49));
    }

    function test_kindsThatThereAreNot() external {
        bytes memory header = _anyHeader(2, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BadWitness.selector, Malformed.KIND));
        verifier.judge(header, hex"00");
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BadWitness.selector, Malformed.KIND));
        verifier.judge(header, hex"07");
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BadWitness.selector, Malformed.LENGTH));
        verifier.judge(header, "");
    }

    function test_theBeaconsKeyIsAPoint() external {
        bytes memory key = new bytes(192);
        vm.expectRevert(SeedJudge.BadBeaconKey.selector);
        new Verifier(rounds, market, providers, key);
        key[191] = 0x01;
        vm.expectRevert(SeedJudge.BadBeaconKey.selector);
        new Verifier(rounds, market, providers, key);
        vm.expectRevert(SeedJudge.BadBeaconKey.selector);
        new Verifier(rounds, market, providers, new bytes(191));
    }
}
