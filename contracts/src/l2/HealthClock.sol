// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {IHealth} from "../interfaces/IHealth.sol";
import {IMachines} from "../interfaces/IMachines.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {IStakeTable} from "../interfaces/IStakeTable.sol";
import {PolicyPage} from "../lib/PolicyPage.sol";
import {Waits} from "../lib/Waits.sol";
import {BeaconJudge} from "./BeaconJudge.sol";

/// @title Health epochs: their times, their rules, their randomness (docs/formats.md, section 14).
/// @dev Opening an epoch also keeps what its policy says about lists, so that certifying reads one slot.
abstract contract HealthClock is IHealth {
    /// @notice The contracts around this one.
    struct Links {
        IRounds rounds; // schedule, domain and policies; its schedule is read here once
        IStakeTable table;
        IMarket market; // offers
        IMachines machines; // who is registered, maintenances
        IProviders providers; // where uptime, flags and stake lie; gives this contract the role HEALTH
        IEscrow escrow; // whose deposits are forfeited with a slash; zero for none
        address beaconKeyPage; // page of code with the beacon's key, 192 bytes: `Verifier` wrote and checked it
    }

    /// @dev An epoch that was opened.
    struct Epoch {
        bytes32 randomness; // not zero: a hash
        uint32 lists; // certified so far
        uint16 windows;
        uint16 seats;
        uint32 certifySeconds;
        uint32 appealSeconds;
    }

    /// @notice Schedule, domain and policies.
    IRounds public immutable rounds;
    /// @notice Operators' keys and stakes.
    IStakeTable public immutable table;
    /// @notice Where offers are.
    IMarket public immutable market;
    /// @notice Where machines are registered.
    IMachines public immutable machines;
    /// @notice Where stake, uptime and flags lie.
    IProviders public immutable providers;
    /// @notice Where deposits lie; zero for none.
    IEscrow public immutable escrow;
    /// @notice Knows the beacon's key; made by the constructor.
    BeaconJudge public immutable beacon;

    uint256 private immutable _genesis;
    uint256 private immutable _period;
    uint256 private immutable _stakeEpoch;
    uint256 private immutable _beaconGenesis;
    uint256 private immutable _beaconPeriod;
    /// @dev Seconds of a health epoch.
    uint256 internal immutable _length;

    mapping(uint256 epoch => Epoch) internal _epochs;
    /// @dev Most seconds from the end of an opened epoch to its being settled.
    uint64 private _longestWait;

    /// @notice A health epoch is shorter than a round: its policy could change after its end.
    error EpochTooShort(uint256 got, uint256 least);
    /// @notice Outside the time in which this is taken.
    error OutOfTime(uint256 time, uint256 from, uint256 to);
    /// @notice The epoch was opened before.
    error AlreadyOpen(uint32 epoch);
    /// @notice Nobody has opened the epoch.
    error NotOpen(uint32 epoch);
    /// @notice The epoch is settled.
    error AlreadySettled(uint32 epoch);
    /// @notice The epoch is not settled.
    error NotSettled(uint256 epoch);
    /// @notice Not the beacon's signature of this round.
    error BadBeacon(uint64 beaconRound);

    constructor(Links memory links) {
        rounds = links.rounds;
        table = links.table;
        market = links.market;
        machines = links.machines;
        providers = links.providers;
        escrow = links.escrow;
        beacon = new BeaconJudge(links.beaconKeyPage);
        IRounds.Schedule memory s = links.rounds.schedule();
        if (s.healthEpoch < s.period) revert EpochTooShort(s.healthEpoch, s.period);
        _checkUnbonding(links, s.healthEpoch);
        (_genesis, _period, _stakeEpoch) = (s.genesis, s.period, s.stakeEpoch);
        (_beaconGenesis, _beaconPeriod, _length) = (s.beaconGenesis, s.beaconPeriod, s.healthEpoch);
    }

    /// @dev By the first policy: later ones are judged as they are set.
    function _checkUnbonding(Links memory links, uint256 healthEpoch) private view {
        (,, address page) = links.rounds.policyAt(0);
        PolicyPage.Health memory rules = PolicyPage.health(page);
        Waits.check(links.providers.unbonding(), healthEpoch, rules.certifySeconds, rules.appealSeconds);
    }

    /// @inheritdoc IHealth
    /// @dev From the close of the first round on whose policy is the epoch's: until then it could change.
    function openEpoch(uint32 epoch, bytes calldata beaconSignature) external {
        Epoch storage e = _epochs[epoch];
        if (e.randomness != 0) revert AlreadyOpen(epoch);
        uint256 from = _genesis + _firstRound(epoch) * _period;
        if (block.timestamp < from) revert OutOfTime(block.timestamp, from, type(uint256).max);
        if (_isOver(epoch)) revert AlreadySettled(epoch);
        uint64 r = beaconRoundOf(epoch);
        if (!beacon.isBeacon(r, beaconSignature)) revert BadBeacon(r);

        PolicyPage.Health memory rules = _rulesOf(epoch);
        e.randomness = sha256(beaconSignature);
        (e.windows, e.seats) = (rules.windows, rules.seats);
        (e.certifySeconds, e.appealSeconds) = (rules.certifySeconds, rules.appealSeconds);
        uint64 wait = uint64(rules.certifySeconds) + rules.appealSeconds;
        if (wait > _longestWait) _longestWait = wait;
        emit EpochOpened(epoch, e.randomness, beaconSignature);
    }

    /// @inheritdoc IHealth
    function epochStart(uint32 epoch) external view returns (uint64) {
        return SafeCast.toUint64(_startOf(epoch));
    }

    /// @inheritdoc IHealth
    function certifiableUntil(uint32 epoch) external view returns (uint64) {
        return SafeCast.toUint64(_certifiableUntil(epoch));
    }

    /// @inheritdoc IHealth
    function appealableUntil(uint32 epoch) external view returns (uint64) {
        return SafeCast.toUint64(_appealableUntil(epoch));
    }

    /// @inheritdoc IHealth
    function settledUntil() external view returns (uint64 time) {
        return SafeCast.toUint64(_startOf(_firstUnsettled()));
    }

    /// @inheritdoc IHealth
    function randomnessOf(uint32 epoch) external view returns (bytes32) {
        return _epochs[epoch].randomness;
    }

    /// @inheritdoc IHealth
    function beaconRoundOf(uint32 epoch) public view returns (uint64) {
        uint256 start = _startOf(epoch);
        if (start <= _beaconGenesis) return 1;
        return SafeCast.toUint64((start - _beaconGenesis + _beaconPeriod - 1) / _beaconPeriod + 1);
    }

    // --- inside; times are carried in 256 bits ---

    function _requireTime(uint256 from, uint256 to) internal view {
        if (block.timestamp < from || block.timestamp > to) revert OutOfTime(block.timestamp, from, to);
    }

    function _startOf(uint256 epoch) internal view returns (uint256) {
        return _genesis + epoch * _length;
    }

    function _lastSecondOf(uint256 epoch) internal view returns (uint256) {
        return _startOf(epoch + 1) - 1;
    }

    /// @dev The epoch that a time lies in; 0 before the first.
    function _epochAt(uint256 time) internal view returns (uint256) {
        return time < _genesis ? 0 : (time - _genesis) / _length;
    }

    function _certifiableUntil(uint256 epoch) internal view returns (uint256) {
        (uint256 certifySeconds,) = _waitsOf(epoch);
        return _lastSecondOf(epoch) + certifySeconds;
    }

    function _appealableUntil(uint256 epoch) internal view returns (uint256) {
        (uint256 certifySeconds, uint256 appealSeconds) = _waitsOf(epoch);
        return _lastSecondOf(epoch) + certifySeconds + appealSeconds;
    }

    /// @dev The first epoch that is not settled, and so all before it are. Policies may shorten the waits, so a later
    /// epoch's may be over first: one looks at all that can still wait. What is older than the longest wait of those that
    /// were opened, and than a health epoch, is over. Whatever is over stays so: so what is settled, is settled for good.
    function _firstUnsettled() internal view returns (uint256 epoch) {
        if (block.timestamp < _genesis) return 0;
        uint256 current = _epochAt(block.timestamp);
        uint256 wait = _longestWait < _length ? _length : _longestWait;
        uint256 past = block.timestamp - _genesis;
        // The first whose last second and `wait` after it are not over.
        if (past >= wait) epoch = (past - wait) / _length;
        while (epoch < current && _isOver(epoch)) ++epoch;
    }

    /// @dev Whether nothing can change about an epoch any more. One that nobody opened waits for no longer than a health
    /// epoch: nobody can look back at all policies that were in force, to know how long it might.
    function _isOver(uint256 epoch) private view returns (bool) {
        (uint256 certifySeconds, uint256 appealSeconds) = _waitsOf(epoch);
        uint256 wait = certifySeconds + appealSeconds;
        if (wait > _length && _epochs[epoch].randomness == 0) wait = _length;
        return _lastSecondOf(epoch) + wait < block.timestamp;
    }

    /// @dev The first round that does not close before the epoch begins: its policy is the epoch's.
    function _firstRound(uint256 epoch) internal view returns (uint256) {
        return (epoch * _length + _period - 1) / _period;
    }

    /// @dev The policy's page of an epoch.
    function _policyOf(uint256 epoch) internal view returns (address page) {
        return _policyOfRound(_firstRound(epoch));
    }

    /// @dev The policy's page in force at a time: that of the last round that has closed by then.
    function _policyAt(uint256 time) internal view returns (address page) {
        return _policyOfRound(time < _genesis ? 0 : (time - _genesis) / _period);
    }

    function _rulesOf(uint256 epoch) internal view returns (PolicyPage.Health memory) {
        return PolicyPage.health(_policyOf(epoch));
    }

    /// @dev The stake epoch whose table judges an epoch.
    function _stakeEpochOf(uint256 epoch) internal view returns (uint64) {
        return SafeCast.toUint64(epoch * _length / _stakeEpoch);
    }

    /// @dev The epoch, which must be open.
    function _openEpoch(uint32 epoch) internal view returns (Epoch memory e) {
        e = _epochs[epoch];
        if (e.randomness == 0) revert NotOpen(epoch);
    }

    function _policyOfRound(uint256 n) private view returns (address page) {
        (,, page) = rounds.policyAt(SafeCast.toUint64(n));
    }

    function _waitsOf(uint256 epoch) private view returns (uint256 certifySeconds, uint256 appealSeconds) {
        Epoch storage e = _epochs[epoch];
        (certifySeconds, appealSeconds) = (e.certifySeconds, e.appealSeconds);
        // Rules have at least one second of each.
        if (certifySeconds != 0) return (certifySeconds, appealSeconds);
        PolicyPage.Health memory r = _rulesOf(epoch);
        return (r.certifySeconds, r.appealSeconds);
    }
}
