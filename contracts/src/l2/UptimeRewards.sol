// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {LibBit} from "solady/utils/LibBit.sol";
import {IHealth} from "../interfaces/IHealth.sol";
import {IMachines} from "../interfaces/IMachines.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {IComputeChecks, IUptimeRewards} from "../interfaces/IUptimeRewards.sol";
import {Observation} from "../lib/Observation.sol";
import {Orders} from "../lib/Orders.sol";
import {PolicyPage} from "../lib/PolicyPage.sol";
import {Standing} from "../lib/Standing.sol";
import {Providers} from "./Providers.sol";

/// @title Pays providers for machines that are up, by settled health epoch (docs/formats.md, section 14, "Reward").
/// @notice Holds the network's token; has no owner, and what it holds leaves as rewards only. Whoever calls, the provider
/// is paid, and at once: a transfer of the network's token calls nobody, so no receiver can stand in the way.
contract UptimeRewards is IUptimeRewards {
    using SafeERC20 for IERC20Metadata;

    uint256 private constant ALL = 1e12; // three shares of 10,000 basis points

    /// @notice The contracts around this one.
    struct Links {
        IHealth health; // windows DOWN, trust levels, settled epochs
        IRounds rounds; // policies; its schedule is read here once
        IMarket market; // offers
        IMachines machines; // who is registered
        Providers providers; // stakes and flags; its token is what is paid
        IComputeChecks checks; // zero for none: then nothing is paid
    }

    /// @notice Windows DOWN, trust levels, settled epochs.
    IHealth public immutable health;
    /// @notice Policies.
    IRounds public immutable rounds;
    /// @notice Offers.
    IMarket public immutable market;
    /// @notice Who is registered.
    IMachines public immutable machines;
    /// @notice Stakes and flags.
    Providers public immutable providers;
    /// @inheritdoc IUptimeRewards
    IComputeChecks public immutable checks;
    /// @notice The network's token, which providers stake.
    IERC20Metadata public immutable token;
    /// @notice The token's smallest units in a millionth, in which stake is counted.
    uint256 public immutable millionth;

    uint256 private immutable _period;
    /// @dev Seconds of a health epoch.
    uint256 private immutable _length;

    /// @dev Epochs that were paid for, 256 in a word.
    mapping(uint64 offerId => mapping(uint256 word => uint256)) private _rewarded;

    /// @param links the contracts around this one; they must stand already
    constructor(Links memory links) {
        (health, rounds, market, machines) = (links.health, links.rounds, links.market, links.machines);
        (providers, checks) = (links.providers, links.checks);
        (token, millionth) = (links.providers.token(), links.providers.millionth());
        IRounds.Schedule memory s = links.rounds.schedule();
        (_period, _length) = (s.period, s.healthEpoch);
    }

    /// @inheritdoc IUptimeRewards
    /// @dev A plain transfer does the same, without the event; and without the check, so where there are no checks it is
    /// lost.
    function fund(uint256 amount) external {
        if (address(checks) == address(0)) revert NoChecks();
        token.safeTransferFrom(msg.sender, address(this), amount);
        emit Funded(msg.sender, amount);
    }

    /// @inheritdoc IUptimeRewards
    function claim(uint64 offerId, uint32 healthEpoch) external returns (uint256 amount) {
        if (isRewarded(offerId, healthEpoch)) revert AlreadyRewarded(offerId, healthEpoch);
        if (!_isChecked(offerId, healthEpoch)) revert NotChecked(offerId, healthEpoch);
        (, uint8 level, uint32 next) = health.standingOf(offerId);
        if (next <= healthEpoch) revert NotObserved(healthEpoch, next);
        Orders.Identity memory machine = _identityOf(offerId);
        amount = _amount(offerId, healthEpoch, machine, level);
        if (amount == 0) revert NothingEarned(offerId, healthEpoch);
        uint256 held = token.balanceOf(address(this));
        if (amount > held) revert Unfunded(amount, held);

        _rewarded[offerId][healthEpoch / 256] |= 1 << healthEpoch % 256;
        emit Rewarded(offerId, machine.provider, healthEpoch, amount);
        token.safeTransfer(machine.provider, amount);
    }

    /// @inheritdoc IUptimeRewards
    /// @dev Whether it is funded or not.
    function earned(uint64 offerId, uint32 healthEpoch) external view returns (uint256 amount) {
        if (isRewarded(offerId, healthEpoch) || !_isChecked(offerId, healthEpoch)) return 0;
        (, uint8 level, uint32 next) = health.standingOf(offerId);
        if (next <= healthEpoch) return 0;
        return _amount(offerId, healthEpoch, _identityOf(offerId), level);
    }

    /// @inheritdoc IUptimeRewards
    function isRewarded(uint64 offerId, uint32 healthEpoch) public view returns (bool) {
        return _rewarded[offerId][healthEpoch / 256] >> healthEpoch % 256 & 1 != 0;
    }

    // --- inside ---

    function _isChecked(uint64 offerId, uint32 healthEpoch) private view returns (bool) {
        return address(checks) != address(0) && checks.passed(offerId, healthEpoch);
    }

    /// @dev Provider, GPUs and tier are the same in all versions of an offer.
    function _identityOf(uint64 offerId) private view returns (Orders.Identity memory) {
        (bytes memory offer,) = market.newestOffer(offerId);
        return Orders.decodeIdentity(offer);
    }

    /// @dev What a settled epoch, over which the machine's uptime was carried, earns; the token's smallest units.
    function _amount(uint64 offerId, uint32 epoch, Orders.Identity memory machine, uint8 level)
        private
        view
        returns (uint256)
    {
        address page = _policyOf(epoch);
        Standing.Rules memory rules = PolicyPage.standing(page);
        uint256 share = uint256(rules.rewardBps) * rules.levels[level].weight;
        // Where rewards are off, nothing else is looked at.
        if (share == 0) return 0;
        share *= _valueOf(offerId, epoch, PolicyPage.health(page).windows);
        return _stakeOf(machine, epoch, PolicyPage.minStake(page, machine.tier)) * share / ALL * millionth;
    }

    /// @dev What the epoch is worth as uptime sees it, basis points; 0 if it was not observed.
    function _valueOf(uint64 offerId, uint32 epoch, uint256 windows) private view returns (uint256) {
        (uint256 first, uint256 last) = (health.epochStart(epoch), health.epochStart(epoch + 1) - 1);
        (uint256 registeredAt, uint256 retiredAt,,) = machines.machineOf(offerId);
        if (registeredAt == 0 || registeredAt > first) return 0;
        if (retiredAt == 0) retiredAt = type(uint256).max;
        uint256 down = LibBit.popCount(health.downOf(offerId, epoch));
        if (down == 0 && !Observation.isClear(providers, offerId, retiredAt, first, last)) return 0;
        return Observation.value(windows, down);
    }

    /// @dev The stake that a machine is rewarded on, millionths: what its tier asks for, and no more than its share of
    /// what its provider had staked when the epoch began.
    function _stakeOf(Orders.Identity memory machine, uint32 epoch, uint256 minStake) private view returns (uint256) {
        (uint256 stake, uint256 registered,,,,) = providers.providerAt(machine.provider, health.epochStart(epoch));
        uint256 gpus = machine.gpus;
        if (gpus == 0) return 0;
        return Math.min(minStake * gpus, stake * gpus / Math.max(registered, gpus));
    }

    /// @dev The policy's page of an epoch: that of the first round that does not close before the epoch begins.
    function _policyOf(uint256 epoch) private view returns (address page) {
        (,, page) = rounds.policyAt(SafeCast.toUint64(Math.ceilDiv(epoch * _length, _period)));
    }
}
