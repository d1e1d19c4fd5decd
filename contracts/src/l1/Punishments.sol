// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ISlasher} from "../interfaces/ISlasher.sol";
import {IAllocationManager} from "../interfaces/eigenlayer/IAllocationManager.sol";
import {CoreAdapter} from "./CoreAdapter.sol";
import {Evidence} from "./Evidence.sol";
import {Times, TimesLib} from "./Times.sol";

/// @title What an offence costs, and taking it.
/// @notice One offence is (operator, round), or (operator, health epoch, machine), slashed once; a graver class found
/// later slashes the difference. Until the sunset, what an operator can lose for one stake epoch is capped, and a
/// guardian may cancel what has not been slashed yet, so that a bug of ours is no massacre.
abstract contract Punishments is ISlasher, Evidence {
    using TimesLib for Times;
    using CoreAdapter for CoreAdapter.Core;

    struct Punishment {
        Offence offence;
        uint64 wad; // of 1e18, in all
    }

    /// @notice What an equivocation costs, of 1e18: no honest signer can commit one.
    uint256 public constant EQUIVOCATION_SHARE = 0.2e18;
    /// @notice What signing a wrong seed costs: no bug of matching makes one, it takes 48 bytes of the beacon and
    /// one hash, and whoever chooses the seed chooses who wins. Half of an equivocation, which needs two signatures.
    uint256 public constant WRONG_SEED_SHARE = 0.1e18;
    /// @notice What signing a wrong outcome costs: it needs a quorum, so that a third of all stake pays it together,
    /// and still it may be a bug that all signers share; several times what it costs to be a dupe alone.
    uint256 public constant WRONG_OUTCOME_SHARE = 0.05e18;
    /// @notice What a divergence costs: small, because a difference between two implementations looks the same.
    uint256 public constant DIVERGENCE_SHARE = 0.01e18;
    /// @notice What a false attestation costs: two words of one operator about one window, which no honest ledger lets
    /// out. Half of an equivocation: it moves the pay of one machine, and an appeal takes that back.
    uint256 public constant FALSE_ATTESTATION_SHARE = 0.1e18;
    /// @notice The most that an operator loses for what it did in one stake epoch, until the sunset.
    uint256 public constant EPOCH_CAP = 0.3e18;
    /// @notice How far away the sunset may be at most.
    uint256 public constant LONGEST_SUNSET = 366 days;

    uint256 private constant WAD = 1e18;
    /// @dev tag("quorate/offence/v1")
    bytes32 private constant OFFENCE_TAG = "quorate/offence/v1";

    /// @notice May cancel charges and verdicts until the sunset, and nothing else.
    address public immutable guardian;
    /// @notice When guardian and cap end.
    uint64 public immutable sunset;

    mapping(bytes32 offenceId => Punishment) private _punishments;
    mapping(uint32 operatorIndex => mapping(uint256 epoch => uint256 wad)) private _lost;

    /// @notice The caller is not the guardian.
    error NotGuardian(address caller);
    /// @notice The sunset lies too far away.
    error SunsetTooFar(uint256 got, uint256 latest);
    /// @notice The guardian's time is over.
    error GuardianGone(uint64 sunset);
    /// @notice The same offence, or a graver one, was slashed before.
    error AlreadyPunished(bytes32 offenceId);

    modifier onlyGuardian() {
        if (msg.sender != guardian) revert NotGuardian(msg.sender);
        if (block.timestamp >= sunset) revert GuardianGone(sunset);
        _;
    }

    constructor(address guardian_, uint64 sunset_) {
        uint256 latest = block.timestamp + LONGEST_SUNSET;
        if (sunset_ > latest) revert SunsetTooFar(sunset_, latest);
        guardian = guardian_;
        sunset = sunset_;
    }

    // --- views ---

    /// @inheritdoc ISlasher
    function offenceOf(uint32 operatorIndex, uint64 n) external view returns (Offence offence, uint256 wad) {
        return punishmentOf(offenceId(operatorIndex, n));
    }

    /// @notice What an offence, by its id, has cost in all.
    function punishmentOf(bytes32 id) public view returns (Offence offence, uint256 wad) {
        Punishment memory p = _punishments[id];
        return (p.offence, p.wad);
    }

    /// @notice What an operator has lost, of 1e18, for what it did in a stake epoch.
    function lostIn(uint32 operatorIndex, uint256 epoch) external view returns (uint256 wad) {
        return _lost[operatorIndex][epoch];
    }

    /// @notice Names one offence (docs/formats.md, section 11).
    function offenceId(uint32 operatorIndex, uint64 n) public pure returns (bytes32) {
        return sha256(abi.encodePacked(OFFENCE_TAG, operatorIndex, n));
    }

    /// @notice What an offence costs, of 1e18.
    function shareOf(Offence offence) public pure returns (uint256) {
        if (offence == Offence.Equivocation) return EQUIVOCATION_SHARE;
        if (offence == Offence.WrongSeed) return WRONG_SEED_SHARE;
        if (offence == Offence.WrongOutcome) return WRONG_OUTCOME_SHARE;
        if (offence == Offence.Divergence) return DIVERGENCE_SHARE;
        if (offence == Offence.FalseAttestation) return FALSE_ATTESTATION_SHARE;
        return 0;
    }

    // --- inside ---

    /// @dev Slashes for an offence of a round.
    function _punish(uint32 operatorIndex, uint64 n, Offence offence) internal {
        _punish(operatorIndex, offenceId(operatorIndex, n), _times.epochOf(n), offence);
    }

    /// @dev Records the offence, then slashes what its class costs beyond what was taken for it before. `epoch` is the
    /// stake epoch whose cap it counts against.
    function _punish(uint32 operatorIndex, bytes32 id, uint256 epoch, Offence offence) internal {
        Punishment memory p = _punishments[id];
        uint256 share = shareOf(offence);
        if (share <= shareOf(p.offence)) revert AlreadyPunished(id);

        uint256 extra = _capped(operatorIndex, epoch, share - p.wad);
        // Below 1e18, because every share is.
        // forge-lint: disable-next-line(unsafe-typecast)
        _punishments[id] = Punishment(offence, uint64(p.wad + extra));
        // The core takes its wad from what the first slash left: round up, so that the sum is never short.
        uint256 left = WAD - p.wad;
        uint256 wad = (extra * WAD + left - 1) / left;
        _slash(operatorIndex, id, offence, wad);
    }

    /// @dev As much of `wad` as the epoch's cap still allows; counts it.
    function _capped(uint32 operatorIndex, uint256 epoch, uint256 wad) private returns (uint256) {
        uint256 lost = _lost[operatorIndex][epoch];
        if (block.timestamp < sunset) {
            uint256 room = lost < EPOCH_CAP ? EPOCH_CAP - lost : 0;
            if (wad > room) wad = room;
        }
        _lost[operatorIndex][epoch] = lost + wad;
        return wad;
    }

    /// @dev Slashes in the core and looks at what it took; whoever lost nothing is ejected.
    function _slash(uint32 operatorIndex, bytes32 id, Offence offence, uint256 wad) private {
        (address operator,) = serviceManager.operatorAt(operatorIndex);
        uint256[] memory shares = new uint256[](0);
        if (wad != 0) shares = _core().slash(operator, wad, "quorate");
        bool moved = false;
        for (uint256 i = 0; i < shares.length; ++i) {
            if (shares[i] != 0) moved = true;
        }
        emit OperatorSlashed(operator, operatorIndex, id, offence, wad, shares, moved);
        if (!moved) serviceManager.eject(operator);
    }

    function _core() private view returns (CoreAdapter.Core memory) {
        return CoreAdapter.Core(
            IAllocationManager(serviceManager.allocationManager()),
            address(serviceManager),
            serviceManager.operatorSetId()
        );
    }
}
