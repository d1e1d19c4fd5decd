// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IMarket} from "../../src/interfaces/IMarket.sol";
import {Vm} from "../Base.t.sol";
import {MarketHandler} from "./MarketHandler.sol";

/// @notice Random but permitted actions on money: settling in parts, downtime, extensions, deposits, debts.
/// It keeps books of its own of what came in and went out for each request.
contract MoneyHandler is MarketHandler {
    uint64 private constant WITHHELD_FOR_A_GPU = 2_000;

    mapping(uint64 request => uint256) public cameIn;
    mapping(uint64 request => uint256) public wentOut;
    mapping(uint64 request => uint256) public cost; // what of it the payer did not get back
    mapping(uint64 request => uint256) public fees;
    mapping(uint64 offer => uint64) private _downUntil;
    mapping(uint64 offer => bool) private _isRetired;
    mapping(bytes32 policyHash => uint256) private _rewarded;
    /// @dev How often what was reached: extensions, seconds down in leases that were paid for, parts, deposits.
    uint256 public extensions;
    uint256 public downLeases;
    uint256 public parts;
    uint256 public forfeits;
    uint256 public releases;

    function setUp() public override {
        super.setUp();
        health.setSettledUntil(uint64(block.timestamp));
        // From round 1 on settlers are paid, and half of what is earned is withheld.
        bytes memory page = _policy(2);
        _put(page, AT_MONEY + 30, 8, 700);
        _put(page, AT_MONEY + 38, 2, 5_000);
        _put(page, AT_MONEY + 40, 8, WITHHELD_FOR_A_GPU);
        vm.prank(TIMELOCK);
        rounds.setPolicy(page, 1);
    }

    // --- actions ---

    /// @dev Whatever can move of a lease; often nothing.
    function settleLease(uint64 id) external {
        id = _requestId(id);
        if (id == 0 || isEmpty[id]) return;
        (uint64 round,,,,) = market.leaseOf(id);
        if (round == 0) return;
        vm.recordLogs();
        escrow.settle(id);
        _noteMoves();
        if (!isEmpty[id] && cost[id] != 0) ++parts;
        IMarket.LeaseMoney memory m = market.leaseMoney(id);
        if (isEmpty[id] && health.unpaidSeconds(m.offerId, m.start, m.until) != 0) ++downLeases;
    }

    /// @dev Extends a lease as far as it may be, or not at all.
    function extend(uint64 id, uint16 seconds_) external {
        id = _requestId(id);
        if (id == 0) return;
        (uint64 round,, uint64 offer,, uint64 end) = market.leaseOf(id);
        if (round == 0 || end != 0 || rounds.isVoid(round - 1)) return;
        IMarket.LeaseMoney memory m = market.leaseMoney(id);
        bool reclaimed_ = noticed[id]; // its provider has given notice
        uint32 version = market.offerVersionAt(offer, uint64(block.timestamp));
        if (block.timestamp >= m.until || reclaimed_ || version == 0 || m.ask > m.budget) return;
        (bytes memory record,,) = market.offerRecord(offer, version);
        if (_get(record, 96, 8) > m.ask) return;
        uint32 more = uint32(seconds_ % 300) + 1;
        uint256 before = (m.gpus * uint256(m.ask) * m.extra + 3_599) / 3_600;
        vm.prank(seconds_ % 2 == 0 ? m.tenant : m.payer);
        market.extend(id, more);
        _lockedIn(id, (m.gpus * uint256(m.ask) * (m.extra + more) + 3_599) / 3_600 - before);
        ++extensions;
    }

    /// @dev A machine is down for some seconds that are not settled yet.
    function down(uint64 offer, uint8 seconds_) external {
        if ((offer = _offerId(offer)) == 0) return;
        uint64 from = health.settledUntil();
        if (_downUntil[offer] > from) from = _downUntil[offer];
        _downUntil[offer] = from + seconds_;
        health.mark(offer, from, from + seconds_);
    }

    function settleHealth(uint8 behind) external {
        uint64 until = uint64(block.timestamp) - behind % 200;
        if (until > health.settledUntil()) health.setSettledUntil(until);
    }

    function withdraw(uint8 who, uint8 currency) external {
        address account = accounts()[who % 8];
        currency %= 2;
        if (escrow.creditOf(account, currency) == 0) return;
        vm.prank(account);
        escrow.withdraw(currency);
    }

    function collectDebt(uint8 who) external {
        address account = accounts()[who % 8];
        if (escrow.debtOf(account) == 0 || escrow.pot() == 0) return;
        escrow.collectDebt(account);
    }

    function rewardSettler(uint8 back) external {
        uint64 n = lastRound > back ? lastRound - back : 0;
        (, bytes32 hash,) = rounds.policyAt(n);
        if (rounds.settledBy(address(this), hash) == _rewarded[hash]) return;
        _rewarded[hash] = rounds.settledBy(address(this), hash);
        escrow.rewardSettler(address(this), n);
    }

    function forfeit(uint8 who, uint16 bps) external {
        address provider = sellers[who % 2];
        if (escrow.depositOf(provider, 0) + escrow.depositOf(provider, 1) != 0) ++forfeits;
        health.forfeit(escrow, provider, bps % 10_001);
    }

    function retireOffer(uint64 id) external {
        if ((id = _offerId(id)) == 0 || _isRetired[id] || market.usedAt(id, uint64(block.timestamp)) != 0) return;
        uint32 version = 1;
        while (true) {
            (,, uint64 closed) = market.offerRecord(id, version);
            if (closed == type(uint64).max) return;
            if (market.offerVersionAt(id, closed) == 0) {
                if (rounds.mayBind(closed)) return;
                break;
            }
            version = market.offerVersionAt(id, closed);
        }
        market.retireOffer(id);
        _isRetired[id] = true;
    }

    function releaseDeposit(uint8 who, uint8 currency) external {
        address provider = sellers[who % 2];
        currency %= 2;
        (, uint32 gpus,,,,) = providers.providerAt(provider, uint64(block.timestamp));
        if (gpus != 0 || escrow.depositOf(provider, currency) == 0) return;
        if (health.settledUntil() <= market.retiredAt(provider) + rounds.schedule().healthEpoch) return;
        escrow.releaseDeposit(provider, currency);
        ++releases;
    }

    /// @dev Time passes until everything is over, and everybody takes what is theirs. No action: nothing is left to do
    /// after it.
    function finish() external {
        vm.warp(block.timestamp + 100_000);
        health.setSettledUntil(uint64(block.timestamp) + 200_000);
        for (uint64 id = 1; id <= market.requestCount(); ++id) {
            (uint64 round,,,, uint64 end) = market.leaseOf(id);
            uint64[] memory ids = new uint64[](1);
            ids[0] = id;
            if (round != 0 && end == 0) market.closeLeases(ids);
            if (isEmpty[id]) continue;
            vm.recordLogs();
            if (round != 0) escrow.settle(id);
            else escrow.reclaim(id);
            _noteMoves();
        }
        for (uint64 id = 1; id <= market.offerCount(); ++id) {
            (bytes memory record,,) = market.offerRecord(id, 1);
            if (!_isOpenOffer(id)) continue;
            vm.prank(_ownerOf(record));
            market.closeOffer(id);
        }
        vm.warp(block.timestamp + 1_000);
        for (uint64 id = 1; id <= market.offerCount(); ++id) {
            if (!_isRetired[id]) market.retireOffer(id);
        }
        for (uint8 i; i < 4; ++i) {
            if (escrow.depositOf(sellers[i / 2], i % 2) == 0) continue;
            escrow.releaseDeposit(sellers[i / 2], i % 2);
            ++releases;
        }
        for (uint8 i; i < 16; ++i) {
            this.withdraw(i / 2, i % 2);
        }
    }

    // --- what the invariants ask ---

    function accounts() public view returns (address[8] memory) {
        return [tenants[0], tenants[1], tenants[2], sellers[0], sellers[1], TREASURY, POSTER, address(this)];
    }

    /// @dev What the escrow owes in a currency, and what it holds.
    function owedAndHeld(uint8 currency) external view returns (uint256 owed, uint256 held) {
        uint256 unit = currency == 0 ? 1 : 1e12;
        for (uint64 id = 1; id <= market.requestCount(); ++id) {
            (bytes memory record,,) = market.requestRecord(id);
            if (_get(record, 290, 1) == currency) owed += escrow.lockedOf(id) * unit;
        }
        address[8] memory all = accounts();
        for (uint256 i; i < all.length; ++i) {
            owed += escrow.creditOf(all[i], currency);
        }
        for (uint256 i; i < sellers.length; ++i) {
            owed += escrow.depositOf(sellers[i], currency) * unit;
        }
        if (currency == 0) owed += escrow.pot();
        held = (currency == 0 ? usd : quor).balanceOf(address(escrow));
    }

    /// @dev What a lease that has ended may cost, worked out anew from its times and the machine's marks.
    function expectedCost(uint64 id) external view returns (uint256) {
        IMarket.LeaseMoney memory m = market.leaseMoney(id);
        if (m.round == 0 || m.reason == 5) return 0;
        uint64 unpaid = health.unpaidSeconds(m.offerId, m.start, m.until);
        uint256 due = m.gpus * uint256(m.ask) * (m.until - m.start - unpaid) / 3_600;
        if (m.reason == 1 && unpaid == 0 && due < MIN_CHARGE) due = MIN_CHARGE;
        return due < cameIn[id] ? due : cameIn[id];
    }

    function pot() external view returns (uint256) {
        return escrow.pot();
    }

    function lockedOf(uint64 id) external view returns (uint256) {
        return escrow.lockedOf(id);
    }

    // --- inside ---

    function _lockedIn(uint64 id, uint256 micro) internal override {
        cameIn[id] += micro;
    }

    function _noteMoves() internal override {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(escrow)) continue;
            uint64 id = uint64(uint256(logs[i].topics[1]));
            if (logs[i].topics[0] == IEscrow.Emptied.selector) isEmpty[id] = true;
            if (logs[i].topics[0] != IEscrow.Settled.selector) continue;
            (uint256 pay, uint256 returned, uint256 fee, uint256 withheld,) =
                abi.decode(logs[i].data, (uint256, uint256, uint256, uint256, uint64));
            wentOut[id] += pay + returned + fee + withheld;
            cost[id] += pay + fee + withheld;
            fees[id] += fee;
        }
    }
}
