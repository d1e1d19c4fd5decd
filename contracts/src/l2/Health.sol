// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Appeals} from "./Appeals.sol";
import {Downtime} from "./Downtime.sol";
import {HealthClock} from "./HealthClock.sol";
import {MachineSlashes} from "./MachineSlashes.sol";
import {Uptimes} from "./Uptimes.sol";

/// @title Downtime of machines: certified by seats, appealed by receipts, settled by time (docs/formats.md, section 14).
/// @notice Nobody's word counts but that of signatures, and nobody is paid for a call but whoever slashes; so callers
/// need no forwarder.
contract Health is Appeals, Downtime, MachineSlashes, Uptimes {
    /// @param links the contracts around this one. `rounds` must stand already; the others may be named by addresses
    /// known before
    constructor(Links memory links) HealthClock(links) {}
}
