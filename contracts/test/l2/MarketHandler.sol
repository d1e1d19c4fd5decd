// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../../src/interfaces/IMarket.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Kit} from "./Kit.sol";

/// @notice Random but permitted actions on orders, rounds and leases of a whole deployment. Nothing here may revert.
/// `MoneyHandler` adds those on money.
abstract contract MarketHandler is Kit {
    address[3] internal tenants = [TENANT, address(0xB2), address(0xB3)];
    address[2] internal sellers = [PROVIDER, address(0xA2)];

    /// @dev What is remembered of earlier states, to notice a change that may not be.
    mapping(uint64 n => bytes32) public firstDigest;
    mapping(uint64 request => uint64) public firstRound;
    mapping(uint64 request => bool) public reclaimed;
    mapping(uint64 request => bool) public annulled;
    mapping(uint64 request => bool) public isEmpty;
    mapping(uint64 request => bool) public noticed;
    mapping(uint64 n => uint64) public firstEnd;
    mapping(uint64 n => uint64) public firstVoid;
    /// @dev Whether a proposal's bond must be held for a round.
    mapping(uint64 n => bool) public isBonded;
    uint64 public lastRound;

    /// @dev The list of the newest round, for its chunk; `_isKnown` unless it was certified for a made-up root.
    IRounds.Settlement private _settled;
    bytes private _pendingList;
    bool private _isKnown;

    function setUp() public virtual override {
        super.setUp();
        _fund(tenants[1]);
        _fund(tenants[2]);
        for (uint256 i; i < 3; ++i) {
            for (uint256 j; j < 3; ++j) {
                vm.prank(tenants[i]);
                escrow.allow(tenants[j], 0, type(uint256).max, type(uint64).max);
                vm.prank(tenants[i]);
                escrow.allow(tenants[j], 1, type(uint256).max, type(uint64).max);
            }
        }
    }

    // --- actions ---

    function pass(uint8 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 50);
    }

    function postOffer(uint8 who, uint8 gpus, uint16 ask) external {
        if (market.offerCount() >= 12) return;
        bytes memory record = _offer(uint8(bound(gpus, 1, 8)), uint64(ask) + 1);
        if (ask % 2 == 0) _put(record, 144, 4, ask % 300); // notice
        vm.prank(sellers[who % 2]);
        market.postOffers(record);
    }

    function reviseOffer(uint64 id, uint16 ask) external {
        if (!_isOpenOffer(id = _offerId(id))) return;
        (bytes memory old,,) = market.offerRecord(id, market.offerVersionAt(id, uint64(block.timestamp)));
        bytes memory record = _offer(uint8(_get(old, 149, 1)), uint64(ask) + 1);
        vm.prank(_ownerOf(old));
        market.reviseOffer(id, record);
    }

    function closeOffer(uint64 id) external {
        if (!_isOpenOffer(id = _offerId(id))) return;
        (bytes memory record,,) = market.offerRecord(id, 1);
        vm.prank(_ownerOf(record));
        market.closeOffer(id);
    }

    function postRequest(uint8 who, uint8 payer, uint8 gpus, uint16 budget, uint16 term, uint16 life, bool quor_)
        external
    {
        if (market.requestCount() >= 24) return;
        bytes memory record =
            _request(uint8(bound(gpus, 1, 4)), uint64(budget) + 1, uint32(term % 400) + 1, tenants[payer % 3]);
        _put(record, 276, 8, block.timestamp + life % 1_000);
        if (quor_) _put(record, 290, 1, 1);
        vm.prank(tenants[who % 3]);
        uint64 id = market.postRequests(record);
        _lockedIn(id, (_get(record, 286, 1) * _get(record, 244, 8) * _get(record, 272, 4) + 3_599) / 3_600);
    }

    function cancel(uint64 id) external {
        id = _requestId(id);
        if (id == 0) return;
        (bytes memory record,, uint64 closed) = market.requestRecord(id);
        (uint64 round,,,,) = market.leaseOf(id);
        if (closed != type(uint64).max || round != 0) return;
        vm.prank(_ownerOf(record));
        market.cancelRequest(id);
    }

    function reclaim(uint64 id) external {
        id = _requestId(id);
        if (id == 0) return;
        (bytes memory record,, uint64 closed) = market.requestRecord(id);
        (uint64 round,,,,) = market.leaseOf(id);
        uint64 validUntil = uint64(_get(record, 276, 8));
        if (validUntil < closed) closed = validUntil;
        if (round != 0 || reclaimed[id] || rounds.mayBind(closed)) return;
        vm.recordLogs();
        escrow.reclaim(id);
        _noteMoves();
        reclaimed[id] = true;
    }

    /// @dev Certifies the live round for an honest list, or one that lies in some way.
    function certify(uint256 seed, bool lie) external {
        uint64 n = _liveRound();
        if (n == type(uint64).max) return;
        bytes memory list = lie ? _lyingList(n, seed) : _honestList(n);
        IRounds.Settlement memory s = _settlement(n, _outcomeRoot(list, 0));
        rounds.settle(s);
        rounds.settle(s); // again: nothing
        _note(s, list);
    }

    /// @dev Proposes an honest list for the live round, or one that lies.
    function propose(uint256 seed, bool lie) external {
        uint64 n = _liveRound();
        if (n == type(uint64).max || block.timestamp < _halfOf(n)) return;
        bytes memory list = lie ? _lyingList(n, seed) : _honestList(n);
        _note(_propose(n, list), list);
        isBonded[n] = true;
    }

    /// @dev A certificate of the newest round's own header: it confirms a proposal, else it changes nothing.
    function confirm() external {
        if (firstDigest[lastRound] == 0 || !_isKnown) return;
        rounds.settle(_settlement(lastRound, _settled.outcomeRoot));
        if (_isUnderWay()) isBonded[lastRound] = false;
    }

    /// @dev Another certified header of the newest round: takes the place of a proposal, or is evidence only.
    function certifyAnother(uint256 seed) external {
        if (firstDigest[lastRound] == 0) return;
        bool replaces = isBonded[lastRound] && _isUnderWay();
        rounds.settle(_settlement(lastRound, keccak256(abi.encode(seed))));
        if (!replaces) return;
        (isBonded[lastRound], _isKnown) = (false, false);
        firstDigest[lastRound] = _digestOf(lastRound);
    }

    /// @dev Refutes one of the last rounds while it can be.
    function refute(uint8 back, uint8 code) external {
        if (back % 4 > lastRound) return;
        uint64 n = lastRound - back % 4;
        IRounds.Status status = _statusOf(n);
        if (status != IRounds.Status.Certified && status != IRounds.Status.Settled) return;
        uint64 until = rounds.challengeableUntil(n);
        if (until != 0 && block.timestamp > until) return;
        _refute(n, uint8(bound(code, 1, 15)), 0);
    }

    function annul(uint64 id) external {
        id = _requestId(id);
        if (id == 0 || isEmpty[id]) return;
        (uint64 round,,,,) = market.leaseOf(id);
        if (round == 0 || !rounds.isVoid(round - 1)) return;
        vm.recordLogs();
        vm.prank(address(disputes));
        market.annul(id);
        _noteMoves();
        annulled[id] = true;
    }

    function postChunk() external {
        if (!_isUnderWay() || !_isKnown) return;
        bytes memory header = _headerOf(_settled);
        IRounds.Chunk memory chunk = _chunk(lastRound, _pendingList, 0);
        vm.prank(POSTER);
        rounds.postChunk(header, chunk);
        _noteLeases();
    }

    function closeLease(uint64 id, uint8 as_) external {
        id = _requestId(id);
        if (id == 0) return;
        (uint64 round,, uint64 offer,,) = market.leaseOf(id);
        if (round == 0) return;
        IMarket.LeaseMoney memory m = market.leaseMoney(id);
        (bytes memory record,,) = market.offerRecord(offer, 1);
        address who = [m.tenant, _ownerOf(record), m.payer][as_ % 3];
        if (block.timestamp >= m.until) who = address(0xBAD);
        uint64[] memory ids = new uint64[](2);
        (ids[0], ids[1]) = (id, id); // twice: the second is passed over
        vm.prank(who);
        market.closeLeases(ids);
        (,,,, uint64 end) = market.leaseOf(id);
        if (end == 0) noticed[id] = true;
    }

    // --- what the invariants ask ---

    /// @dev What an offer's running leases take, what the market says is used, and the offer's capacity.
    function usedOf(uint64 offer) external view returns (uint256 byLeases, uint256 used, uint256 capacity) {
        for (uint64 id = 1; id <= market.requestCount(); ++id) {
            (uint64 round,, uint64 on,, uint64 end) = market.leaseOf(id);
            if (round != 0 && on == offer && end == 0) byLeases += _demandOf(id);
        }
        used = market.usedAt(offer, uint64(block.timestamp));
        (bytes memory record,,) = market.offerRecord(offer, 1);
        capacity = _get(record, 149, 1) << 128 | _get(record, 108, 16);
    }

    function counts() external view returns (uint64 offers, uint64 requests) {
        return (market.offerCount(), market.requestCount());
    }

    /// @dev Number of refuted rounds.
    function refuted() external view returns (uint256 count) {
        for (uint64 n; n <= lastRound; ++n) {
            (IRounds.Status status,,,,,) = rounds.roundOf(n);
            if (status == IRounds.Status.Refuted) ++count;
        }
    }

    function roundOfLease(uint64 id) external view returns (uint64 round) {
        (round,,,,) = market.leaseOf(id);
    }

    function digestOf(uint64 n) external view returns (bytes32) {
        return _digestOf(n);
    }

    /// @dev When a round ended and when it became void; 0 for what is not known or not so.
    function endsOf(uint64 n) public view returns (uint64 end, uint64 voided) {
        return (_endOf(n), rounds.voidedAt(n));
    }

    /// @dev Remembers what has become of each round, the first time that it is known.
    function noteEnds() external {
        for (uint64 n; n <= lastRound; ++n) {
            (uint64 end, uint64 voided) = endsOf(n);
            if (firstEnd[n] == 0) firstEnd[n] = end;
            if (firstVoid[n] == 0) firstVoid[n] = voided;
        }
    }

    /// @dev The bond that disputes hold for a round, and what `Rounds` holds itself.
    function bondsOf(uint64 n) external view returns (uint256 held, uint256 stuck) {
        return (disputes.bondOf(n), address(rounds).balance);
    }

    // --- inside ---

    /// @dev Money came in for a request.
    function _lockedIn(uint64 id, uint256 micro) internal virtual;

    /// @dev Reads what moved out of the recorded logs.
    function _noteMoves() internal virtual;

    function _note(IRounds.Settlement memory s, bytes memory list) private {
        (_settled, _pendingList, _isKnown) = (s, list, true);
        lastRound = s.n;
        firstDigest[s.n] = _digestOf(s.n);
    }

    /// @dev Whether chunks of the newest round may still come.
    function _isUnderWay() private view returns (bool) {
        return _statusOf(lastRound) == IRounds.Status.Certified && block.timestamp <= _closeOf(lastRound) + TIMEOUT;
    }

    function _noteLeases() private {
        for (uint64 id = 1; id <= market.requestCount(); ++id) {
            (uint64 round,,,,) = market.leaseOf(id);
            if (firstRound[id] == 0) firstRound[id] = round;
        }
    }

    /// @dev The live round that has closed and takes a certificate, or the largest number.
    function _liveRound() private view returns (uint64) {
        for (uint64 n; _closeOf(n) <= block.timestamp; ++n) {
            (IRounds.Status status,,,,,) = rounds.roundOf(n);
            if (status != IRounds.Status.None || block.timestamp > _closeOf(n) + TIMEOUT) continue;
            if (rounds.isLive(n)) return n;
        }
        return type(uint64).max;
    }

    /// @dev Every open request goes to the first machine that holds it; offers stand in order already.
    function _honestList(uint64 n) private view returns (bytes memory list) {
        uint64 t = _closeOf(n) - 1;
        bool[] memory taken = new bool[](market.requestCount() + 1);
        for (uint64 offer = 1; offer <= market.offerCount(); ++offer) {
            if (market.offerVersionAt(offer, t) == 0) continue;
            (bytes memory record,,) = market.offerRecord(offer, 1);
            uint256 free = _get(record, 149, 1) - (uint256(market.usedAt(offer, t)) >> 128);
            uint256 used;
            uint64 score = 1_000;
            for (uint64 id = 1; id < taken.length; ++id) {
                if (taken[id] || !_isOpenAt(id, t) || _demandOf(id) >> 128 > free) continue;
                taken[id] = true;
                free -= _demandOf(id) >> 128;
                used += _demandOf(id);
                list = bytes.concat(list, _entry(Entry(offer, id, score--, id), used));
            }
        }
    }

    /// @dev An honest list with one byte of an entry changed, or an entry of noise put after it.
    function _lyingList(uint64 n, uint256 seed) private view returns (bytes memory list) {
        list = _honestList(n);
        if (seed % 2 == 0 && list.length != 0) {
            list[(seed >> 8) % list.length] ^= bytes1(uint8(1 + (seed >> 200) % 255));
            return list;
        }
        uint64 offer = uint64((seed >> 8) % 14);
        uint64 id = uint64((seed >> 40) % (market.requestCount() + 2));
        uint256 used = id == 0 || id > market.requestCount() ? 1 : _demandOf(id);
        return bytes.concat(list, _entry(Entry(offer, id, 1, 1), used));
    }

    function _isOpenAt(uint64 id, uint64 t) private view returns (bool) {
        (bytes memory record, uint64 created, uint64 closed) = market.requestRecord(id);
        (uint64 round,,,,) = market.leaseOf(id);
        return round == 0 && created <= t && t < closed && t < _get(record, 276, 8);
    }

    function _isOpenOffer(uint64 id) internal view returns (bool) {
        return id != 0 && market.offerVersionAt(id, uint64(block.timestamp)) != 0;
    }

    function _ownerOf(bytes memory record) internal pure returns (address) {
        return address(uint160(_get(record, 12, 20)));
    }

    function _offerId(uint64 x) internal view returns (uint64) {
        return market.offerCount() == 0 ? 0 : x % market.offerCount() + 1;
    }

    function _requestId(uint64 x) internal view returns (uint64) {
        return market.requestCount() == 0 ? 0 : x % market.requestCount() + 1;
    }
}
