// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IDisputes} from "../../../src/interfaces/IDisputes.sol";
import {IRounds} from "../../../src/interfaces/IRounds.sol";
import {IVerifier} from "../../../src/interfaces/IVerifier.sol";
import {DisputeKit} from "./DisputeKit.sol";

/// @notice Random but permitted actions on a market whose rounds are all settled rightly, and attacks on every round.
/// An attack must fail, and for one of the reasons that there are; nothing else may revert.
contract RightHandler is DisputeKit {
    uint256 private constant OFFERS = 5;
    uint256 private constant REQUESTS = 12;

    uint64[] private _settledRounds;
    mapping(uint64 n => Outcome) private _outcomes;
    mapping(bytes4 selector => uint256) public failures;
    uint256 public matches;

    function setUp() public override {
        super.setUp();
        vm.warp(GENESIS + 10);
        _fillMarket(1, 2, 3);
        vm.deal(CHALLENGER, 1_000 ether);
    }

    function rounds_() external view returns (uint64[] memory) {
        return _settledRounds;
    }

    function refuted(uint64 n) external view returns (bool) {
        (uint8 code,,) = rounds.refutationOf(n);
        return code != 0 || _statusOf(n) != IRounds.Status.Settled;
    }

    // --- the market ---

    function pass(uint8 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 60);
    }

    function postOffer(uint256 x) external {
        if (market.offerCount() >= OFFERS) return;
        vm.prank(PROVIDER);
        market.postOffers(_randomOffer(x));
    }

    function postRequest(uint256 x) external {
        if (market.requestCount() >= REQUESTS) return;
        vm.prank(TENANT);
        market.postRequests(_randomRequest(x));
    }

    function revise(uint64 id, uint256 x) external {
        id = 1 + id % market.offerCount();
        if (market.offerVersionAt(id, uint64(block.timestamp)) == 0) return;
        (bytes memory old,,) = market.offerRecord(id, market.offerVersionAt(id, uint64(block.timestamp)));
        bytes memory record = _randomOffer(x);
        _put(record, 149, 1, _get(old, 149, 1));
        vm.prank(address(uint160(_get(old, 12, 20))));
        market.reviseOffer(id, record);
    }

    function observe(uint64 id, uint16 uptime, uint16 reputation) external {
        providers.setUptime(1 + id % market.offerCount(), uptime % 10_001);
        providers.setReputation(PROVIDER, reputation % 10_001);
    }

    function close(uint64 id) external {
        id = 1 + id % market.requestCount();
        (uint64 round,,,,) = market.leaseOf(id);
        if (round == 0) return;
        uint64[] memory ids = new uint64[](1);
        ids[0] = id;
        vm.prank(TENANT);
        market.closeLeases(ids);
    }

    /// @dev Settles and posts the live round, by certificate, for the one right outcome.
    function settle() external {
        for (uint64 n = uint64((block.timestamp - GENESIS) / PERIOD) + 1; n > 0;) {
            --n;
            if (_closeOf(n) > block.timestamp || !rounds.isLive(n)) continue;
            if (block.timestamp > _closeOf(n) + TIMEOUT || _statusOf(n) != IRounds.Status.None) return;
            Outcome memory o = _greedy(n, _seedOf(n));
            _settleAndPost(o);
            assertTrue(_statusOf(n) == IRounds.Status.Settled, "posted in full");
            _outcomes[n] = o;
            _settledRounds.push(n);
            matches += _count(o);
            return;
        }
    }

    // --- attacks ---

    /// @dev A well-formed witness of any kind, with any entries and any ids.
    function attack(uint256 x) external {
        if (_settledRounds.length == 0) return;
        Outcome memory o = _outcomes[_settledRounds[x % _settledRounds.length]];
        _expectFailure(o, _anyWitness(o, x >> 8));
    }

    /// @dev The same, with a byte changed, some cut off or some put behind.
    function attackMalformed(uint256 x, uint256 where) external {
        if (_settledRounds.length == 0) return;
        Outcome memory o = _outcomes[_settledRounds[x % _settledRounds.length]];
        bytes memory w = _anyWitness(o, x >> 8);
        if (where % 3 == 0) w = _slice(w, 0, (where >> 8) % w.length);
        else if (where % 3 == 1) w = bytes.concat(w, bytes32(where));
        else w[(where >> 8) % w.length] ^= bytes1(uint8(1 + (where >> 200) % 255));
        _expectFailure(o, w);
    }

    function _anyWitness(Outcome memory o, uint256 x) private view returns (bytes memory) {
        uint256 kind = 1 + x % 6;
        uint64 request = uint64((x >> 8) % (REQUESTS + 2));
        uint64 offer = uint64((x >> 16) % (OFFERS + 2));
        if (kind == 6) return bytes.concat(hex"06", _beacon(rounds.beaconRound(o.n) + uint64((x >> 24) % 3)));
        if (kind == 1 && (x >> 24) % 4 != 0) return _blocking(o, request, offer);
        bytes memory opening = _open(o.list, o.lowest, _anyPositions(_count(o), x >> 32));
        if (kind == 1) return bytes.concat(abi.encodePacked(uint8(1), request, offer), opening);
        return bytes.concat(bytes1(uint8(kind)), opening);
    }

    /// @dev None, one, two neighbours, or up to four of the positions.
    function _anyPositions(uint256 count, uint256 x) private pure returns (uint32[] memory p) {
        if (count == 0 || x % 8 == 0) return p;
        uint256 first = (x >> 8) % count;
        if (x % 8 < 3) return _positions(first);
        if (x % 8 < 6) return first + 1 < count ? _positions(first, first + 1) : _positions(first);
        p = new uint32[](4);
        uint256 k;
        for (uint256 i; i < count && k < 4; ++i) {
            if ((x >> (16 + i)) & 1 == 1) p[k++] = uint32(i);
        }
        assembly ("memory-safe") {
            mstore(p, k)
        }
    }

    function _expectFailure(Outcome memory o, bytes memory witness) private {
        bytes memory header = _header(o);
        uint256 state = vm.snapshotState();
        if (block.timestamp + _scheduleOfTests().revealWindow <= rounds.challengeableUntil(o.n)) {
            bytes32 commitment = court.commitmentOf(CHALLENGER, 0, header, witness);
            vm.prank(CHALLENGER);
            court.commit{value: COMMIT_BOND}(o.n, commitment);
            vm.warp(block.timestamp + 1);
            _mustFail(abi.encodeCall(IDisputes.reveal, (0, header, witness)));
            vm.revertToState(state);
        }
        _mustFail(abi.encodeCall(IDisputes.challenge, (header, witness)));
        _mustFail(abi.encodeCall(IDisputes.annul, (header, witness)));
    }

    function _mustFail(bytes memory data) private {
        vm.prank(CHALLENGER);
        (bool ok, bytes memory answer) = address(court).call(data);
        assertTrue(!ok, "a right outcome was refuted");
        bytes4 why = bytes4(answer);
        bool known = why == IDisputes.NoFault.selector || why == IVerifier.BadWitness.selector
            || why == IDisputes.NotChallengeable.selector || why == IDisputes.WrongHeader.selector; // long ago
        assertTrue(known, "for a reason that there is");
        ++failures[why];
    }
}
