// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {IVerifier} from "../interfaces/IVerifier.sol";
import {Headers} from "../lib/Headers.sol";
import {Malformed} from "../lib/Malformed.sol";
import {OutcomeTree} from "../lib/OutcomeTree.sol";
import {Pairs} from "../lib/Pairs.sol";
import {Witnesses} from "../lib/Witnesses.sol";
import {ListJudge} from "./ListJudge.sol";
import {SeedJudge} from "./SeedJudge.sol";

/// @title Judges headers by witnesses: docs/formats.md, section 13.
/// @notice Holds no state and no power: `Disputes` acts on what it says, and nodes ask it before they sign.
contract Verifier is ListJudge, SeedJudge, IVerifier {
    /// @notice Most pairs that one call of `pairs` answers.
    uint256 public constant MAX_PAIRS = 256;
    uint256 private constant PAIR = 16;

    /// @param rounds_ deployed before
    /// @param market_ must be `IInputs` too
    /// @param providers_ that `market_` counts GPUs with
    /// @param beaconKey the beacon's public key, 192 bytes (docs/formats.md, section 9)
    constructor(IRounds rounds_, IMarket market_, IProviders providers_, bytes memory beaconKey)
        ListJudge(rounds_, market_, providers_)
        SeedJudge(rounds_, beaconKey)
    {}

    /// @inheritdoc IVerifier
    /// @dev Kind 1 reads where the header's list stands from the leases: it says something only of the header that
    /// was posted in full, which is for the caller to see to.
    function judge(bytes calldata header, bytes calldata witness) external view returns (uint8 code, uint32 position) {
        if (!Headers.beginsWith(header, _prefixHash())) revert BadWitness(Malformed.HEADER);
        if (witness.length == 0) revert BadWitness(Malformed.LENGTH);
        uint256 kind = uint8(witness[0]);
        uint64 n = Headers.roundOf(header);
        bytes32 seed = bytes32(header[Headers.SEED:Headers.SAME_INPUTS]);
        if (kind == Witnesses.SEED) {
            if (witness.length != Witnesses.SEED_LENGTH) revert BadWitness(Malformed.LENGTH);
            if (_isWrongSeed(n, seed, witness[1:])) return (Witnesses.WRONG_SEED, Witnesses.NO_POSITION);
            return (0, 0);
        }
        return _judgeList(kind, n, seed, bytes32(header[Headers.SAME_INPUTS:]), witness[1:]);
    }

    /// @inheritdoc IVerifier
    function pairs(uint64 n, bytes32 seed, bytes calldata ids) external view returns (Pair[] memory answers) {
        uint256 count = ids.length / PAIR;
        if (ids.length % PAIR != 0 || count > MAX_PAIRS) revert BadWitness(Malformed.PAIRS);
        Pairs.Round memory c = _roundOf(n);
        answers = new Pair[](count);
        for (uint256 i; i < count; ++i) {
            uint128 both = uint128(bytes16(ids[PAIR * i:PAIR * (i + 1)]));
            answers[i] = _pair(c, seed, uint64(both >> 64), uint64(both));
        }
    }

    /// @inheritdoc IVerifier
    function checkChunk(bytes32 outcomeRoot, IRounds.Chunk calldata c) external view {
        OutcomeTree.check(outcomeRoot, c);
    }

    /// @inheritdoc IVerifier
    function isBeacon(uint64 beaconRound, bytes calldata signature) external view returns (bool) {
        return _isBeacon(beaconRound, signature);
    }
}
