// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {Context} from "@openzeppelin/contracts/utils/Context.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {Standings} from "../lib/Standings.sol";
import {Traces} from "../lib/Traces.sol";

/// @title Stake, uptime, reputation, slash rate and status of providers, checkpointed by time.
/// @notice Every value is a step function of the block's time that only a transaction changes, so its value at
/// the snapshot of any round can be read for ever.
/// Whoever stakes may do so through the trusted forwarder, so that a relayer pays the gas.
contract Providers is IProviders, AccessControl, ERC2771Context, ReentrancyGuardTransient {
    using Checkpoints for Checkpoints.Trace208;
    using SafeERC20 for IERC20Metadata;
    using Standings for uint256;
    using Traces for Checkpoints.Trace208;

    /// @notice May count GPUs: `Market`.
    bytes32 public constant MARKET = "MARKET";
    /// @notice May write uptime, slash rate and status, and take stake.
    bytes32 public constant HEALTH = "HEALTH";
    /// @notice May write the flags of machines that are not a punishment: `Machines`.
    bytes32 public constant MACHINES = "MACHINES";
    /// @notice May write reputation.
    bytes32 public constant MONEY = "MONEY";

    /// @notice "No observation": the policy's prior stands for it.
    uint16 public constant UNOBSERVED = type(uint16).max;
    /// @notice Where slashed stake ends: nobody has this address's key, and every token can be sent to it.
    address public constant BURNED = 0x000000000000000000000000000000000000dEaD;
    uint8 private constant JAILED = 1;
    uint16 private constant FULL = 10_000;

    /// @notice The network's token.
    IERC20Metadata public immutable token;
    /// @notice The token's smallest units in a millionth, in which stake is counted.
    uint256 public immutable millionth;
    /// @notice Seconds from leaving stake to taking it out.
    uint32 public immutable unbonding;

    /// @notice Stake that has left and waits.
    struct Leaving {
        uint64 amount; // millionths
        uint64 readyAt;
    }

    /// @notice What each provider has in unbonding.
    mapping(address provider => Leaving) public leaving;
    mapping(address provider => Checkpoints.Trace208) private _providers;
    mapping(uint64 offerId => Checkpoints.Trace208) private _machines;

    /// @dev A provider's state, as it lies in a checkpoint.
    struct State {
        uint64 stake;
        uint32 gpus;
        uint16 reputation;
        uint16 slash;
        uint32 slashEpoch;
        uint8 flags;
    }

    /// @notice Stake left the count; it can be taken out from `readyAt`.
    event UnstakeRequested(address indexed provider, uint64 amount, uint64 readyAt);
    /// @notice Stake was taken out.
    event Unstaked(address indexed provider, uint64 amount);
    /// @notice Stake was taken, in millionths: `bounty` of it went to `to`, the rest was burned.
    event Slashed(address indexed provider, uint64 taken, uint64 bounty, address to, uint32 healthEpoch);

    /// @notice A fee was burned of what is staked, in millionths.
    event FeeBurned(address indexed provider, uint64 amount);

    /// @notice Amounts are whole millionths of the token, and not zero.
    error BadAmount(uint256 amount);
    /// @notice More than there is.
    error TooMuch(uint256 asked, uint256 available);
    /// @notice Nothing to take out yet.
    error NotReady(uint256 readyAt);
    /// @notice A share above 10,000 basis points.
    error BadShare(uint256 share);
    /// @notice `MACHINES` may change the bits of `allowed` only.
    error BadFlags(uint8 got, uint8 allowed);
    /// @notice The token has fewer than 6 or more than 18 decimals.
    error BadDecimals(uint8 decimals);
    /// @notice The token moved another amount than was asked for.
    error TokenTakesFee(uint256 got, uint256 expected);

    /// @param token_ the network's token, 6 to 18 decimals
    /// @param unbonding_ seconds between leaving stake and taking it out; longer than two health epochs and what the second
    /// of them waits for lists and receipts, or else `Health` refuses to stand beside this contract
    /// @param admin who grants the roles MARKET, HEALTH, MACHINES, MONEY; deployment grants MARKET to `Market` and MACHINES
    /// to `Machines`
    /// @param forwarder the trusted ERC2771Forwarder, zero for none
    constructor(IERC20Metadata token_, uint32 unbonding_, address admin, address forwarder) ERC2771Context(forwarder) {
        uint8 decimals = token_.decimals();
        if (decimals < 6 || decimals > 18) revert BadDecimals(decimals);
        token = token_;
        millionth = 10 ** (decimals - 6);
        unbonding = unbonding_;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    /// @inheritdoc IProviders
    function stake(uint256 amount) external nonReentrant {
        address provider = _msgSender();
        State memory s = _latest(provider);
        s.stake += _toMillionths(amount);
        _store(provider, s);
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(provider, address(this), amount);
        uint256 got = token.balanceOf(address(this)) - before;
        if (got != amount) revert TokenTakesFee(got, amount);
    }

    /// @inheritdoc IProviders
    /// @dev Whoever sees a permit on its way can hand it in first: so one that fails is left at that, and `stake` fails by
    /// itself if the allowance is not there.
    function permit(address owner, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external {
        try IERC20Permit(address(token)).permit(owner, address(this), value, deadline, v, r, s) {} catch {}
    }

    /// @inheritdoc IProviders
    /// @dev Counts from the next snapshot on; a second request starts the wait of all that is leaving anew.
    function requestUnstake(uint256 amount) external {
        uint64 units = _toMillionths(amount);
        address provider = _msgSender();
        State memory s = _latest(provider);
        if (units > s.stake) revert TooMuch(units, s.stake);
        s.stake -= units;
        _store(provider, s);
        Leaving storage l = leaving[provider];
        l.amount += units;
        l.readyAt = uint64(block.timestamp) + unbonding;
        emit UnstakeRequested(provider, units, l.readyAt);
    }

    /// @inheritdoc IProviders
    function withdraw() external nonReentrant {
        address provider = _msgSender();
        Leaving memory l = leaving[provider];
        if (l.amount == 0 || block.timestamp < l.readyAt) revert NotReady(l.readyAt);
        delete leaving[provider];
        emit Unstaked(provider, l.amount);
        token.safeTransfer(provider, l.amount * millionth);
    }

    /// @inheritdoc IProviders
    function addGpus(address provider, uint32 gpus) external onlyRole(MARKET) {
        State memory s = _latest(provider);
        s.gpus += gpus;
        _store(provider, s);
    }

    /// @inheritdoc IProviders
    function removeGpus(address provider, uint32 gpus) external onlyRole(MARKET) {
        State memory s = _latest(provider);
        if (gpus > s.gpus) revert TooMuch(gpus, s.gpus);
        s.gpus -= gpus;
        _store(provider, s);
    }

    /// @inheritdoc IProviders
    function burn(address provider, uint256 amount) external onlyRole(MACHINES) {
        State memory s = _latest(provider);
        if (amount > s.stake) revert TooMuch(amount, s.stake);
        s.stake -= uint64(amount);
        _store(provider, s);
        emit FeeBurned(provider, uint64(amount));
        token.safeTransfer(BURNED, amount * millionth);
    }

    /// @inheritdoc IProviders
    function setUptime(uint64 offerId, uint16 uptime) external onlyRole(HEALTH) {
        _checkObserved(uptime);
        _storeMachine(offerId, uptime, uint256(_machines[offerId].latest()).flags());
    }

    /// @inheritdoc IProviders
    /// @dev `MACHINES` may do it too, but neither jail nor release.
    function changeMachineFlags(uint64 offerId, uint8 clear, uint8 set) external {
        if (!hasRole(HEALTH, _msgSender())) {
            _checkRole(MACHINES);
            uint8 bits = clear | set;
            if (bits & JAILED != 0) revert BadFlags(bits, ~JAILED);
        }
        uint256 machine = _machines[offerId].latest();
        _storeMachine(offerId, machine.uptime(), machine.flags() & ~clear | set);
    }

    /// @inheritdoc IProviders
    function setReputation(address provider, uint16 reputation) external onlyRole(MONEY) {
        _checkObserved(reputation);
        State memory s = _latest(provider);
        s.reputation = reputation;
        _store(provider, s);
    }

    /// @inheritdoc IProviders
    function setSlash(address provider, uint16 rate, uint32 healthEpoch) external onlyRole(HEALTH) {
        if (rate > FULL) revert BadShare(rate);
        State memory s = _latest(provider);
        s.slash = rate;
        s.slashEpoch = healthEpoch;
        _store(provider, s);
    }

    /// @inheritdoc IProviders
    /// @dev Takes what there is if that is less than `amount`. A transfer of the network's token calls nobody, so the
    /// receiver cannot stand in the way of the slash.
    function slash(address provider, uint64 amount, uint64 bounty, address to, uint32 healthEpoch)
        external
        onlyRole(HEALTH)
        nonReentrant
        returns (uint64 taken)
    {
        State memory s = _latest(provider);
        Leaving storage l = leaving[provider];
        uint256 all = uint256(s.stake) + l.amount;
        taken = uint64(Math.min(amount, all));
        if (taken == 0) return 0;
        uint64 staked = uint64(Math.min(taken, s.stake));
        s.stake -= staked;
        l.amount -= taken - staked;
        _raiseSlash(s, uint16(Math.ceilDiv(uint256(taken) * FULL, all)), healthEpoch);
        _store(provider, s);
        uint64 paid = uint64(Math.min(bounty, taken / 2));
        emit Slashed(provider, taken, paid, to, healthEpoch);
        if (paid != 0) token.safeTransfer(to, paid * millionth);
        token.safeTransfer(BURNED, (taken - paid) * millionth);
    }

    /// @inheritdoc IProviders
    function setProviderFlags(address provider, uint8 flags) external onlyRole(HEALTH) {
        State memory s = _latest(provider);
        s.flags = flags;
        _store(provider, s);
    }

    /// @inheritdoc IProviders
    function providerAt(address provider, uint64 t)
        external
        view
        returns (uint64 stake_, uint32 gpus, uint16 reputation, uint16 slash_, uint32 slashEpoch, uint8 flags)
    {
        State memory s = _unpack(_providers[provider].valueAt(t));
        return (s.stake, s.gpus, s.reputation, s.slash, s.slashEpoch, s.flags);
    }

    /// @inheritdoc IProviders
    function machineAt(uint64 offerId, uint64 t) external view returns (uint16 uptime, uint8 flags) {
        uint256 machine = _machines[offerId].valueAt(t);
        return (machine.uptime(), machine.flags());
    }

    /// @inheritdoc IProviders
    function standingAt(uint64 offerId, address provider, uint64 t)
        external
        view
        returns (uint256 machine, uint256 owner)
    {
        return (_machines[offerId].valueAt(t), _providers[provider].valueAt(t));
    }

    function _latest(address provider) private view returns (State memory) {
        return _unpack(_providers[provider].latest());
    }

    function _store(address provider, State memory s) private {
        uint208 packed = Standings.packProvider(s.stake, s.gpus, s.reputation, s.slash, s.slashEpoch, s.flags);
        _providers[provider].push(uint48(block.timestamp), packed);
        emit ProviderChanged(
            provider, uint64(block.timestamp), s.stake, s.gpus, s.reputation, s.slash, s.slashEpoch, s.flags
        );
    }

    function _unpack(uint256 packed) private pure returns (State memory s) {
        s.stake = packed.stake();
        s.gpus = packed.gpus();
        s.reputation = packed.reputation();
        s.slash = packed.slash();
        s.slashEpoch = packed.slashEpoch();
        s.flags = packed.flags();
    }

    /// @dev Writes a loss of `lost` basis points into the slash rate. Within one health epoch losses add up: a provider
    /// that loses a share for each of ten machines has lost ten shares. Over epochs the greater of the former rate and
    /// the loss stands: how far the former has decayed is the score's to say (it has the policy, this contract has
    /// not), and a small slash must never wipe out the memory of a large one.
    function _raiseSlash(State memory s, uint16 lost, uint32 healthEpoch) private pure {
        if (s.slash != 0 && healthEpoch <= s.slashEpoch) {
            s.slash += uint16(Math.ceilDiv(uint256(lost) * (FULL - s.slash), FULL));
            return;
        }
        s.slash = uint16(Math.max(s.slash, lost));
        s.slashEpoch = healthEpoch;
    }

    function _storeMachine(uint64 offerId, uint16 uptime, uint8 flags) private {
        _machines[offerId].push(uint48(block.timestamp), Standings.packMachine(uptime, flags));
        emit MachineChanged(offerId, uint64(block.timestamp), uptime, flags);
    }

    function _checkObserved(uint16 value) private pure {
        if (value > FULL && value != UNOBSERVED) revert BadShare(value);
    }

    function _toMillionths(uint256 amount) private view returns (uint64) {
        if (amount == 0 || amount % millionth != 0) revert BadAmount(amount);
        return SafeCast.toUint64(amount / millionth);
    }

    function _msgSender() internal view override(Context, ERC2771Context) returns (address) {
        return ERC2771Context._msgSender();
    }

    function _msgData() internal view override(Context, ERC2771Context) returns (bytes calldata) {
        return ERC2771Context._msgData();
    }

    function _contextSuffixLength() internal view override(Context, ERC2771Context) returns (uint256) {
        return ERC2771Context._contextSuffixLength();
    }
}
