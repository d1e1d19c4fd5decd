// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {BLS12381} from "../lib/BLS12381.sol";
import {CodePages} from "../lib/CodePages.sol";
import {Drand} from "../lib/Drand.sol";

/// @title Whether 48 bytes are the beacon's signature of a round. A contract of its own for the room that it takes.
contract BeaconJudge {
    /// @notice Page with the beacon's public key, 192 bytes.
    address public immutable beaconKeyPage;

    /// @notice No valid key of 192 bytes.
    error BadBeaconKey();

    /// @param beaconKeyPage_ the key's page of code
    constructor(address beaconKeyPage_) {
        if (!Drand.isKey(CodePages.read(beaconKeyPage_))) revert BadBeaconKey();
        beaconKeyPage = beaconKeyPage_;
    }

    /// @notice Whether `signature` is the beacon's of round `beaconRound`. False for whatever is malformed.
    function isBeacon(uint64 beaconRound, bytes calldata signature) external view returns (bool) {
        return Drand.verify(beaconRound, signature, BLS12381.padKey(CodePages.read(beaconKeyPage)));
    }
}
