// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {LibBit} from "solady/utils/LibBit.sol";
import {IHealth} from "../interfaces/IHealth.sol";
import {Orders} from "../lib/Orders.sol";
import {PolicyPage} from "../lib/PolicyPage.sol";
import {DownBook} from "./DownBook.sol";

/// @title What downtime costs beyond pay: stake, and a time in jail (docs/formats.md, section 14, "Slash").
/// @notice The rules are those of the second of the two epochs. None of what is slashed goes to tenants, whom held money
/// covers: a provider that leased its own machine would get its slash back.
abstract contract MachineSlashes is DownBook {
    uint8 private constant JAILED = 1;
    uint256 private constant FULL = 10_000;

    /// @inheritdoc IHealth
    mapping(uint64 offerId => uint64 time) public jailedUntil;
    /// @dev Epochs that counted towards a slash, 256 in a word.
    mapping(uint64 offerId => mapping(uint256 word => uint256)) private _counted;

    /// @notice Too few windows DOWN in the two epochs, or none in one of them.
    error TooLittleDown(uint256 first, uint256 second, uint256 least);
    /// @notice The epoch counted towards a slash before.
    error AlreadyCounted(uint256 epoch);
    /// @notice The machine is not jailed.
    error NotJailed(uint64 offerId);
    /// @notice Its time in jail is not over.
    error StillJailed(uint64 until);
    /// @notice The provider's stake does not reach what its GPUs ask for.
    error StakeTooSmall(uint256 got, uint256 least);

    /// @dev What a slash takes from whom.
    struct Loss {
        address provider;
        uint64 amount; // millionths
        uint16 depositBps;
        uint64 taken; // millionths, in the end
        uint64 bounty; // of that
    }

    /// @inheritdoc IHealth
    function slash(uint64 offerId, uint32 epoch) external {
        uint256 second = uint256(epoch) + 1;
        if (second >= _firstUnsettled()) revert NotSettled(second);
        _requireTime(_startOf(second + 1), _appealableUntil(second) + providers.unbonding());
        address page = _policyOf(second);
        PolicyPage.Health memory rules = PolicyPage.health(page);
        uint256 windows = _requireDown(offerId, epoch, rules.slashWindows);
        _count(offerId, epoch);
        _count(offerId, second);

        Loss memory loss = _lossOf(offerId, _startOf(epoch), page, rules.slashBps);
        _collect(loss, rules.bounty);
        uint64 until = _jail(offerId, rules.jailEpochs);
        emit MachineSlashed(offerId, loss.provider, epoch, windows, loss.taken, loss.bounty, msg.sender, until);
    }

    /// @inheritdoc IHealth
    function release(uint64 offerId) external {
        uint64 until = jailedUntil[offerId];
        if (until == 0) revert NotJailed(offerId);
        if (block.timestamp < until) revert StillJailed(until);
        Orders.Identity memory machine = _identityOf(offerId);
        (uint256 stake, uint256 gpus) = _providerAt(machine.provider, block.timestamp);
        uint256 least = PolicyPage.minStake(_policyAt(block.timestamp), machine.tier) * gpus;
        if (stake < least) revert StakeTooSmall(stake, least);
        delete jailedUntil[offerId];
        providers.changeMachineFlags(offerId, JAILED, 0);
        emit MachineReleased(offerId, uint64(block.timestamp));
    }

    /// @dev The number of windows DOWN in an epoch and the next, if they are enough.
    function _requireDown(uint64 offerId, uint32 epoch, uint256 least) private view returns (uint256) {
        uint256 first = LibBit.popCount(downOf(offerId, epoch));
        uint256 second = LibBit.popCount(downOf(offerId, epoch + 1));
        if (first == 0 || second == 0 || first + second < least) revert TooLittleDown(first, second, least);
        return first + second;
    }

    function _count(uint64 offerId, uint256 epoch) private {
        uint256 word = _counted[offerId][epoch / 256];
        uint256 bit = 1 << epoch % 256;
        if (word & bit != 0) revert AlreadyCounted(epoch);
        _counted[offerId][epoch / 256] = word | bit;
    }

    /// @dev A machine's share of its provider's stake, and of that the share that is lost. What is looked at is stake that
    /// was there when the first epoch began, or is leaving: who grows afterwards does not lose more. The GPUs that it is
    /// divided by are those registered then; but as offers cost nothing, they dilute a share to no less than what its
    /// tier asks for.
    function _lossOf(uint64 offerId, uint256 time, address page, uint256 slashBps)
        private
        view
        returns (Loss memory loss)
    {
        Orders.Identity memory machine = _identityOf(offerId);
        loss.provider = machine.provider;
        uint256 gpus = machine.gpus;
        (uint256 stake, uint256 registered) = _providerAt(loss.provider, time);
        (uint256 staked,) = _providerAt(loss.provider, block.timestamp);
        (uint256 leaving,) = providers.leaving(loss.provider);
        stake = Math.min(stake, staked) + leaving;
        uint256 least = PolicyPage.minStake(page, machine.tier) * gpus;
        // The share as a fraction: of GPUs, or of stake. All of it, at most.
        if (registered * least > gpus * stake) (gpus, registered) = (least, stake);
        if (registered < gpus || registered == 0) (gpus, registered) = (1, 1);
        loss.amount = uint64(Math.min(stake * gpus * slashBps / (registered * FULL), type(uint64).max));
        loss.depositBps = uint16(Math.ceilDiv(slashBps * gpus, registered));
    }

    /// @dev Takes what the provider has of it. The caller gets the bounty.
    function _collect(Loss memory loss, uint64 bounty) private {
        uint32 current = SafeCast.toUint32(_epochAt(block.timestamp));
        loss.taken = providers.slash(loss.provider, loss.amount, bounty, msg.sender, current);
        loss.bounty = uint64(Math.min(bounty, loss.taken / 2)); // as `providers` pays it
        if (address(escrow) != address(0)) escrow.forfeit(loss.provider, loss.depositBps);
    }

    /// @dev Jails a machine for whole epochs, so from the next one on.
    function _jail(uint64 offerId, uint256 epochs) private returns (uint64 until) {
        until = SafeCast.toUint64(_startOf(_epochAt(block.timestamp) + 1 + epochs));
        uint64 former = jailedUntil[offerId];
        if (former > until) until = former;
        jailedUntil[offerId] = until;
        providers.changeMachineFlags(offerId, 0, JAILED);
    }

    /// @dev Stake (millionths) and registered GPUs at a time.
    function _providerAt(address provider, uint256 time) private view returns (uint256 stake, uint256 gpus) {
        (stake, gpus,,,,) = providers.providerAt(provider, uint64(time));
    }

    /// @dev Who stands behind a machine. Provider and GPUs are the same in all versions of an offer.
    function _identityOf(uint64 offerId) private view returns (Orders.Identity memory) {
        (bytes memory offer,) = market.newestOffer(offerId);
        return Orders.decodeIdentity(offer);
    }
}
