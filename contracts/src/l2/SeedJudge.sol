// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../interfaces/IRounds.sol";
import {BLS12381} from "../lib/BLS12381.sol";
import {CodePages} from "../lib/CodePages.sol";
import {Drand} from "../lib/Drand.sol";
import {Headers} from "../lib/Headers.sol";
import {Schedules} from "../lib/Schedules.sol";
import {Seeding} from "../lib/Seeding.sol";

/// @title What seed a round must have, and whether 48 bytes are the beacon's: docs/formats.md, section 8.
abstract contract SeedJudge {
    /// @notice Page with the beacon's public key, 192 bytes.
    address public immutable beaconKeyPage;
    address private immutable _rounds;
    uint64 private immutable _genesis;
    uint32 private immutable _period;
    uint32 private immutable _delay;
    uint64 private immutable _beaconGenesis;
    uint32 private immutable _beaconPeriod;
    bytes32 private immutable _beaconChainHash;
    uint64 private immutable _l1ChainId;
    address private immutable _avs;
    uint32 private immutable _operatorSet;
    uint256 private immutable _chainOfHash;
    bytes32 private immutable _hashOfPrefix;

    /// @notice No valid key of 192 bytes.
    error BadBeaconKey();

    constructor(IRounds rounds_, bytes memory beaconKey) {
        if (!Drand.isKey(beaconKey)) revert BadBeaconKey();
        beaconKeyPage = CodePages.write(beaconKey);
        IRounds.Schedule memory s = rounds_.schedule();
        IRounds.Domain memory d = rounds_.domain();
        _rounds = address(rounds_);
        (_genesis, _period, _delay) = (s.genesis, s.period, s.delay);
        (_beaconGenesis, _beaconPeriod, _beaconChainHash) = (s.beaconGenesis, s.beaconPeriod, s.beaconChainHash);
        (_l1ChainId, _avs, _operatorSet) = (d.l1ChainId, d.avs, d.operatorSet);
        (_chainOfHash, _hashOfPrefix) = (block.chainid, _hashPrefix());
    }

    /// @dev The hash of what every header of this deployment begins with. Kept, as long as the chain keeps its id.
    function _prefixHash() internal view returns (bytes32) {
        return block.chainid == _chainOfHash ? _hashOfPrefix : _hashPrefix();
    }

    function _hashPrefix() private view returns (bytes32) {
        return keccak256(Headers.prefix(Headers.Domain(_l1ChainId, _l2ChainId(), _rounds, _avs, _operatorSet)));
    }

    /// @dev Whether a signature (48 bytes) shows that round n has a wrong seed: it is the beacon's and gives another
    /// one, or it gives this one and is not the beacon's.
    function _isWrongSeed(uint64 n, bytes32 seed, bytes calldata signature) internal view returns (bool) {
        IRounds.Schedule memory s; // the fields that the arithmetic reads, and no others
        (s.genesis, s.period, s.delay) = (_genesis, _period, _delay);
        (s.beaconGenesis, s.beaconPeriod) = (_beaconGenesis, _beaconPeriod);
        uint256 r = Schedules.beaconRound(s, n);
        // Beyond 64 bits there is no beacon round, and so no seed to compare with.
        if (r > type(uint64).max) return false;
        bool gives = _seedOf(n, uint64(r), signature) == seed;
        return gives != _isBeacon(uint64(r), signature);
    }

    function _isBeacon(uint64 beaconRound, bytes calldata signature) internal view returns (bool) {
        return Drand.verify(beaconRound, signature, BLS12381.padKey(CodePages.read(beaconKeyPage)));
    }

    function _seedOf(uint64 n, uint64 r, bytes calldata signature) private view returns (bytes32) {
        Seeding.Source memory source = Seeding.Source(_l1ChainId, _l2ChainId(), _rounds, _beaconChainHash);
        return Seeding.seedOf(source, n, r, signature);
    }

    /// @dev A chain id fits in 64 bits by EIP-2294.
    function _l2ChainId() private view returns (uint64) {
        return uint64(block.chainid);
    }
}
