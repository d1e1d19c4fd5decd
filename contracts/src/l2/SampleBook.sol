// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAttendance} from "../interfaces/IAttendance.sol";
import {IHealth} from "../interfaces/IHealth.sol";
import {IMachines} from "../interfaces/IMachines.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {ITally} from "../interfaces/ITally.sol";
import {PolicyPage} from "../lib/PolicyPage.sol";
import {Samples} from "../lib/Samples.sol";

/// @title Draws the sample of a stake epoch that is over (docs/formats.md, section 15).
/// @notice Nobody chooses a sample. Its randomness is that of one health epoch, which begins when the stake epoch is
/// over; and each machine is drawn from those that were for hire when the sampled health epoch began, at least a whole
/// one before, so that no lag of this chain's clock lets anybody move the list knowing the beacon. So it does not matter
/// who draws, or when. Machines that nobody had to judge, retired or paused ones, are not in the list: however many of
/// them there are, they take no probe from those that work.
abstract contract SampleBook is ITally {
    /// @dev What a drawn epoch keeps.
    struct Sample {
        bytes32 randomness; // not zero: a hash
        uint64 machines; // told only
        bool told;
    }

    /// @dev A sampled (machine, window).
    struct Probe {
        uint32 healthEpoch;
        uint64 offerId;
        uint16 window;
        uint16 windows; // of the health epoch
        uint16 seats; // of its committees
    }

    /// @notice Schedule, policies, and how rounds came out.
    IRounds public immutable rounds;
    /// @notice Randomness of health epochs.
    IHealth public immutable health;
    /// @notice Which machines were for hire.
    IMachines public immutable machines;
    /// @notice Who signed rounds, and until when that is shown.
    IAttendance public immutable attendance;

    uint256 private immutable _genesis;
    uint256 private immutable _period;
    uint256 private immutable _stakeEpoch;
    uint256 private immutable _healthEpoch;

    mapping(uint64 epoch => Sample) internal _samples;

    /// @notice A stake epoch is shorter than a round: it may have none.
    error EpochTooShort(uint256 got, uint256 least);
    /// @notice The first epoch's work is shown up to `got`, which may be over before its sample can be drawn.
    error GraceTooShort(uint256 got, uint256 least);

    constructor(IRounds rounds_, IHealth health_, IMachines machines_, IAttendance attendance_) {
        (rounds, health, machines, attendance) = (rounds_, health_, machines_, attendance_);
        IRounds.Schedule memory s = rounds_.schedule();
        (_genesis, _period, _stakeEpoch, _healthEpoch) = (s.genesis, s.period, s.stakeEpoch, s.healthEpoch);
        if (s.stakeEpoch < s.period) revert EpochTooShort(s.stakeEpoch, s.period);
        uint256 until = attendance_.presentableUntil(0);
        uint256 least = _genesis + _stakeEpoch + _healthEpoch;
        if (until < least) revert GraceTooShort(until, least);
    }

    /// @inheritdoc ITally
    function draw(uint64 epoch) external {
        Sample storage s = _samples[epoch];
        if (s.randomness != 0) revert AlreadyDrawn(epoch);
        uint32 healthEpoch = healthEpochOf(epoch);
        uint256 from = _startOf(healthEpoch);
        _requireTime(from, showableUntil(epoch));
        bytes32 randomness = health.randomnessOf(healthEpoch);
        if (randomness == 0) revert NoRandomness(healthEpoch);

        uint64 count = machines.forHireCount(SafeCast.toUint64(from - _healthEpoch));
        (s.randomness, s.machines) = (randomness, count);
        emit Drawn(epoch, randomness, count);
    }

    /// @inheritdoc ITally
    function healthEpochOf(uint64 epoch) public view returns (uint32) {
        (uint256 next,) = Samples.within(uint256(epoch) + 1, _stakeEpoch, _healthEpoch);
        return SafeCast.toUint32(next);
    }

    /// @inheritdoc ITally
    function showableUntil(uint64 epoch) public view returns (uint64) {
        (uint256 first,) = Samples.within(epoch, _stakeEpoch, _period);
        return attendance.presentableUntil(SafeCast.toUint64(first));
    }

    /// @inheritdoc ITally
    function sampleOf(uint64 epoch) external view returns (bytes32 randomness, uint64 machines_, bool told) {
        Sample storage s = _samples[epoch];
        return (s.randomness, s.machines, s.told);
    }

    /// @inheritdoc ITally
    function sampledRounds(uint64 epoch) public view returns (uint64[] memory numbers) {
        bytes32 randomness = _drawn(epoch).randomness;
        (uint256 first, uint256 count) = Samples.within(epoch, _stakeEpoch, _period);
        numbers = new uint64[](Samples.COUNT);
        for (uint16 i; i < Samples.COUNT; ++i) {
            (uint256 x,,) = Samples.lot(randomness, epoch, Samples.ROUND, i);
            numbers[i] = SafeCast.toUint64(first + Samples.scale(x, count));
        }
    }

    /// @inheritdoc ITally
    function sampledProbe(uint64 epoch, uint16 sample)
        external
        view
        returns (uint32 healthEpoch, uint64 offerId, uint16 window)
    {
        Probe memory p = _probeOf(epoch, sample);
        return (p.healthEpoch, p.offerId, p.window);
    }

    /// @dev An epoch's sample, which must have been drawn.
    function _drawn(uint64 epoch) internal view returns (Sample storage s) {
        s = _samples[epoch];
        if (s.randomness == 0) revert NotDrawn(epoch);
    }

    /// @dev How many probes an epoch has: all or none.
    function _probesOf(uint64 epoch) internal view returns (uint16) {
        (, uint256 count) = Samples.within(epoch, _stakeEpoch, _healthEpoch);
        return count == 0 ? 0 : Samples.COUNT;
    }

    /// @dev Its machine is 0, which is none, if none was for hire.
    function _probeOf(uint64 epoch, uint16 sample) internal view returns (Probe memory p) {
        bytes32 randomness = _drawn(epoch).randomness;
        uint16 probes = _probesOf(epoch);
        if (sample >= probes) revert NoSuchSample(sample, probes);
        (uint256 first, uint256 count) = Samples.within(epoch, _stakeEpoch, _healthEpoch);
        (uint256 x, uint256 y, uint256 z) = Samples.lot(randomness, epoch, Samples.PROBE, sample);
        p.healthEpoch = SafeCast.toUint32(first + Samples.scale(x, count));
        p.offerId = _machineOf(p.healthEpoch, y);
        PolicyPage.Health memory rules = PolicyPage.health(_policyOf(p.healthEpoch));
        (p.windows, p.seats) = (rules.windows, rules.seats);
        p.window = uint16(Samples.scale(z, rules.windows));
    }

    function _requireTime(uint256 from, uint256 to) internal view {
        if (block.timestamp < from || block.timestamp > to) revert OutOfTime(block.timestamp, from, to);
    }

    /// @dev When the randomness of an epoch's sample is out.
    function _knownFrom(uint64 epoch) internal view returns (uint256) {
        return _startOf(healthEpochOf(epoch));
    }

    function _startOf(uint256 healthEpoch) private view returns (uint256) {
        return _genesis + healthEpoch * _healthEpoch;
    }

    /// @dev The policy's page of a health epoch: that of the first round that does not close before it begins.
    function _policyOf(uint256 healthEpoch) private view returns (address page) {
        (uint256 round,) = Samples.within(healthEpoch, _healthEpoch, _period);
        (,, page) = rounds.policyAt(SafeCast.toUint64(round));
    }

    /// @dev One of those for hire when a health epoch began, by a number below 2^64.
    function _machineOf(uint32 healthEpoch, uint256 lot) private view returns (uint64) {
        uint64 begin = SafeCast.toUint64(_startOf(healthEpoch));
        uint64 count = machines.forHireCount(begin);
        return count == 0 ? 0 : machines.forHireAt(begin, uint64(Samples.scale(lot, count)));
    }
}
