// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {Headers} from "../lib/Headers.sol";
import {Schedules} from "../lib/Schedules.sol";
import {Seeding} from "../lib/Seeding.sol";

/// @title What never changes about rounds: their schedule, and whom their headers name.
abstract contract Clock is IRounds {
    uint64 private immutable _genesis;
    uint32 private immutable _period;
    uint32 private immutable _settleTimeout;
    uint32 private immutable _delay;
    uint32 private immutable _depth;
    uint32 private immutable _stakeEpoch;
    uint32 private immutable _healthEpoch;
    uint32 private immutable _challengeWindow;
    uint32 private immutable _revealWindow;
    uint64 private immutable _beaconGenesis;
    uint32 private immutable _beaconPeriod;
    bytes32 private immutable _beaconChainHash;

    uint64 private immutable _l1ChainId;
    address private immutable _avs;
    uint32 private immutable _operatorSet;

    /// @notice The beacon signature has another length than 48 bytes.
    error BadBeaconLength(uint256 got);

    constructor(Schedule memory s, Domain memory d) {
        _genesis = s.genesis;
        _period = s.period;
        _settleTimeout = s.settleTimeout;
        _delay = s.delay;
        _depth = s.depth;
        _stakeEpoch = s.stakeEpoch;
        _healthEpoch = s.healthEpoch;
        _challengeWindow = s.challengeWindow;
        _revealWindow = s.revealWindow;
        _beaconGenesis = s.beaconGenesis;
        _beaconPeriod = s.beaconPeriod;
        _beaconChainHash = s.beaconChainHash;
        _l1ChainId = d.l1ChainId;
        _avs = d.avs;
        _operatorSet = d.operatorSet;
    }

    /// @inheritdoc IRounds
    function schedule() external view returns (Schedule memory) {
        return _schedule();
    }

    /// @inheritdoc IRounds
    function domain() external view returns (Domain memory) {
        return Domain(_l1ChainId, _avs, _operatorSet);
    }

    /// @inheritdoc IRounds
    function closeOf(uint64 n) public view returns (uint64) {
        return SafeCast.toUint64(_genesis + uint256(n) * _period);
    }

    /// @inheritdoc IRounds
    function beaconRound(uint64 n) external view returns (uint64) {
        return SafeCast.toUint64(Schedules.beaconRound(_schedule(), n));
    }

    /// @inheritdoc IRounds
    function epochOf(uint64 n) external view returns (uint64) {
        return SafeCast.toUint64(Schedules.epochOf(_schedule(), n));
    }

    /// @inheritdoc IRounds
    function headerBytes(
        uint64 n,
        uint64 snapshotNumber,
        bytes32 snapshotHash,
        bytes32 policyHash,
        bytes32 inputsRoot,
        bytes32 seed,
        bytes32 outcomeRoot
    ) external view returns (bytes memory) {
        return _header(n, snapshotNumber, snapshotHash, policyHash, inputsRoot, seed, outcomeRoot);
    }

    function _schedule() internal view returns (Schedule memory) {
        return Schedule(
            _genesis,
            _period,
            _settleTimeout,
            _delay,
            _depth,
            _stakeEpoch,
            _healthEpoch,
            _challengeWindow,
            _revealWindow,
            _beaconGenesis,
            _beaconPeriod,
            _beaconChainHash
        );
    }

    /// @dev The last second of round n.
    function _deadlineOf(uint256 n) internal view returns (uint256) {
        return _genesis + n * _period + _settleTimeout;
    }

    /// @dev Seconds from a round's end to its being final.
    function _windows() internal view returns (uint256) {
        return uint256(_challengeWindow) + _revealWindow;
    }

    /// @dev The seed that a signature of beacon round r gives round n. Whether it is the beacon's is not checked here.
    function _seedOf(uint64 n, uint256 r, bytes calldata beaconSignature) internal view returns (bytes32) {
        if (beaconSignature.length != 48) revert BadBeaconLength(beaconSignature.length);
        Seeding.Source memory source =
            Seeding.Source(_l1ChainId, uint64(block.chainid), address(this), _beaconChainHash);
        return Seeding.seedOf(source, n, uint64(r), beaconSignature);
    }

    function _header(
        uint64 n,
        uint64 snapshotNumber,
        bytes32 snapshotHash,
        bytes32 policyHash,
        bytes32 inputsRoot,
        bytes32 seed,
        bytes32 outcomeRoot
    ) internal view returns (bytes memory) {
        return Headers.encode(
            Headers.prefix(Headers.Domain(_l1ChainId, uint64(block.chainid), address(this), _avs, _operatorSet)),
            Headers.Body(n, snapshotNumber, snapshotHash, policyHash, inputsRoot, seed, outcomeRoot)
        );
    }
}
