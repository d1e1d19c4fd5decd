// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../../src/interfaces/IRounds.sol";
import {RoundState} from "../../../src/lib/RoundState.sol";
import {vm2} from "../Vm2.sol";
import {DisputeKit} from "./DisputeKit.sol";

/// @notice What a challenge costs as a whole transaction, and how many bytes of evidence it takes: header and witness.
/// The list is a tree of full size in which only the opened entries and the last chunk are real. The last chunk is
/// posted; the posting of the others is written into the state. Each call of a test is a transaction with cold storage.
/// forge-config: default.isolate = true
contract DisputesGasTest is DisputeKit {
    using RoundState for uint256;
    using RoundState for RoundState.State;

    uint64 private constant N = 2;
    /// @dev Where the newest round's state lies in `Rounds`, and the states of earlier ones.
    uint256 private constant HEAD = 0;
    uint256 private constant PAST = 2;

    mapping(uint256 position => bytes) private _real;
    mapping(uint256 level => mapping(uint256 index => bool)) private _marked_;
    uint256 private _size;
    uint256 private _depth;
    bytes32 private _top;
    uint32 private _lowest;

    struct Cost {
        uint256 gas;
        uint256 evidence;
    }

    // --- the tree ---

    function _begin(uint256 size) private {
        _size = size;
        while (1 << _depth < size) ++_depth;
    }

    function _place(uint256 position, bytes memory entry) private {
        _real[position] = entry;
        for (uint256 level; level <= _depth; ++level) {
            _marked_[level][position >> level] = true;
        }
    }

    function _node(uint256 level, uint256 index) private view returns (bytes32) {
        if (index << level >= _size) return _empty(level);
        if (!_marked_[level][index]) return keccak256(abi.encode("a node that nobody opens", level, index));
        if (level == 0) return sha256(abi.encodePacked(uint8(0), uint8(3), _real[index]));
        return sha256(abi.encodePacked(uint8(1), _node(level - 1, 2 * index), _node(level - 1, 2 * index + 1)));
    }

    function _empty(uint256 level) private pure returns (bytes32 top) {
        for (uint256 d; d < level; ++d) {
            top = sha256(abi.encodePacked(uint8(1), top, top));
        }
    }

    function _root() private returns (bytes32) {
        _top = _node(_depth, 0);
        bytes32 list = sha256(abi.encodePacked(uint8(2), uint8(3), uint32(_size), _top));
        return sha256(abi.encodePacked(bytes32("quorate/outcome/v1"), list, _lowest));
    }

    function _opening(uint32[] memory at_) private view returns (bytes memory out) {
        out = abi.encodePacked(uint32(_size), _lowest, uint8(at_.length));
        if (at_.length == 0) return bytes.concat(out, _top);
        uint256[] memory known = new uint256[](at_.length);
        for (uint256 i; i < at_.length; ++i) {
            out = bytes.concat(out, abi.encodePacked(at_[i]), _real[at_[i]]);
            known[i] = at_[i];
        }
        uint256 count = known.length;
        for (uint256 level; level < _depth; ++level) {
            uint256 to;
            for (uint256 i; i < count; ++i) {
                uint256 here = known[i];
                if (i + 1 < count && known[i + 1] == here ^ 1) ++i;
                else out = bytes.concat(out, _node(level, here ^ 1));
                known[to++] = here >> 1;
            }
            count = to;
        }
    }

    // --- a round of that size ---

    uint64 private _challenged; // the request that is matched in the last entry, lower than it should be
    uint64 private _machine; // the offer that it should be matched to

    /// @dev Real orders, with a history of every value that a dispute reads, and a list with entries at the worst
    /// places: neighbours around the middle, and the last one. The first entry of the last chunk takes of the machine,
    /// so that what was free of it at T is history.
    function _round(uint256 size) private returns (bytes memory header) {
        vm.warp(GENESIS + 10);
        _fillMarket(7, 2, 0);
        uint256 last = size % 256;
        vm.prank(address(0xA2));
        _machine = market.postOffers(_offer(8, 900));
        for (uint256 i; i < last; ++i) {
            if (i % 8 == 0) _postOffer(8, 1_500);
            _challenged = _postRequest(1, 2_000, 100);
        }
        _change(3);
        vm.warp(_closeOf(N) + 5);
        _change(1);
        _begin(size);
        for (uint256 i; i < last; ++i) {
            uint64 offer = i == 0 ? _machine : _machine + 1 + uint64(i / 8);
            uint256 used = i < 8 ? (i == 0 ? 1 : i) : i % 8 + 1;
            _place(size - last + i, _entry(Entry(offer, uint64(i + 1), uint64(1e6 - i), 1), _demandOf(1) * used));
        }
        _lowest = uint32(size - 1);
        uint32 middle = uint32(1 << _depth - 1);
        _place(middle - 1, _entry(Entry(_machine, 1e9, 4e8, 5), 0));
        _place(middle, _entry(Entry(_machine, 2, 1, 5), 1 << 128)); // a wrong sum, and below the "lowest"
        header = _certifyTree();
        _postLast(header, last);
    }

    /// @dev Checkpoints of all that can change, each in a second of its own.
    function _change(uint256 times) private {
        for (uint256 i; i < times; ++i) {
            vm.warp(block.timestamp + 1);
            address provider = address(0xA2);
            quor.mint(provider, 1e18);
            vm.startPrank(provider);
            quor.approve(address(providers), 1e18);
            providers.stake(1e18);
            vm.stopPrank();
            providers.setUptime(_machine, uint16(9_000 + i));
        }
    }

    function _certifyTree() private returns (bytes memory header) {
        IRounds.Settlement memory s = _settlement(N, _root());
        s.beaconSignature = _beacon(rounds.beaconRound(N));
        rounds.settle(s);
        return _headerOf(s);
    }

    function _postLast(bytes memory header, uint256 last) private {
        IRounds.Chunk memory c;
        c.n = N;
        c.count = uint32(_size);
        c.lowest = _lowest;
        c.index = uint32(_size / 256);
        for (uint256 i = _size - last; i < _size; ++i) {
            c.entries = bytes.concat(c.entries, _real[i]);
        }
        c.proof = new bytes32[](_depth - 8);
        for (uint256 i; i < c.proof.length; ++i) {
            c.proof[i] = _node(8 + i, c.index >> i ^ 1);
        }
        rounds.postChunk(header, c);
    }

    /// @dev Writes into the state of `Rounds` that all other chunks stand, too.
    function _postTheOthers() private {
        RoundState.State memory s = uint256(vm.load(address(rounds), bytes32(HEAD))).unpack();
        s.status = IRounds.Status.Settled;
        s.endedAt = uint40(block.timestamp);
        s.posted = uint24((_size + 255) / 256);
        vm.store(address(rounds), bytes32(HEAD), bytes32(s.pack()));
        vm.store(address(rounds), keccak256(abi.encode(uint256(N), PAST)), bytes32(s.pack()));
        (IRounds.Status status,,, uint64 endedAt, uint32 count, uint32 posted) = rounds.roundOf(N);
        assertTrue(status == IRounds.Status.Settled && endedAt == block.timestamp, "settled");
        assertTrue(count == _size && posted == (_size + 255) / 256, "in full");
    }

    function _challenge(bytes memory header, bytes memory witness, uint8 expected) private returns (Cost memory c) {
        vm.prank(CHALLENGER);
        court.challenge(header, witness);
        c.gas = vm2.lastCallGas().gasTotalUsed;
        c.evidence = header.length + witness.length;
        (uint8 code,,) = rounds.refutationOf(N);
        assertEq(code, expected, "code");
    }

    function _report(string memory what, Cost memory c, uint256 gas, uint256 evidence) private {
        emit log_named_uint(string.concat(what, ", gas"), c.gas);
        emit log_named_uint(string.concat(what, ", bytes"), c.evidence);
        assertLe(c.gas, gas, "gas");
        assertLe(c.evidence, evidence, "bytes");
    }

    function _three(uint256 a, uint256 b, uint256 c) private pure returns (uint32[] memory p) {
        p = new uint32[](3);
        (p[0], p[1], p[2]) = (uint32(a), uint32(b), uint32(c));
    }

    /// @dev The request stands in the last entry, the pair's place is in the middle: no two paths meet below the top.
    function _blockingCost(uint256 size) private returns (Cost memory) {
        bytes memory header = _round(size);
        _postTheOthers();
        uint256 middle = 1 << _depth - 1;
        bytes memory opening = _opening(_three(middle - 1, middle, size - 1));
        return _challenge(header, abi.encodePacked(uint8(1), _challenged, _machine, opening), 14);
    }

    function _openedCost(uint256 size, uint8 kind, uint32[] memory at_, uint8 code) private returns (Cost memory) {
        return _challenge(_round(size), bytes.concat(bytes1(kind), _opening(at_)), code);
    }

    function test_gas_blocking_million() external {
        _report("blocking pair, 10^6", _blockingCost(1_000_000), 189_500, 2_300);
    }

    function test_gas_blocking_thousand() external {
        _report("blocking pair, 10^3", _blockingCost(1_000), 165_000, 1_300);
    }

    /// @dev A score that is wrong: every operand is read before that shows.
    function test_gas_entry_million() external {
        _report("entry, 10^6", _openedCost(1_000_000, 2, _positions(999_936), 11), 168_500, 1_000);
    }

    function test_gas_entry_thousand() external {
        _report("entry, 10^3", _openedCost(1_000, 2, _positions(768), 11), 160_500, 700);
    }

    function test_gas_neighbours_million() external {
        _report("neighbours, 10^6", _openedCost(1_000_000, 3, _positions(524_287, 524_288), 8), 128_000, 1_650);
    }

    function test_gas_neighbours_thousand() external {
        _report("neighbours, 10^3", _openedCost(1_000, 3, _positions(511, 512), 8), 111_500, 1_000);
    }

    function test_gas_repeated_million() external {
        _report("repeated, 10^6", _openedCost(1_000_000, 4, _positions(524_288, 999_937), 3), 116_500, 1_650);
    }

    function test_gas_repeated_thousand() external {
        _report("repeated, 10^3", _openedCost(1_000, 4, _positions(512, 769), 3), 100_000, 1_000);
    }

    function test_gas_cut_million() external {
        _report("cut, 10^6", _openedCost(1_000_000, 5, _positions(524_288, 999_999), 13), 116_500, 1_650);
    }

    function test_gas_cut_thousand() external {
        _report("cut, 10^3", _openedCost(1_000, 5, _positions(512, 999), 13), 100_500, 1_000);
    }

    /// @dev What gives the header's seed is not the beacon's: a root, a hash to the curve, a pairing.
    function test_gas_seed() external {
        vm.warp(_closeOf(N) + 10);
        IRounds.Settlement memory s = _settlement(N, 0);
        s.beaconSignature = _beacon(1);
        rounds.settle(s);
        bytes memory witness = bytes.concat(hex"06", s.beaconSignature);
        _report("seed", _challenge(_headerOf(s), witness, 15), 242_000, 321);
    }
}
