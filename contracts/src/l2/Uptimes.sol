// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {LibBit} from "solady/utils/LibBit.sol";
import {IHealth} from "../interfaces/IHealth.sol";
import {Observation} from "../lib/Observation.sol";
import {PolicyPage} from "../lib/PolicyPage.sol";
import {Standing} from "../lib/Standing.sol";
import {DownBook} from "./DownBook.sol";

/// @title Uptime and trust levels, epoch by settled epoch (docs/formats.md, sections 5 and 14).
abstract contract Uptimes is DownBook {
    uint16 private constant UNOBSERVED = type(uint16).max;

    /// @dev Where a machine stands.
    struct Record {
        uint32 next; // first epoch not observed; 0 before any
        uint16 downtime; // 65,535 less uptime, so that 0 is "no observation"
        uint16 run; // observed epochs in a row that count towards the next level
        uint8 level;
    }

    /// @dev A way through epochs, with the rules in force.
    struct Walk {
        uint64 offerId;
        uint256 retiredAt; // 2^256 - 1 if it is not
        uint16 uptime;
        uint8 level;
        uint16 run;
        address page;
        uint256 windows;
        uint256 memory_;
        Standing.Level[7] levels;
    }

    mapping(uint64 offerId => Record) private _records;

    /// @notice The machine has no agent.
    error NotRegistered(uint64 offerId);
    /// @notice There is no settled epoch that is not observed.
    error NothingToObserve(uint256 next);

    /// @inheritdoc IHealth
    function observe(uint64 offerId, uint16 most) external {
        Record storage r = _records[offerId];
        Walk memory w;
        uint256 registeredAt;
        (registeredAt, w.retiredAt) = _registrationOf(offerId);
        if (registeredAt == 0) revert NotRegistered(offerId);
        uint256 next = _nextOf(r.next, registeredAt);
        uint256 end = Math.min(next + most, _firstUnsettled());
        if (next >= end) revert NothingToObserve(next);

        (w.offerId, w.uptime, w.level, w.run) = (offerId, ~r.downtime, r.level, r.run);
        uint16 former = w.uptime;
        for (uint256 epoch = next; epoch < end; ++epoch) {
            uint256 down = LibBit.popCount(_down(offerId, epoch, _groupOf(offerId, epoch / GROUP)));
            if (down != 0 || _isClear(w, epoch)) _take(w, epoch, down);
        }
        (r.next, r.downtime, r.level, r.run) = (uint32(end), ~w.uptime, w.level, w.run);
        if (w.uptime != former) providers.setUptime(offerId, w.uptime);
        emit MachineObserved(offerId, uint32(end - 1), w.uptime, w.level);
    }

    /// @inheritdoc IHealth
    function standingOf(uint64 offerId) external view returns (uint16 uptime, uint8 level, uint32 next) {
        Record storage r = _records[offerId];
        (uint256 registeredAt,) = _registrationOf(offerId);
        return (~r.downtime, r.level, uint32(_nextOf(r.next, registeredAt)));
    }

    function _isClear(Walk memory w, uint256 epoch) private view returns (bool) {
        return Observation.isClear(providers, w.offerId, w.retiredAt, _startOf(epoch), _lastSecondOf(epoch));
    }

    /// @dev Carries uptime and level over an observed epoch.
    function _take(Walk memory w, uint256 epoch, uint256 down) private view {
        _load(w, _policyOf(epoch));
        uint256 value = Observation.value(w.windows, down);
        bool first = w.uptime == UNOBSERVED;
        w.uptime = uint16(first ? value : (w.uptime * (w.memory_ - 1) + value) / w.memory_);
        (w.level, w.run) = Standing.step(w.levels, w.level, w.run, w.uptime);
    }

    /// @dev Reads the rules of a policy, unless they are at hand.
    function _load(Walk memory w, address page) private view {
        if (w.page == page) return;
        PolicyPage.Health memory rules = PolicyPage.health(page);
        (w.page, w.windows, w.memory_) = (page, rules.windows, rules.uptimeMemory);
        w.levels = PolicyPage.standing(page).levels;
    }

    /// @dev The first epoch not observed: at the earliest the first that begins with the machine registered.
    function _nextOf(uint256 next, uint256 registeredAt) private view returns (uint256) {
        uint256 epoch = _epochAt(registeredAt);
        if (_startOf(epoch) < registeredAt) ++epoch;
        return Math.max(next, epoch);
    }
}
