// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IHealth} from "../../src/interfaces/IHealth.sol";
import {IMarket} from "../../src/interfaces/IMarket.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Escrow} from "../../src/l2/Escrow.sol";
import {Market} from "../../src/l2/Market.sol";
import {Providers} from "../../src/l2/Providers.sol";
import {Rounds} from "../../src/l2/Rounds.sol";
import {Strikes} from "../../src/l2/Strikes.sol";
import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";
import {IStrikes} from "../../src/interfaces/IStrikes.sol";
import {Base} from "../Base.t.sol";
import {MockBridge, MockDisputes, MockHealth, MockStakeTable, MockToken} from "./Mocks.sol";
import {vm2} from "./Vm2.sol";

/// @notice One deployment of L2, with ways to post orders and to run a round.
abstract contract Kit is Base {
    uint64 internal constant GENESIS = 1_000_000;
    uint32 internal constant PERIOD = 60;
    uint32 internal constant TIMEOUT = 100; // so every second round is live while nothing is certified
    uint32 internal constant WINDOWS = 300;
    uint32 internal constant RING = 64;
    uint64 internal constant FEE = 1_000; // micro-dollars, in the policy
    uint64 internal constant MIN_CHARGE = 500;
    uint16 internal constant PROTOCOL_BPS = 250;
    uint32 internal constant VOID_NOTICE = 400;
    uint64 internal constant POSTING_FEE = 20; // micro-dollars an entry
    uint32 internal constant MAINTENANCE_NOTICE = 3_600;
    uint32 internal constant MAINTENANCE_CAP = 36_000; // in 30 days
    uint256 internal constant AT_HEALTH = 3012; // sections of the policy's page
    uint256 internal constant AT_MONEY = 3268;
    uint256 internal constant AT_STANDING = 3328;
    uint256 internal constant POT_CAP = 1e9;
    uint256 internal constant BOND = 1 ether;
    uint32 internal constant HEARING = 50; // until L1 has heard of a refutation

    address internal constant PROVIDER = address(0xA1);
    address internal constant TENANT = address(0xB1);
    address internal constant TREASURY = address(0xC1);
    address internal constant TIMELOCK = address(0xD1);
    address internal constant PROPOSER = address(0xF1);
    address internal constant POSTER = address(0xE0);

    MockToken internal usd;
    MockToken internal quor;
    MockStakeTable internal table;
    MockBridge internal bridge;
    Providers internal providers;
    Rounds internal rounds;
    Market internal market;
    Escrow internal escrow;
    MockHealth internal health;
    MockDisputes internal disputes;
    Strikes internal strikes;

    /// @dev One entry of a list; `used` is worked out by `_list`.
    struct Entry {
        uint64 offer;
        uint64 request;
        uint64 score;
        uint64 tie;
    }

    function setUp() public virtual {
        vm.warp(GENESIS - 50);
        table = new MockStakeTable(100, 100);
        _deploy(IStakeTable(address(table)));
    }

    function _deploy(IStakeTable table_) internal {
        usd = new MockToken(6);
        quor = new MockToken(18);
        bridge = new MockBridge();
        providers = new Providers(quor, 10_000, address(this), address(0));
        disputes = new MockDisputes();
        address predicted = vm2.computeCreateAddress(address(this), vm2.getNonce(address(this)) + 1);
        address strikes_ = vm2.computeCreateAddress(address(this), vm2.getNonce(address(this)) + 4);
        rounds = _newRounds(
            Rounds.Links(table_, IMarket(predicted), bridge, TIMELOCK, address(disputes), IStrikes(strikes_))
        );
        _createMarket(POT_CAP);
        assertEq(address(market), predicted, "address of the market");
        strikes = new Strikes(rounds, table_, HEARING);
        assertEq(address(strikes), strikes_, "address of the strikes");
        _appoint();
        _fund(TENANT);
    }

    /// @dev A market, its escrow and a health in which nothing is down, with their roles.
    function _newMarket(uint256 potCap) internal {
        _createMarket(potCap);
        _appoint();
    }

    /// @dev The three one after the other, and no call between: where each call is a transaction, it takes a nonce.
    function _createMarket(uint256 potCap) internal {
        address escrow_ = vm2.computeCreateAddress(address(this), vm2.getNonce(address(this)) + 1);
        market = new Market(rounds, providers, IEscrow(escrow_), _forwarder());
        health = MockHealth(vm2.computeCreateAddress(address(this), vm2.getNonce(address(this)) + 1));
        escrow = new Escrow(_escrowLinks(), _tokens(), potCap);
        assertEq(address(escrow), escrow_, "address of the escrow");
        assertEq(address(new MockHealth()), address(health), "address of health");
    }

    function _appoint() internal {
        providers.grantRole(providers.MARKET(), address(market));
        providers.grantRole(providers.MONEY(), address(escrow));
    }

    function _escrowLinks() internal view returns (Escrow.Links memory) {
        return Escrow.Links(market, rounds, providers, IHealth(address(health)), TREASURY, _forwarder());
    }

    function _tokens() internal view returns (address[] memory tokens) {
        tokens = new address[](2);
        (tokens[0], tokens[1]) = (address(usd), address(quor));
    }

    function _forwarder() internal view virtual returns (address) {
        return address(0);
    }

    function _newRounds(Rounds.Links memory links) internal returns (Rounds) {
        return new Rounds(
            _scheduleOfTests(),
            IRounds.Domain(1, address(0xA5), 7),
            links,
            _ring(),
            _policy(1),
            Rounds.Limits({proposalBond: BOND, forcedInclusion: 100})
        );
    }

    /// @dev Links to mocks, and to a market of choice.
    function _links(address market_) internal view returns (Rounds.Links memory) {
        return Rounds.Links(table, IMarket(market_), bridge, TIMELOCK, address(disputes), IStrikes(address(strikes)));
    }

    function _ring() internal pure virtual returns (uint32) {
        return RING;
    }

    function _scheduleOfTests() internal pure virtual returns (IRounds.Schedule memory) {
        return IRounds.Schedule({
            genesis: GENESIS,
            period: PERIOD,
            settleTimeout: TIMEOUT,
            delay: 6,
            depth: 2,
            stakeEpoch: 3600,
            healthEpoch: 600,
            challengeWindow: 200,
            revealWindow: 100,
            beaconGenesis: 900_000,
            beaconPeriod: 3,
            beaconChainHash: sha256("the beacon of these tests")
        });
    }

    function _fund(address who) internal {
        usd.mint(who, 1e15);
        quor.mint(who, 1e30);
        vm.startPrank(who);
        usd.approve(address(escrow), type(uint256).max);
        quor.approve(address(escrow), type(uint256).max);
        vm.stopPrank();
    }

    // --- records ---

    /// @dev A policy with all weight on price, and with all of the money section.
    function _policy(uint32 version) internal pure returns (bytes memory page) {
        page = new bytes(3456);
        _put(page, 0, 4, version);
        for (uint256 profile; profile < 4; ++profile) {
            _put(page, 4 + 16 * profile + 2, 2, 10_000);
        }
        _put(page, 4 + 108, 8, 1);
        _putHealth(page);
        _put(page, AT_MONEY, 8, FEE);
        _put(page, AT_MONEY + 8, 2, PROTOCOL_BPS);
        _put(page, AT_MONEY + 10, 8, MIN_CHARGE);
        _put(page, AT_MONEY + 18, 4, VOID_NOTICE);
        _put(page, AT_MONEY + 22, 8, POSTING_FEE);
        _putStanding(page);
    }

    /// @dev A section of health that is valid, with the limits of maintenance that the tests name.
    function _putHealth(bytes memory page) private pure {
        _put(page, AT_HEALTH, 2, 6); // windows
        _put(page, AT_HEALTH + 2, 2, 31); // seats
        _put(page, AT_HEALTH + 4, 2, 1_000); // deadline_ms
        _put(page, AT_HEALTH + 6, 1, 2); // fails
        _put(page, AT_HEALTH + 8, 2, 3); // slash_windows
        _put(page, AT_HEALTH + 12, 4, 200); // appeal_seconds
        _put(page, AT_HEALTH + 16, 4, MAINTENANCE_NOTICE);
        _put(page, AT_HEALTH + 20, 4, MAINTENANCE_CAP);
        _put(page, AT_HEALTH + 158, 4, 60); // certify_seconds
        _put(page, AT_HEALTH + 162, 2, 1_000); // slash_bps
        _put(page, AT_HEALTH + 164, 8, 1_000_000); // bounty
        _put(page, AT_HEALTH + 172, 2, 2); // jail_epochs
        _put(page, AT_HEALTH + 174, 2, 10); // uptime_memory
        _put(page, AT_HEALTH + 176, 8, 1_000_000); // reputation_memory
    }

    /// @dev Five tiers a dollar apart, seven levels.
    function _putStanding(bytes memory page) private pure {
        for (uint256 i; i < 7; ++i) {
            if (i < 5) _put(page, AT_STANDING + 8 * i, 8, i * 1e6); // floor
            uint256 level = AT_STANDING + 40 + 8 * i;
            _put(page, level, 2, i * 1_400); // keep
            _put(page, level + 2, 2, 1_400 + i * 1_400); // rise
            _put(page, level + 4, 2, 1 + i); // run
            _put(page, level + 6, 2, i * 1_600); // weight
        }
    }

    function _offer(uint8 gpus, uint64 ask) internal pure returns (bytes memory r) {
        r = new bytes(160);
        _put(r, 96, 8, ask);
        _put(r, 108, 4, uint256(gpus) * 8_000); // cpu
        _put(r, 112, 4, uint256(gpus) * 16_384); // memory
        _put(r, 116, 4, uint256(gpus) * 100); // disk
        _put(r, 120, 4, uint256(gpus) * 1_000); // mbits
        _put(r, 124, 4, 3); // currencies
        _put(r, 128, 8, GENESIS + 1_000_000); // available until
        _put(r, 140, 4, 1_000_000); // max term
        _put(r, 149, 1, gpus);
    }

    function _request(uint8 gpus, uint64 budget, uint32 term, address payer) internal pure returns (bytes memory r) {
        r = new bytes(320);
        _put(r, 32, 32, 1); // models
        _put(r, 64, 32, 1); // regions
        _put(r, 224, 20, uint160(payer));
        _put(r, 244, 8, budget);
        _put(r, 256, 4, uint256(gpus) * 8_000);
        _put(r, 260, 4, uint256(gpus) * 16_384);
        _put(r, 264, 4, uint256(gpus) * 100);
        _put(r, 268, 4, uint256(gpus) * 1_000);
        _put(r, 272, 4, term);
        _put(r, 276, 8, GENESIS + 1_000_000); // valid until
        _put(r, 286, 1, gpus);
        _put(r, 288, 1, 1);
        _put(r, 289, 1, 1);
    }

    function _put(bytes memory b, uint256 offset, uint256 width, uint256 value) internal pure {
        for (uint256 i; i < width; ++i) {
            b[offset + width - 1 - i] = bytes1(uint8(value >> 8 * i));
        }
    }

    function _get(bytes memory b, uint256 offset, uint256 width) internal pure returns (uint256 value) {
        for (uint256 i; i < width; ++i) {
            value = value << 8 | uint8(b[offset + i]);
        }
    }

    function _postOffer(uint8 gpus, uint64 ask) internal returns (uint64) {
        vm.prank(PROVIDER);
        return market.postOffers(_offer(gpus, ask));
    }

    function _postRequest(uint8 gpus, uint64 budget, uint32 term) internal returns (uint64) {
        vm.prank(TENANT);
        return market.postRequests(_request(gpus, budget, term, TENANT));
    }

    // --- rounds ---

    function _closeOf(uint64 n) internal pure returns (uint64) {
        return GENESIS + n * PERIOD;
    }

    /// @dev The list's bytes, `used` summed up over each offer's run.
    function _list(Entry[] memory entries) internal view returns (bytes memory list) {
        uint256 used;
        for (uint256 i; i < entries.length; ++i) {
            Entry memory e = entries[i];
            if (i == 0 || entries[i - 1].offer != e.offer) used = 0;
            used += _demandOf(e.request);
            list = bytes.concat(list, _entry(e, used));
        }
    }

    function _entry(Entry memory e, uint256 used) internal pure returns (bytes memory) {
        return abi.encodePacked(e.offer, e.request, e.score, e.tie, bytes17(bytes32(used << 120)));
    }

    function _demandOf(uint64 request) internal view returns (uint256) {
        (bytes memory r,,) = market.requestRecord(request);
        return _get(r, 286, 1) << 128 | _get(r, 256, 16);
    }

    function _one(uint64 offer, uint64 request) internal pure returns (Entry[] memory entries) {
        entries = new Entry[](1);
        entries[0] = Entry(offer, request, 100, 1);
    }

    /// @dev The parts of a settlement of round n for an outcome, with a beacon signature of zeros.
    function _settlement(uint64 n, bytes32 outcomeRoot) internal pure returns (IRounds.Settlement memory s) {
        s.n = n;
        s.snapshotNumber = 77;
        s.snapshotHash = keccak256("snapshot");
        s.inputsRoot = keccak256("inputs");
        s.outcomeRoot = outcomeRoot;
        s.beaconSignature = new bytes(48);
        s.bitmap = hex"0f";
        s.aggregate = new bytes(128);
    }

    function _seed(IRounds.Settlement memory s) internal view returns (bytes32) {
        return sha256(
            abi.encodePacked(
                "quorate/seed/v1",
                uint64(1),
                uint64(block.chainid),
                address(rounds),
                s.n,
                _scheduleOfTests().beaconChainHash,
                rounds.beaconRound(s.n),
                s.beaconSignature
            )
        );
    }

    function _headerOf(IRounds.Settlement memory s) internal view returns (bytes memory) {
        (, bytes32 policyHash,) = rounds.policyAt(s.n);
        return
            rounds.headerBytes(s.n, s.snapshotNumber, s.snapshotHash, policyHash, s.inputsRoot, _seed(s), s.outcomeRoot);
    }

    /// @dev Certifies round n for a list, 30 seconds after its close.
    function _certify(uint64 n, bytes memory list) internal returns (IRounds.Settlement memory s) {
        s = _settlement(n, _outcomeRoot(list, 0));
        if (block.timestamp < _closeOf(n) + 30) vm.warp(_closeOf(n) + 30);
        rounds.settle(s);
    }

    /// @dev Half of a round's time-out, from which on it takes a proposal.
    function _halfOf(uint64 n) internal pure returns (uint64) {
        return _closeOf(n) + TIMEOUT / 2;
    }

    /// @dev What a proposal of round n for a list says.
    function _unsigned(uint64 n, bytes memory list) internal pure returns (IRounds.Settlement memory s) {
        s = _settlement(n, _outcomeRoot(list, 0));
        (s.bitmap, s.aggregate) = (bytes(""), bytes(""));
    }

    /// @dev Proposes round n for a list, as soon as it can be.
    function _propose(uint64 n, bytes memory list) internal returns (IRounds.Settlement memory s) {
        s = _unsigned(n, list);
        if (block.timestamp < _halfOf(n)) vm.warp(_halfOf(n));
        vm.deal(PROPOSER, BOND);
        vm.prank(PROPOSER);
        rounds.propose{value: BOND}(s);
    }

    /// @dev A refutation of round n, as disputes bring it.
    function _refute(uint64 n, uint8 code, uint32 position) internal {
        vm.prank(address(disputes));
        rounds.refute(n, code, position);
    }

    function _statusOf(uint64 n) internal view returns (IRounds.Status status) {
        (status,,,,,) = rounds.roundOf(n);
    }

    function _digestOf(uint64 n) internal view returns (bytes32 digest) {
        (, digest,,,,) = rounds.roundOf(n);
    }

    function _endOf(uint64 n) internal view returns (uint64 endedAt) {
        (,,, endedAt,,) = rounds.roundOf(n);
    }

    function _chunk(uint64 n, bytes memory list, uint32 index) internal pure returns (IRounds.Chunk memory c) {
        uint256 count = list.length / 49;
        c.n = n;
        c.count = uint32(count);
        c.lowest = count == 0 ? type(uint32).max : 0;
        c.index = index;
        uint256 from = uint256(index) * 256;
        uint256 to = from + 256 < count ? from + 256 : count;
        c.entries = _slice(list, from * 49, to * 49);
        c.proof = _proof(list, index);
    }

    /// @dev Certifies round n for a list and posts all of it.
    function _run(uint64 n, bytes memory list) internal {
        IRounds.Settlement memory s = _certify(n, list);
        bytes memory header = _headerOf(s);
        uint256 chunks = list.length == 0 ? 1 : (list.length / 49 + 255) / 256;
        for (uint32 i; i < chunks; ++i) {
            rounds.postChunk(header, _chunk(n, list, i));
        }
    }

    function _slice(bytes memory b, uint256 from, uint256 to) internal pure returns (bytes memory r) {
        r = new bytes(to - from);
        assembly ("memory-safe") {
            mcopy(add(r, 0x20), add(add(b, 0x20), from), sub(to, from))
        }
    }

    // --- the tree of docs/formats.md section 4 again, plainly, level by level ---

    function _levels(bytes memory list) internal pure returns (bytes32[][] memory levels) {
        uint256 count = list.length / 49;
        uint256 depth;
        while (1 << depth < count) ++depth;
        levels = new bytes32[][](depth + 1);
        levels[0] = new bytes32[](1 << depth);
        for (uint256 i; i < count; ++i) {
            levels[0][i] = sha256(abi.encodePacked(uint8(0), uint8(3), _slice(list, 49 * i, 49 * i + 49)));
        }
        for (uint256 d; d < depth; ++d) {
            levels[d + 1] = new bytes32[](levels[d].length / 2);
            for (uint256 i; i < levels[d + 1].length; ++i) {
                levels[d + 1][i] = sha256(abi.encodePacked(uint8(1), levels[d][2 * i], levels[d][2 * i + 1]));
            }
        }
    }

    function _outcomeRoot(bytes memory list, uint32 lowest) internal pure returns (bytes32) {
        bytes32[][] memory levels = _levels(list);
        uint32 count = uint32(list.length / 49);
        bytes32 root = sha256(abi.encodePacked(uint8(2), uint8(3), count, levels[levels.length - 1][0]));
        if (count == 0) lowest = type(uint32).max;
        return sha256(abi.encodePacked(bytes32("quorate/outcome/v1"), root, lowest));
    }

    function _proof(bytes memory list, uint32 index) internal pure returns (bytes32[] memory proof) {
        bytes32[][] memory levels = _levels(list);
        uint256 depth = levels.length - 1;
        if (depth <= 8) return proof;
        proof = new bytes32[](depth - 8);
        uint256 at_ = index;
        for (uint256 i; i < proof.length; ++i) {
            proof[i] = levels[8 + i][at_ ^ 1];
            at_ /= 2;
        }
    }
}
