// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Dialect} from "../../src/l1/CoreAdapter.sol";
import {Verdicts} from "../../src/l1/Verdicts.sol";
import {BLS12381} from "../../src/lib/BLS12381.sol";
import {Drand} from "../../src/lib/Drand.sol";
import {Headers} from "../../src/lib/Headers.sol";
import {BlsKit} from "../BlsKit.sol";
import {L1Base} from "./L1Base.sol";

/// @notice Headers, certificates and beacons for tests of verdicts, written down independently of what is tested.
abstract contract VerdictBase is L1Base {
    uint64 internal constant N = 3_000; // closes 50 hours after genesis, epoch 2
    uint256 internal constant HELD = 1_000_000;
    bytes32 internal constant RIGHT = keccak256("the right outcome");
    bytes32 internal constant WRONG = keccak256("a wrong outcome");
    uint256 private constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    function _start(uint256 operators) internal {
        _deploy(Dialect.Appointee, 0);
        for (uint256 i = 0; i < operators; ++i) {
            core.setStake(_operator(i), STRATEGY_A, HELD);
            core.setStake(_operator(i), STRATEGY_B, HELD);
            _register(i);
        }
        vm.warp(_close(N));
    }

    /// @dev Registers more operators, each leaving at once so that the set is never full.
    function _registerUpTo(uint256 count) internal {
        for (uint256 i = manager.operatorCount(); i < count; ++i) {
            _register(i);
            core.deregister(_operator(i), address(manager), _ids(SET_ID));
        }
    }

    function _close(uint64 n) internal pure returns (uint256) {
        return GENESIS + uint256(n) * 60;
    }

    function _left(uint256 i) internal view returns (uint256) {
        return core.stake(_operator(i), STRATEGY_A);
    }

    // --- headers ---

    function _domain() internal view returns (Headers.Domain memory) {
        return Headers.Domain(uint64(block.chainid), L2_CHAIN, ROUNDS, address(manager), SET_ID);
    }

    function _header(Headers.Domain memory d, uint64 n, bytes32 outcome, bytes32 seed)
        internal
        pure
        returns (bytes memory)
    {
        return Headers.encode(
            Headers.prefix(d),
            Headers.Body(n, 77, keccak256("snapshot"), keccak256("policy"), keccak256("inputs"), seed, outcome)
        );
    }

    function _header(Headers.Domain memory d, uint64 n, bytes32 outcome) internal view returns (bytes memory) {
        return _header(d, n, outcome, _seed(n, _beaconSignature(n)));
    }

    function _header(bytes32 outcome) internal view returns (bytes memory) {
        return _header(_domain(), N, outcome);
    }

    function _withSeed(bytes32 seed) internal view returns (bytes memory) {
        return _header(_domain(), N, RIGHT, seed);
    }

    function _digest(bytes32 outcome) internal view returns (bytes32) {
        return sha256(_header(outcome));
    }

    // --- the beacon: every 3 s from 1,000 s before genesis on, 20 s after a close ---

    function _beaconRound(uint64 n) internal pure returns (uint64 r) {
        // From 21 s after the close back to the last beacon before it, then the next one.
        uint256 time = _close(n) + 20;
        r = uint64((time - 1 - (GENESIS - 1_000)) / 3 + 1) + 1;
    }

    /// @dev The beacon's signature for a round's beacon round, 48 bytes.
    function _beaconSignature(uint64 n) internal view returns (bytes memory) {
        return _compressed(BlsKit.sign(BEACON_SECRET, BLS12381.DST_DRAND, sha256(abi.encodePacked(_beaconRound(n)))));
    }

    function _compressed(bytes memory point) internal pure returns (bytes memory) {
        (uint256 xHi, uint256 xLo, uint256 yHi, uint256 yLo) = abi.decode(point, (uint256, uint256, uint256, uint256));
        bool large = yHi > 0x0d0088f51cbff34d258dd3db21a5d66b
            || (yHi == 0x0d0088f51cbff34d258dd3db21a5d66b
                && yLo > 0xb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555);
        return abi.encodePacked(uint128(xHi | uint256(large ? 5 : 4) << 125), xLo);
    }

    function _seed(uint64 n, bytes memory signature) internal view returns (bytes32) {
        return sha256(
            bytes.concat(
                "quorate/seed/v1",
                bytes8(uint64(block.chainid)),
                bytes8(L2_CHAIN),
                bytes20(ROUNDS),
                bytes8(n),
                keccak256("beacon"),
                bytes8(_beaconRound(n)),
                signature
            )
        );
    }

    // --- signatures ---

    function _signWith(uint256 secret, bytes memory header) internal view returns (bytes memory) {
        return BlsKit.sign(secret, BLS12381.DST_VOTE, sha256(header));
    }

    /// @dev The aggregate of a bitmap's members.
    function _signBy(bytes memory bitmap, bytes memory header) internal view returns (bytes memory) {
        uint256 secret = 0;
        for (uint256 i = 0; i < 8 * bitmap.length; ++i) {
            if (uint8(bitmap[i / 8]) >> (i % 8) & 1 == 1) secret = addmod(secret, 5000 + i, ORDER);
        }
        return _signWith(secret, header);
    }

    // --- what happens ---

    function _prove(bytes32 outcome, bytes memory bitmap) internal {
        bytes memory header = _header(outcome);
        slasher.proveSigners(header, bitmap, _signBy(bitmap, header));
    }

    function _word(bytes32 digest, uint8 verdict) internal {
        slasher.receiveMessage(abi.encodePacked(N, digest, verdict));
    }

    /// @dev One operator signs a wrong outcome of round `n` and pays for it.
    function _wrongRound(uint64 n, uint32 i) internal {
        bytes memory header = _header(_domain(), n, WRONG);
        bytes memory bitmap = abi.encodePacked(uint8(1 << i));
        slasher.proveSigners(header, bitmap, _signBy(bitmap, header));
        slasher.receiveMessage(abi.encodePacked(n, sha256(header), uint8(2)));
        slasher.executeVerdict(sha256(header), i);
    }

    function _equivocate(uint256 i, uint64 n) internal {
        (bytes memory a, bytes memory b) = (_header(_domain(), n, RIGHT), _header(_domain(), n, WRONG));
        (bytes memory signatureA, bytes memory signatureB) = (_signWith(5000 + i, a), _signWith(5000 + i, b));
        slasher.proveEquivocation(uint32(i), a, signatureA, b, signatureB);
    }

    /// @dev Charges operator `i` with having signed `other` where `certified` is said to stand.
    function _charge(uint256 i, bytes32 certified, bytes32 other) internal returns (bytes32) {
        bytes memory header = _header(other);
        bytes memory signature = _signWith(5000 + i, header);
        return slasher.chargeDivergence(uint32(i), _header(certified), header, signature);
    }

    function _cancel(bytes32 outcome) internal {
        bytes32 digest = _digest(outcome);
        vm.prank(GUARDIAN);
        slasher.cancelVerdict(digest);
    }

    function _noVerdict(bytes32 outcome, uint32 i) internal {
        bytes32 digest = _digest(outcome);
        vm.expectRevert(abi.encodeWithSelector(Verdicts.NoVerdict.selector, digest));
        slasher.executeVerdict(digest, i);
    }
}
