// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {CodePages} from "../../src/lib/CodePages.sol";

/// @notice Schedule, domain and policies, as health asks `Rounds` for them.
contract MockRounds {
    IRounds.Schedule private _schedule;
    address[] private _pages;
    uint64[] private _froms;

    constructor(IRounds.Schedule memory s, bytes memory page) {
        _schedule = s;
        addPolicy(page, 0);
    }

    function addPolicy(bytes memory page, uint64 from) public {
        _pages.push(CodePages.write(page));
        _froms.push(from);
    }

    function schedule() external view returns (IRounds.Schedule memory) {
        return _schedule;
    }

    function ring() external pure returns (uint32) {
        return type(uint32).max;
    }

    function domain() external pure returns (IRounds.Domain memory) {
        return IRounds.Domain(1, address(0xA5), 7);
    }

    function policyAt(uint64 n) external view returns (uint32, bytes32, address) {
        uint256 i = _froms.length - 1;
        while (_froms[i] > n) --i;
        return (1, bytes32(i), _pages[i]);
    }
}

/// @notice Registrations, and maintenance as pieces of time, which must not overlap.
contract MockMachines {
    struct Piece {
        uint64 from;
        uint64 until;
    }

    mapping(uint64 offerId => uint64) private _registeredAt;
    mapping(uint64 offerId => uint64) private _retiredAt;
    mapping(uint64 offerId => Piece[]) private _pieces;

    function set(uint64 offerId, uint64 registeredAt, uint64 retiredAt) external {
        (_registeredAt[offerId], _retiredAt[offerId]) = (registeredAt, retiredAt);
    }

    function maintain(uint64 offerId, uint64 from, uint64 until) external {
        _pieces[offerId].push(Piece(from, until));
    }

    function machineOf(uint64 offerId) external view returns (uint64, uint64, bool, bytes32) {
        return (_registeredAt[offerId], _retiredAt[offerId], false, 0);
    }

    function maintenanceSeconds(uint64 offerId, uint64 from, uint64 to) external view returns (uint64 sum) {
        Piece[] storage pieces = _pieces[offerId];
        for (uint256 i; i < pieces.length; ++i) {
            uint64 a = pieces[i].from < from ? from : pieces[i].from;
            uint64 b = pieces[i].until > to ? to : pieces[i].until;
            if (a < b) sum += b - a;
        }
    }
}

/// @notice Offers: whose they are, their GPUs and tier.
contract MockMarket {
    mapping(uint64 offerId => bytes) private _records;

    function set(uint64 offerId, address provider, uint8 gpus, uint8 tier) external {
        bytes memory record = new bytes(160);
        for (uint256 i; i < 20; ++i) {
            record[12 + i] = bytes20(provider)[i];
        }
        (record[149], record[152]) = (bytes1(gpus), bytes1(tier));
        _records[offerId] = record;
    }

    function newestOffer(uint64 offerId) external view returns (bytes memory, uint8) {
        return (_records[offerId], 1);
    }
}

/// @notice Remembers what was forfeited last.
contract MockEscrow {
    address public provider;
    uint16 public bps;
    uint256 public calls;

    function forfeit(address provider_, uint16 bps_) external {
        (provider, bps) = (provider_, bps_);
        ++calls;
    }
}
