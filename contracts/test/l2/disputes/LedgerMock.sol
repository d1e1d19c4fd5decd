// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IInputs} from "../../../src/interfaces/IInputs.sol";
import {IRounds} from "../../../src/interfaces/IRounds.sol";
import {CodePages} from "../../../src/lib/CodePages.sol";
import {Standings} from "../../../src/lib/Standings.sol";

/// @notice L2 as the verifier reads it, in one contract: rounds, market and providers of one market of the vectors.
contract LedgerMock is IInputs {
    struct Request {
        address page; // its record in code
        uint64 created;
        uint64 closed;
        uint64 round; // 0-based round + 1 of its lease, 0 for none
        uint32 position;
    }

    /// @dev `input` is an OfferInput (docs/formats.md, section 3).
    struct Version {
        bytes input;
        uint64 closed;
        address page; // the input in code: its record comes first
    }

    /// @dev Behind a page's first byte.
    uint256 private constant START = 1;

    IRounds.Schedule private _schedule;
    address private immutable _page;
    uint64 private immutable _round;
    uint64 public offerCount;
    mapping(uint64 => Request) private _requests;
    mapping(uint64 => Version[]) private _versions;
    mapping(address => uint64) private _offerOf;
    mapping(bytes32 list => mapping(uint64 request => uint32)) private _places;
    bytes32 private _posted;

    constructor(uint64 round, uint64 genesis, uint32 period, uint32 healthEpoch, address page) {
        (_round, _page) = (round, page);
        (_schedule.genesis, _schedule.period, _schedule.healthEpoch) = (genesis, period, healthEpoch);
        (_schedule.beaconGenesis, _schedule.beaconPeriod) = (genesis, 3);
    }

    function addRequest(uint64 id, bytes calldata record, Request memory r) external {
        r.page = CodePages.write(record);
        _requests[id] = r;
    }

    function addVersion(uint64 id, address provider, bytes calldata input, uint64 closed) external {
        _versions[id].push(Version(input, closed, CodePages.write(input)));
        _offerOf[provider] = id;
        if (id > offerCount) offerCount = id;
    }

    /// @notice This list was posted in full: each of its entries has given its request a lease.
    function post(bytes32 root, bytes calldata entries) external {
        _posted = root;
        for (uint256 i; i < entries.length; i += 49) {
            _places[root][uint64(bytes8(entries[i + 8:]))] = uint32(i / 49 + 1);
        }
    }

    // --- rounds ---

    function schedule() external view returns (IRounds.Schedule memory) {
        return _schedule;
    }

    function domain() external pure returns (IRounds.Domain memory) {
        return IRounds.Domain(1, address(0xA5), 7);
    }

    function policyAt(uint64) external view returns (uint32, bytes32, address) {
        return (1, 0, _page);
    }

    function policyPageAt(uint64) external view returns (address) {
        return _page;
    }

    // --- market ---

    function requestAt(uint64 id)
        external
        view
        returns (address page, uint256 offset, uint64 created, uint64 closed, uint64 round, uint32 position)
    {
        Request storage r = _requests[id];
        (page, offset) = (r.page, START);
        (created, closed, round, position) = (r.created, r.closed, r.round, r.position);
        uint32 place = _places[_posted][id];
        // What an earlier round has matched keeps its lease.
        if (place != 0 && (round == 0 || round > _round)) (round, position) = (_round + 1, place - 1);
    }

    function offerAt(uint64 id, uint64 t) external view returns (address page, uint256 offset, uint136 used) {
        Version[] storage all = _versions[id];
        for (uint256 i; i < all.length; ++i) {
            bytes memory input = all[i].input;
            if (_uint(input, 160, 8) <= t && t < all[i].closed) {
                return (all[i].page, START, uint136(_uint(input, 168, 17)));
            }
        }
    }

    // --- providers ---

    function standingAt(uint64 id, address provider, uint64) external view returns (uint256, uint256) {
        bytes memory m = _versions[id][0].input;
        bytes memory p = _versions[_offerOf[provider]][0].input;
        return (
            Standings.packMachine(uint16(_uint(m, 185, 2)), uint8(_uint(m, 187, 1))),
            Standings.packProvider(
                uint64(_uint(p, 188, 8)),
                uint32(_uint(p, 196, 4)),
                uint16(_uint(p, 200, 2)),
                uint16(_uint(p, 202, 2)),
                uint32(_uint(p, 204, 4)),
                uint8(_uint(p, 208, 1))
            )
        );
    }

    /// @dev The big-endian number of `width` bytes at `at_`.
    function _uint(bytes memory b, uint256 at_, uint256 width) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, width)), mload(add(add(b, 0x20), at_)))
        }
    }
}
