// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Appeals} from "./Appeals.sol";
import {HealthClock} from "./HealthClock.sol";
import {Downtime} from "./Downtime.sol";

/// @title Downtime of machines: certified by seats, appealed by receipts, settled by time (docs/formats.md, section 14).
abstract contract Health is Appeals, Downtime {
    constructor(Links memory links) HealthClock(links) {}
}
