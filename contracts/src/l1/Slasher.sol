// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IBridgeReceiver} from "../interfaces/IBridge.sol";
import {IServiceManager} from "../interfaces/IServiceManager.sol";
import {ISlasher} from "../interfaces/ISlasher.sol";
import {IAllocationManager} from "../interfaces/eigenlayer/IAllocationManager.sol";
import {BLS12381} from "../lib/BLS12381.sol";
import {Headers} from "../lib/Headers.sol";
import {CoreAdapter} from "./CoreAdapter.sol";
import {Times, TimesLib} from "./Times.sol";

/// @title Takes evidence against operators and slashes them through EigenLayer's AllocationManager.
/// @notice An equivocation proves itself and is slashed at once. A divergence is stored as a charge and
/// executed only when L2's word has come that the certified header it names was settled in full and outlived
/// its window; without that word it lapses.
/// @dev One offence is (operator, round), slashed once; a graver class found later slashes the difference.
/// Until the sunset, what an operator can lose for the rounds of one epoch is capped, and a guardian may
/// cancel charges, so that a bug of ours is no massacre.
contract Slasher is ISlasher, IBridgeReceiver {
    using TimesLib for Times;
    using CoreAdapter for CoreAdapter.Core;

    enum ChargeState {
        None,
        Stored,
        Closed,
        Cancelled
    }

    struct Charge {
        bytes32 certifiedDigest;
        uint64 n;
        uint32 operatorIndex;
        ChargeState state;
    }

    struct Word {
        bytes32 digest;
        uint8 verdict; // zero: none came
    }

    struct Punishment {
        Offence offence;
        uint64 wad; // of 1e18, in all
    }

    /// @notice What an equivocation costs, of 1e18: no honest signer can commit one.
    uint256 public constant EQUIVOCATION_SHARE = 0.2e18;
    /// @notice What a divergence costs: small, because a difference between two implementations looks the same.
    uint256 public constant DIVERGENCE_SHARE = 0.01e18;
    /// @notice The most that an operator loses for the rounds of one stake epoch, until the sunset.
    uint256 public constant EPOCH_CAP = 0.3e18;
    /// @notice How far away the sunset may be at most.
    uint256 public constant LONGEST_SUNSET = 366 days;
    /// @notice The verdict that a round was settled in full and outlived its windows.
    uint8 public constant VERDICT_STANDS = 1;

    uint256 private constant WAD = 1e18;
    /// @dev tag("quorate/offence/v1")
    bytes32 private constant OFFENCE_TAG = "quorate/offence/v1";

    /// @notice The AVS.
    IServiceManager public immutable serviceManager;
    /// @notice Brings L2's words.
    address public immutable bridge;
    /// @notice May cancel charges until the sunset, and nothing else.
    address public immutable guardian;
    /// @notice When guardian and cap end.
    uint64 public immutable sunset;

    Times private _times;
    bytes private _headerPrefix;
    mapping(uint64 n => Word) private _words;
    mapping(bytes32 id => Charge) private _charges;
    mapping(bytes32 offenceId => Punishment) private _punishments;
    mapping(uint32 operatorIndex => mapping(uint256 epoch => uint256 wad)) private _lost;

    /// @notice The guardian cancelled a charge.
    event ChargeCancelled(bytes32 indexed id);

    /// @notice The caller has no business here.
    error NotBridge(address caller);
    error NotGuardian(address caller);
    /// @notice The sunset lies too far away.
    error SunsetTooFar(uint256 got, uint256 latest);
    /// @notice The guardian's time is over.
    error GuardianGone(uint64 sunset);
    /// @notice The bytes are no header of this deployment.
    error WrongDomain();
    /// @notice The two headers do not contradict each other in the way that the charge says.
    error NoFault();
    /// @notice A signature is not the operator's.
    error BadSignature();
    /// @notice Evidence for this round is taken no more.
    error EvidenceTooLate(uint256 closedAt);
    /// @notice The same offence, or a graver one, was slashed before.
    error AlreadyPunished(bytes32 offenceId);
    /// @notice The charge was stored before, executed, lapsed or cancelled.
    error ChargeKnown(bytes32 id);
    /// @notice There is no charge to execute or cancel under this id.
    error NoCharge(bytes32 id);
    /// @notice L2 has not spoken about this round, and may still.
    error NoWordYet(uint64 n);
    /// @notice The message is not one of docs/formats.md, section 12.
    error BadMessage();
    /// @notice L2 has spoken about this round before.
    error WordStands(uint64 n);

    /// @param serviceManager_ the AVS, whose clock, core and operator set are used
    /// @param bridge_ the end of the road from L2 on this chain
    /// @param l2ChainId the chain of the rounds
    /// @param rounds `Rounds` on L2
    /// @param guardian_ may cancel charges until the sunset
    /// @param sunset_ end of guardian and cap
    constructor(
        address serviceManager_,
        address bridge_,
        uint64 l2ChainId,
        address rounds,
        address guardian_,
        uint64 sunset_
    ) {
        uint256 latest = block.timestamp + LONGEST_SUNSET;
        if (sunset_ > latest) revert SunsetTooFar(sunset_, latest);
        serviceManager = IServiceManager(serviceManager_);
        bridge = bridge_;
        guardian = guardian_;
        sunset = sunset_;
        Times memory t = serviceManager.times();
        t.check();
        _times = t;
        // A chain id fits in 64 bits by EIP-2294.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint64 l1ChainId = uint64(block.chainid);
        _headerPrefix = Headers.prefix(
            Headers.Domain(l1ChainId, l2ChainId, rounds, serviceManager_, serviceManager.operatorSetId())
        );
    }

    // --- evidence ---

    /// @inheritdoc ISlasher
    function proveEquivocation(
        uint32 operatorIndex,
        bytes calldata headerA,
        bytes calldata signatureA,
        bytes calldata headerB,
        bytes calldata signatureB
    ) external {
        uint64 n = _roundOf(headerA);
        if (n != _roundOf(headerB) || _same(headerA, headerB, Headers.LENGTH)) revert NoFault();
        bytes memory key = _keyOf(operatorIndex);
        _requireSigned(key, headerA, signatureA);
        _requireSigned(key, headerB, signatureB);
        _punish(operatorIndex, n, Offence.Equivocation);
    }

    /// @inheritdoc ISlasher
    function chargeDivergence(
        uint32 operatorIndex,
        bytes calldata certifiedHeader,
        bytes calldata otherHeader,
        bytes calldata signature
    ) external returns (bytes32 id) {
        uint64 n = _roundOf(certifiedHeader);
        _roundOf(otherHeader);
        if (
            !_same(certifiedHeader, otherHeader, Headers.SAME_INPUTS)
                || _same(certifiedHeader, otherHeader, Headers.LENGTH)
        ) revert NoFault();
        _requireSigned(_keyOf(operatorIndex), otherHeader, signature);

        bytes32 digest = sha256(certifiedHeader);
        id = chargeId(operatorIndex, n, digest);
        if (_charges[id].state != ChargeState.None) revert ChargeKnown(id);
        _charges[id] = Charge(digest, n, operatorIndex, ChargeState.Stored);
        emit ChargeStored(id, operatorIndex, n, Offence.Divergence, digest);
    }

    /// @inheritdoc ISlasher
    /// @dev Lapses for good when L2's word is not "this very header stands", or when the time is over.
    function execute(bytes32 id) external {
        Charge memory charge = _charges[id];
        if (charge.state != ChargeState.Stored) revert NoCharge(id);
        Word memory word = _words[charge.n];
        bool over = block.timestamp > _times.closeOf(charge.n) + _times.horizon();
        if (word.verdict == 0 && !over) revert NoWordYet(charge.n);

        _charges[id].state = ChargeState.Closed;
        if (over || word.verdict != VERDICT_STANDS || word.digest != charge.certifiedDigest) {
            emit ChargeLapsed(id);
        } else {
            _punish(charge.operatorIndex, charge.n, Offence.Divergence);
        }
    }

    /// @notice Cancels a stored charge for good. Guardian only, until the sunset.
    function cancel(bytes32 id) external {
        if (msg.sender != guardian) revert NotGuardian(msg.sender);
        if (block.timestamp >= sunset) revert GuardianGone(sunset);
        if (_charges[id].state != ChargeState.Stored) revert NoCharge(id);
        _charges[id].state = ChargeState.Cancelled;
        emit ChargeCancelled(id);
    }

    /// @notice L2's word about a round. The first stands.
    function receiveMessage(bytes calldata payload) external {
        if (msg.sender != bridge) revert NotBridge(msg.sender);
        if (payload.length != 41) revert BadMessage();
        uint64 n = uint64(bytes8(payload[:8]));
        bytes32 digest = bytes32(payload[8:40]);
        uint8 verdict = uint8(payload[40]);
        if (verdict == 0) revert BadMessage();
        if (_words[n].verdict != 0) revert WordStands(n);
        _words[n] = Word(digest, verdict);
        emit WordReceived(n, digest, verdict);
    }

    // --- views ---

    /// @inheritdoc ISlasher
    function wordOf(uint64 n) external view returns (bytes32 digest, uint8 verdict) {
        return (_words[n].digest, _words[n].verdict);
    }

    /// @inheritdoc ISlasher
    function offenceOf(uint32 operatorIndex, uint64 n) external view returns (Offence offence, uint256 wad) {
        Punishment memory p = _punishments[offenceId(operatorIndex, n)];
        return (p.offence, p.wad);
    }

    /// @notice What is known of a charge.
    function chargeOf(bytes32 id) external view returns (Charge memory) {
        return _charges[id];
    }

    /// @notice What an operator has lost, of 1e18, for the rounds of a stake epoch.
    function lostIn(uint32 operatorIndex, uint256 epoch) external view returns (uint256 wad) {
        return _lost[operatorIndex][epoch];
    }

    /// @notice Until when evidence about round `n` is taken.
    function evidenceUntil(uint64 n) public view returns (uint256) {
        return _times.closeOf(n) + _times.evidenceWindow();
    }

    /// @notice Names one offence (docs/formats.md, section 11).
    function offenceId(uint32 operatorIndex, uint64 n) public pure returns (bytes32) {
        return sha256(abi.encodePacked(OFFENCE_TAG, operatorIndex, n));
    }

    /// @notice Names one charge: an offence, and the header that is said to be certified. Nobody can take the
    /// place of a true charge by storing one about an invented header.
    function chargeId(uint32 operatorIndex, uint64 n, bytes32 certifiedDigest) public pure returns (bytes32) {
        return sha256(abi.encodePacked(offenceId(operatorIndex, n), certifiedDigest));
    }

    /// @notice What an offence costs, of 1e18.
    function shareOf(Offence offence) public pure returns (uint256) {
        if (offence == Offence.Equivocation) return EQUIVOCATION_SHARE;
        if (offence == Offence.Divergence) return DIVERGENCE_SHARE;
        return 0;
    }

    // --- inside ---

    /// @dev The round of a header, which must be one of this deployment and still open to evidence.
    function _roundOf(bytes calldata header) private view returns (uint64 n) {
        if (!Headers.belongs(header, _headerPrefix)) revert WrongDomain();
        n = Headers.roundOf(header);
        if (block.timestamp > evidenceUntil(n)) revert EvidenceTooLate(evidenceUntil(n));
    }

    function _same(bytes calldata a, bytes calldata b, uint256 length) private pure returns (bool) {
        return Headers.sameUpTo(a, b, length);
    }

    function _keyOf(uint32 operatorIndex) private view returns (bytes memory) {
        return BLS12381.padKey(serviceManager.keyAt(operatorIndex));
    }

    function _requireSigned(bytes memory key, bytes calldata header, bytes calldata signature) private view {
        bytes memory message = bytes.concat(sha256(header));
        if (!BLS12381.verify(message, BLS12381.DST_VOTE, key, signature)) revert BadSignature();
    }

    /// @dev Records the offence, then slashes what its class costs beyond what was taken for it before.
    function _punish(uint32 operatorIndex, uint64 n, Offence offence) private {
        bytes32 id = offenceId(operatorIndex, n);
        Punishment memory p = _punishments[id];
        uint256 share = shareOf(offence);
        if (share <= shareOf(p.offence)) revert AlreadyPunished(id);

        uint256 extra = _capped(operatorIndex, n, share - p.wad);
        // Below 1e18, because every share is.
        // forge-lint: disable-next-line(unsafe-typecast)
        _punishments[id] = Punishment(offence, uint64(p.wad + extra));
        // The core takes its wad from what the first slash left: round up, so that the sum is never short.
        uint256 left = WAD - p.wad;
        uint256 wad = (extra * WAD + left - 1) / left;
        _slash(operatorIndex, id, offence, wad);
    }

    /// @dev As much of `wad` as the epoch's cap still allows; counts it.
    function _capped(uint32 operatorIndex, uint64 n, uint256 wad) private returns (uint256) {
        uint256 epoch = _times.epochOf(n);
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
