// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../../../src/interfaces/IMarket.sol";
import {IRounds} from "../../../src/interfaces/IRounds.sol";
import {IStrikes} from "../../../src/interfaces/IStrikes.sol";
import {IVerifier} from "../../../src/interfaces/IVerifier.sol";
import {Disputes} from "../../../src/l2/Disputes.sol";
import {Market} from "../../../src/l2/Market.sol";
import {Providers} from "../../../src/l2/Providers.sol";
import {Rounds} from "../../../src/l2/Rounds.sol";
import {Strikes} from "../../../src/l2/Strikes.sol";
import {Verifier} from "../../../src/l2/Verifier.sol";
import {BLS12381} from "../../../src/lib/BLS12381.sol";
import {BlsKit} from "../../BlsKit.sol";
import {MockBridge, MockDisputes, MockStakeTable, MockToken} from "../Mocks.sol";
import {vm2} from "../Vm2.sol";
import {RandomMarkets} from "./RandomMarkets.sol";

/// @notice A deployment with real disputes, a policy in which every factor counts, the right outcome of a round by
/// brute force, and witnesses.
abstract contract DisputeKit is RandomMarkets {
    uint256 internal constant BEACON_SECRET = 0x1234567;
    uint256 internal constant COMMIT_BOND = 0.1 ether;
    uint256 internal constant BOUNTY_CAP = 0.5 ether;
    address internal constant CHALLENGER = address(0xCA);
    /// @dev (p - 1) / 2 of BLS12-381's field, 48 bytes.
    bytes internal constant HALF =
        hex"0d0088f51cbff34d258dd3db21a5d66bb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555";

    Disputes internal court;
    Verifier internal verifier;
    uint32 internal maxMatches;

    /// @dev A round that was matched: its list and where the lowest entry stands.
    struct Outcome {
        uint64 n;
        bytes32 seed;
        bytes list;
        uint32 lowest;
    }

    function setUp() public virtual override {
        vm.warp(GENESIS - 50);
        _deployDisputes();
    }

    function _deployDisputes() internal {
        table = new MockStakeTable(100, 100);
        usd = new MockToken(6);
        quor = new MockToken(18);
        bridge = new MockBridge();
        providers = new Providers(quor, 10_000, address(this), address(0));
        uint64 nonce = vm2.getNonce(address(this));
        rounds = new Rounds(
            _scheduleOfTests(),
            IRounds.Domain(1, address(0xA5), 7),
            Rounds.Links(
                table,
                IMarket(vm2.computeCreateAddress(address(this), nonce + 1)),
                bridge,
                TIMELOCK,
                vm2.computeCreateAddress(address(this), nonce + 6),
                IStrikes(vm2.computeCreateAddress(address(this), nonce + 4))
            ),
            _ring(),
            _richPolicy(),
            Rounds.Limits({proposalBond: BOND, forcedInclusion: 100})
        );
        _createMarket(POT_CAP);
        strikes = new Strikes(rounds, table, 0);
        verifier = new Verifier(rounds, market, providers, BlsKit.packedKeyOf(BEACON_SECRET));
        court = new Disputes(rounds, market, verifier, COMMIT_BOND, BOUNTY_CAP);
        assertEq(address(court), rounds.disputes(), "address of the disputes");
        _appoint();
        disputes = MockDisputes(address(court));
        providers.grantRole(providers.HEALTH(), address(this));
        providers.grantRole(providers.MONEY(), address(this));
        _fund(TENANT);
    }

    /// @dev All factors have weight, in other proportions for each profile.
    function _richPolicy() internal view returns (bytes memory page) {
        page = _policy(1);
        uint16[8] memory weights = [1_500, 2_500, 1_500, 1_500, 800, 1_000, 500, 700];
        for (uint256 profile; profile < 4; ++profile) {
            for (uint256 f; f < 8; ++f) {
                _put(
                    page, 4 + 16 * profile + 2 * f, 2, weights[(f + profile) % 7 + (f == 7 ? 7 - (f + profile) % 7 : 0)]
                );
            }
            uint256 sum;
            for (uint256 f; f < 8; ++f) {
                sum += _get(page, 4 + 16 * profile + 2 * f, 2);
            }
            _put(page, 4 + 16 * profile, 2, _get(page, 4 + 16 * profile, 2) + 10_000 - sum);
            _put(page, 4 + 64 + 8 * profile, 8, 1_000 * profile);
        }
        _put(page, 4 + 96, 2, 20); // age_cap
        _put(page, 4 + 98, 2, 50); // age_points
        _put(page, 4 + 100, 4, maxMatches);
        _put(page, 4 + 104, 4, 5_000); // price_slope
        _put(page, 4 + 108, 8, 1_000_000); // stake_unit
        _put(page, 4 + 116, 4, 1_500); // stake_slope
        _put(page, 4 + 120, 2, 4_000); // prior_uptime
        _put(page, 4 + 122, 2, 3_000); // prior_reputation
        _put(page, 4 + 124, 2, 100); // slash_decay
        _put(page, 4 + 126, 2, 7_000); // same_zone
        _put(page, 4 + 128, 8, 10); // min_stake of tier 0
        for (uint256 region; region < 256; ++region) {
            _put(page, 4 + 192 + region, 1, region % 3);
        }
        for (uint256 i; i < 256; ++i) {
            _put(page, 4 + 448 + 2 * i, 2, 13 * i % 6_000);
        }
        for (uint256 model; model < 4; ++model) {
            _put(page, 4 + 960 + 8 * model, 8, 1_000 + 500 * model);
        }
    }

    // --- the right outcome, by brute force ---

    /// @dev Sorts all pairs that exist and goes down the order.
    function _greedy(uint64 n, bytes32 seed) internal view returns (Outcome memory o) {
        uint256[] memory order = _sortedPairs(n, seed);
        uint256[] memory used = new uint256[](market.offerCount() + 1);
        bool[] memory taken = new bool[](market.requestCount() + 1);
        uint256[] memory matched = new uint256[](order.length);
        uint256 count;
        for (uint256 i; i < order.length && (maxMatches == 0 || count < maxMatches); ++i) {
            (uint64 offer, uint64 request) = (uint64(order[i]), uint64(order[i] >> 64));
            if (taken[request] || !_holds(n, offer, used[offer], request)) continue;
            taken[request] = true;
            used[offer] += _demandOf(request);
            matched[count++] = order[i];
        }
        o = Outcome(n, seed, "", type(uint32).max);
        _writeList(o, matched, count);
    }

    /// @dev By offer, in the order of the pairs, which is that of `matched`.
    function _writeList(Outcome memory o, uint256[] memory matched, uint256 count) private view {
        uint32 position;
        for (uint64 offer = 1; offer <= market.offerCount(); ++offer) {
            uint256 used;
            for (uint256 i; i < count; ++i) {
                if (uint64(matched[i]) != offer) continue;
                used += _demandOf(uint64(matched[i] >> 64));
                o.list = bytes.concat(o.list, _entry(_toEntry(matched[i]), used));
                if (i == count - 1) o.lowest = position;
                ++position;
            }
        }
    }

    /// @dev Ranks (score ‖ tie ‖ request ‖ offer) of the pairs that exist, descending.
    function _sortedPairs(uint64 n, bytes32 seed) internal view returns (uint256[] memory order) {
        uint64 offers = market.offerCount();
        uint64 requests = market.requestCount();
        bytes memory ids;
        for (uint64 r = 1; r <= requests; ++r) {
            for (uint64 o = 1; o <= offers; ++o) {
                ids = bytes.concat(ids, abi.encodePacked(r, o));
            }
        }
        IVerifier.Pair[] memory pairs = verifier.pairs(n, seed, ids);
        order = new uint256[](pairs.length);
        uint256 count;
        for (uint256 i; i < pairs.length; ++i) {
            if (pairs[i].ineligible != 0) continue;
            uint256 rank = uint256(pairs[i].score) << 192 | uint256(pairs[i].tie) << 128 | (i / offers + 1) << 64
                | (i % offers + 1);
            uint256 at_ = count++;
            for (; at_ > 0 && order[at_ - 1] < rank; --at_) {
                order[at_] = order[at_ - 1];
            }
            order[at_] = rank;
        }
        assembly ("memory-safe") {
            mstore(order, count)
        }
    }

    function _toEntry(uint256 rank) internal pure returns (Entry memory) {
        return Entry(uint64(rank), uint64(rank >> 64), uint64(rank >> 192), uint64(rank >> 128));
    }

    /// @dev Whether what is free of an offer at T, less `used`, holds a request: component by component.
    function _holds(uint64 n, uint64 offer, uint256 used, uint64 request) internal view returns (bool) {
        uint64 t = _closeOf(n) - 1;
        (bytes memory record,,) = market.offerRecord(offer, market.offerVersionAt(offer, t));
        uint256 before = market.usedAt(offer, t);
        uint256 demand = _demandOf(request);
        if (_get(record, 149, 1) < (before >> 128) + (used >> 128) + (demand >> 128)) return false;
        for (uint256 i; i < 4; ++i) {
            uint256 shift = 96 - 32 * i;
            uint256 sum = uint32(before >> shift) + uint256(uint32(used >> shift)) + uint32(demand >> shift);
            if (_get(record, 108 + 4 * i, 4) < sum) return false;
        }
        return true;
    }

    // --- rounds with a real beacon ---

    /// @dev The beacon's signature of a round, compressed.
    function _beacon(uint64 beaconRound) internal view returns (bytes memory signature) {
        bytes memory point = BlsKit.sign(BEACON_SECRET, BLS12381.DST_DRAND, sha256(abi.encodePacked(beaconRound)));
        signature = _slice(point, 16, 64);
        signature[0] |= _isLarge(_slice(point, 80, 128)) ? bytes1(0xa0) : bytes1(0x80);
    }

    function _isLarge(bytes memory y) private pure returns (bool) {
        for (uint256 i; i < 48; ++i) {
            if (y[i] != HALF[i]) return y[i] > HALF[i];
        }
        return false;
    }

    function _settlementOf(Outcome memory o) internal view returns (IRounds.Settlement memory s) {
        s = _settlement(o.n, _outcomeRoot(o.list, o.lowest));
        s.beaconSignature = _beacon(rounds.beaconRound(o.n));
    }

    /// @dev The seed that the beacon gives round n.
    function _seedOf(uint64 n) internal view returns (bytes32) {
        IRounds.Settlement memory s = _settlement(n, 0);
        s.beaconSignature = _beacon(rounds.beaconRound(n));
        return _seed(s);
    }

    /// @dev The right outcome of round n, once it has closed.
    function _right(uint64 n) internal returns (Outcome memory) {
        if (block.timestamp < _closeOf(n) + 10) vm.warp(_closeOf(n) + 10);
        return _greedy(n, _seedOf(n));
    }

    /// @dev The header of an outcome.
    function _header(Outcome memory o) internal view returns (bytes memory) {
        return _headerOf(_settlementOf(o));
    }

    /// @dev Certifies a round for an outcome, right or wrong, and posts it: all of it, unless posting refutes it.
    function _settleAndPost(Outcome memory o) internal returns (bytes memory header) {
        rounds.settle(_settlementOf(o));
        header = _header(o);
        _post(o, header);
    }

    function _post(Outcome memory o, bytes memory header) internal {
        uint256 chunks = o.list.length == 0 ? 1 : (o.list.length / 49 + 255) / 256;
        for (uint32 i; i < chunks && _statusOf(o.n) == IRounds.Status.Certified; ++i) {
            IRounds.Chunk memory c = _chunk(o.n, o.list, i);
            c.lowest = o.lowest;
            rounds.postChunk(header, c);
        }
    }

    // --- witnesses ---

    /// @dev Opens positions (ascending) of a list.
    function _open(bytes memory list, uint32 lowest, uint32[] memory at_) internal pure returns (bytes memory out) {
        uint32 count = uint32(list.length / 49);
        bytes32[][] memory levels = _levels(list);
        out = abi.encodePacked(count, lowest, uint8(at_.length));
        for (uint256 i; i < at_.length; ++i) {
            out = bytes.concat(out, abi.encodePacked(at_[i]), _slice(list, 49 * at_[i], 49 * at_[i] + 49));
        }
        if (at_.length == 0) return bytes.concat(out, levels[levels.length - 1][0]);
        bool[] memory known = new bool[](levels[0].length);
        for (uint256 i; i < at_.length; ++i) {
            known[at_[i]] = true;
        }
        for (uint256 d; d + 1 < levels.length; ++d) {
            bool[] memory above = new bool[](levels[d + 1].length);
            for (uint256 i; i < known.length; ++i) {
                if (!known[i]) continue;
                above[i / 2] = true;
                if (!known[i ^ 1]) out = bytes.concat(out, levels[d][i ^ 1]);
            }
            known = above;
        }
    }

    function _positions(uint256 a) internal pure returns (uint32[] memory p) {
        p = new uint32[](1);
        p[0] = uint32(a);
    }

    function _positions(uint256 a, uint256 b) internal pure returns (uint32[] memory p) {
        p = new uint32[](2);
        (p[0], p[1]) = (uint32(a), uint32(b));
    }

    function _witness(uint8 kind, Outcome memory o, uint32[] memory at_) internal pure returns (bytes memory) {
        return bytes.concat(bytes1(kind), _open(o.list, o.lowest, at_));
    }

    /// @dev The witness that a pair blocks: the entries around its place, its request's entry, and the lowest.
    function _blocking(Outcome memory o, uint64 request, uint64 offer) internal view returns (bytes memory) {
        uint256 count = o.list.length / 49;
        bool[] memory wanted = new bool[](count);
        uint256 place = _placeOf(o, request, offer);
        if (place > 0) wanted[place - 1] = true;
        if (place < count) wanted[place] = true;
        (uint64 round, uint32 position,,,) = market.leaseOf(request);
        if (round == o.n + 1 && position < count) wanted[position] = true;
        if (maxMatches != 0 && count >= maxMatches && o.lowest < count) wanted[o.lowest] = true;
        return abi.encodePacked(uint8(1), request, offer, _open(o.list, o.lowest, _marked(wanted)));
    }

    /// @dev How many entries stand before a pair.
    function _placeOf(Outcome memory o, uint64 request, uint64 offer) internal view returns (uint256 place) {
        IVerifier.Pair memory pair = verifier.pairs(o.n, o.seed, abi.encodePacked(request, offer))[0];
        uint256 rank = uint256(pair.score) << 192 | uint256(pair.tie) << 128 | uint256(request) << 64 | offer;
        while (place < o.list.length / 49) {
            uint64 other = uint64(_get(o.list, 49 * place, 8));
            if (other > offer || (other == offer && _rankAt(o.list, place) <= rank)) break;
            ++place;
        }
    }

    function _rankAt(bytes memory list, uint256 at_) internal pure returns (uint256) {
        uint256 pair = _get(list, 49 * at_, 32);
        return pair << 128 | (pair >> 128 & type(uint64).max) << 64 | pair >> 192;
    }

    function _marked(bool[] memory wanted) private pure returns (uint32[] memory p) {
        p = new uint32[](wanted.length);
        uint256 k;
        for (uint256 i; i < wanted.length; ++i) {
            if (wanted[i]) p[k++] = uint32(i);
        }
        assembly ("memory-safe") {
            mstore(p, k)
        }
    }

    // --- lists ---

    function _count(Outcome memory o) internal pure returns (uint256) {
        return o.list.length / 49;
    }

    function _entryAt(bytes memory list, uint256 i) internal pure returns (Entry memory) {
        return Entry(
            uint64(_get(list, 49 * i, 8)),
            uint64(_get(list, 49 * i + 8, 8)),
            uint64(_get(list, 49 * i + 16, 8)),
            uint64(_get(list, 49 * i + 24, 8))
        );
    }

    function _entries(bytes memory list) internal pure returns (Entry[] memory entries) {
        entries = new Entry[](list.length / 49);
        for (uint256 i; i < entries.length; ++i) {
            entries[i] = _entryAt(list, i);
        }
    }
}
