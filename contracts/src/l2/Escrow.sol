// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {IHealth} from "../interfaces/IHealth.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {Charges} from "../lib/Charges.sol";
import {PolicyPage} from "../lib/PolicyPage.sol";
import {Allowances} from "./Allowances.sol";
import {Credits} from "./Credits.sol";
import {Deposits} from "./Deposits.sol";
import {FeePot} from "./FeePot.sol";
import {Reputations} from "./Reputations.sol";

/// @title The market's money: locked for requests, held for leases, credited, withdrawn.
/// @notice A lease is paid for seconds that are known for good: its round is final (or has long been void), and the
/// health epochs that they lie in are settled. What it can never cost any more goes back to the payer as soon as it
/// has ended.
/// @dev What a request locks and a lease costs is worked out from its terms; stored is only how far it is paid.
contract Escrow is Allowances, FeePot, Deposits, Reputations {
    uint256 private constant FULL = 10_000;
    /// @dev Reason of `LeaseClosed`: its provider ended it early.
    uint8 private constant BY_PROVIDER = 2;
    uint8 private constant ENTRY_TIER = 0;

    /// @notice Most health epochs that one call settles of a lease.
    uint256 public constant MAX_EPOCHS = 256;

    /// @notice The contracts around this one.
    struct Links {
        IMarket market; // deployed before, knowing this address
        IRounds rounds; // deployed before
        IProviders providers; // must grant this contract the role MONEY
        IHealth health; // may be deployed afterwards; zero where nothing is ever down
        address treasury; // credited with the fees, but for those that fill the pot
        address forwarder; // whose calls are those of the account that signed them (ERC-2771); zero for none
    }

    /// @dev How far the money of a request has moved.
    struct Account {
        uint40 until; // paid up to here; 0 before anything was
        uint40 paid; // seconds that were paid for
        bool closed; // its lease has ended, and what it can never cost has gone back
        bool empty;
        uint128 held; // micro-dollars, once it is closed
    }

    /// @dev One step of settling a lease. Amounts are micro-dollars.
    struct Step {
        uint256 out; // that have left for the lease so far: to the provider, withheld, fees
        uint256 held;
        uint256 nextOut;
        uint256 nextHeld;
        bool done; // nothing can change any more
    }

    /// @notice Orders and leases.
    IMarket public immutable market;
    /// @notice Where rounds are settled.
    IRounds public immutable rounds;
    /// @notice Where GPUs are counted, and reputation is kept.
    IProviders public immutable providers;
    /// @notice Where downtime is kept; zero where nothing is ever down.
    IHealth public immutable health;

    uint64 private immutable _windows;
    uint64 private immutable _healthEpoch;
    mapping(uint256 requestId => Account) private _accounts;
    mapping(address settler => mapping(bytes32 policyHash => uint256)) private _settlesPaid;

    /// @notice Only the market locks and rewards.
    error NotMarket(address caller);
    /// @notice Only health forfeits deposits.
    error NotHealth(address caller);
    /// @notice The request has no lease.
    error NotLeased(uint64 requestId);
    /// @notice The request has a lease.
    error AlreadyMatched(uint64 requestId);
    /// @notice The request is open, or a round that has not ended may still match it.
    error MayStillBind(uint64 requestId);
    /// @notice The request's money has left already.
    error AlreadyEmptied(uint64 requestId);
    /// @notice The settler was paid for all rounds that it settled under this policy.
    error NothingEarned(address settler, bytes32 policyHash);
    /// @notice The provider has registered GPUs, or had them when what may still be slashed was not settled.
    error StillBound(address provider, uint32 gpus, uint256 until);

    /// @param tokens_ token of each currency by index, at most 32, 6 to 18 decimals, zero address for none
    /// @param potCap_ the most that the pot which pays posters and settlers holds, in micro-dollars of currency 0
    constructor(Links memory links, address[] memory tokens_, uint256 potCap_)
        Credits(links.treasury, tokens_)
        FeePot(potCap_)
        ERC2771Context(links.forwarder)
    {
        market = links.market;
        rounds = links.rounds;
        providers = links.providers;
        health = links.health;
        IRounds.Schedule memory s = links.rounds.schedule();
        _windows = uint64(s.challengeWindow) + s.revealWindow;
        _healthEpoch = s.healthEpoch;
    }

    modifier onlyMarket() {
        if (msg.sender != address(market)) revert NotMarket(msg.sender);
        _;
    }

    /// @inheritdoc IEscrow
    function lock(address payer, address tenant, uint8 currency, uint256 micro, uint256 fee)
        external
        onlyMarket
        nonReentrant
    {
        _use(payer, tenant, currency, micro + fee);
        emit Locked(payer, tenant, currency, micro, fee);
        _pull(currency, payer, micro + fee);
        _takeFees(currency, fee);
    }

    /// @inheritdoc IEscrow
    function reward(address account, uint256 micro) external onlyMarket {
        _payOrOwe(account, micro);
    }

    /// @inheritdoc IEscrow
    /// @dev Of a void round too: seconds that were served are paid. But not before its windows, counted again from its
    /// refutation, are over: until then a pair may be shown ineligible, which undoes its pay.
    function settle(uint64 requestId) external nonReentrant {
        _settle(requestId, MAX_EPOCHS);
    }

    /// @inheritdoc IEscrow
    /// @dev Whatever an epoch has of windows DOWN and of maintenance, one of them fits a block: so no lease's money is held
    /// for want of gas.
    function settleEpochs(uint64 requestId, uint16 most) external nonReentrant {
        _settle(requestId, most < MAX_EPOCHS ? most : MAX_EPOCHS);
    }

    /// @dev Moves what can move of a lease, over the time of at most `most` health epochs.
    function _settle(uint64 requestId, uint256 most) private {
        IMarket.LeaseMoney memory m = market.leaseMoney(requestId);
        Account memory a = _funded(requestId);
        if (m.round == 0) revert NotLeased(requestId);
        (,, address page) = rounds.policyAt(m.round - 1);
        PolicyPage.Money memory policy = PolicyPage.money(page);

        Step memory s;
        (s.out, s.held) = _standing(m, a);
        bool moves = _walk(m, a, s, most);
        if (!moves && m.ended == a.closed) return;
        s.nextOut = s.done ? Charges.totalOf(m, a.paid, policy.minCharge) : Charges.earnedOf(m, a.paid);
        s.nextHeld = _nextHeld(m, a, s, policy.minCharge);
        (a.closed, a.held, a.empty) = (m.ended, m.ended ? uint128(s.nextHeld) : 0, s.done);
        _accounts[requestId] = a;
        _payOut(requestId, m, a, s, policy);
        if (!s.done) return;
        emit Emptied(requestId);
        _judge(m, a, s.nextOut * policy.protocolFeeBps / FULL, page);
    }

    /// @inheritdoc IEscrow
    function reclaim(uint64 requestId) external nonReentrant {
        IMarket.LeaseMoney memory m = market.leaseMoney(requestId);
        _funded(requestId);
        if (m.round != 0) revert AlreadyMatched(requestId);
        if (rounds.mayBind(m.openUntil)) revert MayStillBind(requestId);
        _giveAll(requestId, m, Charges.lockedOf(m));
    }

    /// @inheritdoc IEscrow
    function annulled(uint64 requestId) external onlyMarket {
        IMarket.LeaseMoney memory m = market.leaseMoney(requestId);
        (, uint256 held) = _standing(m, _funded(requestId));
        _giveAll(requestId, m, held);
    }

    /// @inheritdoc IEscrow
    function rewardSettler(address settler, uint64 n) external returns (uint256 micro) {
        (, bytes32 hash, address page) = rounds.policyAt(n);
        uint256 count = rounds.settledBy(settler, hash);
        uint256 paid = _settlesPaid[settler][hash];
        if (count == paid) revert NothingEarned(settler, hash);
        _settlesPaid[settler][hash] = count;
        micro = (count - paid) * PolicyPage.money(page).settleFee;
        _payOrOwe(settler, micro);
    }

    /// @inheritdoc IEscrow
    /// @dev A slash counts two epochs in a row; the second may be the one in which the provider retired. So whoever
    /// slashes has an epoch's time from when that is settled.
    function releaseDeposit(address provider, uint8 currency) external {
        uint32 gpus = _gpusAt(provider, block.timestamp);
        uint256 until = address(health) == address(0) ? 0 : uint256(market.retiredAt(provider)) + _healthEpoch;
        if (gpus != 0 || (until != 0 && health.settledUntil() <= until)) revert StillBound(provider, gpus, until);
        _giveBack(provider, currency);
    }

    /// @inheritdoc IEscrow
    function forfeit(address provider, uint16 bps) external {
        if (msg.sender != address(health)) revert NotHealth(msg.sender);
        _takeShare(provider, bps);
    }

    /// @inheritdoc IEscrow
    function lockedOf(uint64 requestId) external view returns (uint256 held) {
        Account memory a = _accounts[requestId];
        if (!a.empty) (, held) = _standing(market.leaseMoney(requestId), a);
    }

    /// @inheritdoc IEscrow
    function paidOf(uint64 requestId) external view returns (uint64 until, uint64 paidSeconds) {
        Account memory a = _accounts[requestId];
        return (a.until == 0 ? market.leaseMoney(requestId).start : a.until, a.paid);
    }

    /// @dev Pays a lease up to where everything is known, in seconds. Whether that is any further.
    function _walk(IMarket.LeaseMoney memory m, Account memory a, Step memory s, uint256 most)
        private
        view
        returns (bool moves)
    {
        if (!_isOver(m.round - 1)) return false;
        uint256 from = a.until == 0 ? m.start : a.until;
        uint256 to = m.until < block.timestamp ? m.until : block.timestamp;
        uint64 unpaid;
        if (address(health) != address(0)) {
            uint256 settled = health.settledUntil();
            if (settled < to) to = settled;
            if (to > from + most * _healthEpoch) to = from + most * _healthEpoch;
            if (to > from) unpaid = health.unpaidSeconds(m.offerId, uint64(from), uint64(to));
        }
        if (to > from) {
            moves = true;
            a.paid += uint40(to - from - unpaid);
            a.until = uint40(to);
            from = to;
        }
        s.done = m.ended && from == m.until;
        return moves || s.done;
    }

    /// @dev Moves what this step frees.
    function _payOut(
        uint64 requestId,
        IMarket.LeaseMoney memory m,
        Account memory a,
        Step memory s,
        PolicyPage.Money memory policy
    ) private {
        uint256 bps = policy.protocolFeeBps;
        uint256 fee = s.nextOut * bps / FULL - s.out * bps / FULL;
        uint256 pay = s.nextOut - s.out - fee;
        uint256 returned = s.held - s.nextHeld - (s.nextOut - s.out);
        uint256 withheld;
        if (m.tier == ENTRY_TIER && pay != 0) {
            uint256 whole = policy.deposit * _gpusBehind(m, a);
            withheld = _withhold(m.provider, m.currency, pay, policy.withholdBps, whole);
        }
        _credit(m.currency, m.payer, returned);
        _credit(m.currency, treasury, fee);
        _credit(m.currency, m.provider, pay - withheld);
        emit Settled(requestId, pay - withheld, returned, fee, withheld, a.until == 0 ? m.start : a.until);
    }

    /// @dev A lease whose last money has moved counts for its provider's reputation, by the fee that it paid.
    function _judge(IMarket.LeaseMoney memory m, Account memory a, uint256 fee, address page) private {
        uint256 span = m.until - m.start;
        if (fee == 0 || span == 0) return;
        uint256 quality = m.reason == BY_PROVIDER ? 0 : FULL * a.paid / span;
        uint64 memory_ = PolicyPage.health(page).reputationMemory;
        providers.setReputation(m.provider, _note(m.provider, quality, fee, memory_));
    }

    /// @dev Credits the payer with all that is held for a request.
    function _giveAll(uint64 requestId, IMarket.LeaseMoney memory m, uint256 held) private {
        _accounts[requestId].empty = true;
        _credit(m.currency, m.payer, held);
        emit Settled(requestId, 0, held, 0, 0, _accounts[requestId].until);
        emit Emptied(requestId);
    }

    /// @dev The account of a request whose money is still here.
    function _funded(uint64 requestId) private view returns (Account memory a) {
        a = _accounts[requestId];
        if (a.empty) revert AlreadyEmptied(requestId);
    }

    /// @dev What has left for a lease, and what is held.
    function _standing(IMarket.LeaseMoney memory m, Account memory a) private pure returns (uint256 out, uint256 held) {
        out = Charges.earnedOf(m, a.paid);
        held = a.closed ? a.held : Charges.lockedOf(m) - out;
    }

    /// @dev What stays held after this step: all while the lease goes on, then what it can still cost.
    function _nextHeld(IMarket.LeaseMoney memory m, Account memory a, Step memory s, uint256 minCharge)
        private
        pure
        returns (uint256)
    {
        if (s.done) return 0;
        if (!m.ended) return s.held - (s.nextOut - s.out);
        uint256 open = m.until - (a.until == 0 ? m.start : a.until);
        return Charges.totalOf(m, a.paid + open, minCharge) - s.nextOut;
    }

    /// @dev Whether nothing can be shown of a round any more that would change what its leases pay.
    function _isOver(uint64 round) private view returns (bool) {
        if (rounds.isFinal(round)) return true;
        uint64 time = rounds.voidedAt(round);
        if (time == 0) return false;
        (,, uint64 refutedAt) = rounds.refutationOf(round);
        if (refutedAt > time) time = refutedAt;
        return block.timestamp > time + _windows;
    }

    /// @dev By how many GPUs a deposit is measured: its provider's, of now or of the last second that is paid for, whichever
    /// are more. A machine may be retired as soon as its lease has ended, before the money has moved. In the second
    /// before a lease begins its machine is there too.
    function _gpusBehind(IMarket.LeaseMoney memory m, Account memory a) private view returns (uint256) {
        uint32 then = _gpusAt(m.provider, (a.until == 0 ? m.start : a.until) - 1);
        return Math.max(then, _gpusAt(m.provider, block.timestamp));
    }

    function _gpusAt(address provider, uint256 time) private view returns (uint32 gpus) {
        (, gpus,,,,) = providers.providerAt(provider, uint64(time));
    }
}
