// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../interfaces/IRounds.sol";
import {BLS12381} from "../lib/BLS12381.sol";
import {CodePages} from "../lib/CodePages.sol";
import {Drand} from "../lib/Drand.sol";
import {Schedules} from "../lib/Schedules.sol";
import {Seeding} from "../lib/Seeding.sol";
import {Evidence} from "./Evidence.sol";
import {TimesLib} from "./Times.sol";

/// @notice The beacon that seeds come from, as `Rounds` on L2 was told: docs/formats.md, section 8.
struct Beacon {
    bytes key; // 192 bytes
    bytes32 chainHash;
    uint64 genesis;
    uint32 period; // seconds
    uint32 delay; // seconds from a round's close to its beacon round
}

/// @title What seed a round must have, and whether 48 bytes are the beacon's. Recomputed here, so that a wrong seed
/// is judged without L2.
abstract contract Seeds is Evidence {
    /// @dev Where a header holds its seed.
    uint256 private constant SEED_FROM = 208;
    uint256 private constant SEED_TO = 240;

    /// @notice Page with the beacon's public key, 192 bytes.
    address public immutable beaconKeyPage;
    /// @notice drand's chain hash.
    bytes32 public immutable beaconChainHash;
    uint64 private immutable _beaconGenesis;
    uint32 private immutable _beaconPeriod;
    uint32 private immutable _delay;
    uint64 private immutable _l2ChainId;
    address private immutable _rounds;

    /// @notice No valid key of 192 bytes.
    error BadBeaconKey();

    constructor(uint64 l2ChainId, address rounds, Beacon memory b) {
        if (b.period == 0) revert TimesLib.ZeroDuration();
        if (!Drand.isKey(b.key)) revert BadBeaconKey();
        beaconKeyPage = CodePages.write(b.key);
        beaconChainHash = b.chainHash;
        _beaconGenesis = b.genesis;
        _beaconPeriod = b.period;
        _delay = b.delay;
        _l2ChainId = l2ChainId;
        _rounds = rounds;
    }

    /// @notice R(n), the beacon round of round `n`.
    function beaconRound(uint64 n) public view returns (uint256) {
        // By the arithmetic that L2 uses; it reads these fields and no others.
        IRounds.Schedule memory s;
        s.genesis = _times.genesis;
        s.period = _times.period;
        s.delay = _delay;
        s.beaconGenesis = _beaconGenesis;
        s.beaconPeriod = _beaconPeriod;
        return Schedules.beaconRound(s, n);
    }

    /// @dev Whether `signature` shows that a header of round `n` has a wrong seed: it is the beacon's and gives
    /// another one, or it gives this one and is not the beacon's.
    function _isWrongSeed(bytes calldata header, uint64 n, bytes calldata signature) internal view returns (bool) {
        uint256 r = beaconRound(n);
        // A beacon round beyond 64 bits has no seed at all.
        if (signature.length != 48 || r > type(uint64).max) return false;
        // Just checked.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint64 round = uint64(r);
        bool gives = _seedOf(n, round, signature) == bytes32(header[SEED_FROM:SEED_TO]);
        bool genuine = Drand.verify(round, signature, BLS12381.padKey(CodePages.read(beaconKeyPage)));
        return gives != genuine;
    }

    function _seedOf(uint64 n, uint64 r, bytes calldata signature) private view returns (bytes32) {
        // A chain id fits in 64 bits by EIP-2294.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint64 l1ChainId = uint64(block.chainid);
        Seeding.Source memory source = Seeding.Source(l1ChainId, _l2ChainId, _rounds, beaconChainHash);
        return Seeding.seedOf(source, n, r, signature);
    }
}
