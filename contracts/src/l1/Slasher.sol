// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IBridgeReceiver} from "../interfaces/IBridge.sol";
import {IServiceManager} from "../interfaces/IServiceManager.sol";
import {ISlasher} from "../interfaces/ISlasher.sol";
import {BLS12381} from "../lib/BLS12381.sol";
import {Headers} from "../lib/Headers.sol";
import {Attestations} from "./Attestations.sol";
import {Evidence} from "./Evidence.sol";
import {Punishments} from "./Punishments.sol";
import {Beacon, Seeds} from "./Seeds.sol";
import {Verdicts} from "./Verdicts.sol";

/// @title Takes evidence against operators and slashes them through EigenLayer's AllocationManager.
/// @notice An equivocation proves itself and is slashed at once. A divergence is stored as a charge and
/// executed only when L2's word has come that the certified header it names was settled in full and outlived
/// its window; without that word it lapses, so that a quorum that lies and withholds cannot convict those who
/// signed the right outcome. Whoever signed what was judged wrong: see `Verdicts`; whoever gave two words about one
/// window of a machine: `Attestations`.
contract Slasher is Verdicts, Attestations, IBridgeReceiver {
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

    /// @notice Brings L2's words.
    address public immutable bridge;

    mapping(bytes32 id => Charge) private _charges;

    /// @notice The guardian cancelled a charge.
    event ChargeCancelled(bytes32 indexed id);

    /// @notice The caller has no business here.
    error NotBridge(address caller);
    /// @notice The charge was stored before, executed, lapsed or cancelled.
    error ChargeKnown(bytes32 id);
    /// @notice There is no charge to execute or cancel under this id.
    error NoCharge(bytes32 id);
    /// @notice L2 has not spoken about this round, and may still.
    error NoWordYet(uint64 n);

    /// @param serviceManager_ the AVS, whose clock, core and operator set are used
    /// @param bridge_ the end of the road from L2 on this chain
    /// @param l2ChainId the chain of the rounds
    /// @param rounds `Rounds` on L2
    /// @param guardian_ may cancel charges and verdicts until the sunset
    /// @param sunset_ end of guardian and cap
    /// @param beacon what seeds come from: must be what `rounds` was told, or the honest could be convicted
    /// @param healthEpoch_ seconds of a health epoch, as `rounds` was told
    constructor(
        address serviceManager_,
        address bridge_,
        uint64 l2ChainId,
        address rounds,
        address guardian_,
        uint64 sunset_,
        Beacon memory beacon,
        uint32 healthEpoch_
    )
        Evidence(IServiceManager(serviceManager_), l2ChainId, rounds)
        Punishments(guardian_, sunset_)
        Seeds(l2ChainId, rounds, beacon)
        Attestations(healthEpoch_)
    {
        bridge = bridge_;
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
        _requireSigned(key, sha256(headerA), signatureA);
        _requireSigned(key, sha256(headerB), signatureB);
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
        _requireSigned(_keyOf(operatorIndex), sha256(otherHeader), signature);

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
        (bytes32 standing, uint8 verdict) = wordOf(charge.n);
        bool over = block.timestamp > slashableUntil(charge.n);
        if (verdict == 0 && !over) revert NoWordYet(charge.n);

        _charges[id].state = ChargeState.Closed;
        if (over || verdict != VERDICT_STANDS || standing != charge.certifiedDigest) {
            emit ChargeLapsed(id);
        } else {
            _punish(charge.operatorIndex, charge.n, Offence.Divergence);
        }
    }

    /// @notice Cancels a stored charge for good. Guardian only, until the sunset.
    function cancel(bytes32 id) external onlyGuardian {
        if (_charges[id].state != ChargeState.Stored) revert NoCharge(id);
        _charges[id].state = ChargeState.Cancelled;
        emit ChargeCancelled(id);
    }

    /// @notice L2's word about a round. The first stands.
    function receiveMessage(bytes calldata payload) external {
        if (msg.sender != bridge) revert NotBridge(msg.sender);
        _hear(payload);
    }

    // --- views ---

    /// @notice What is known of a charge.
    function chargeOf(bytes32 id) external view returns (Charge memory) {
        return _charges[id];
    }

    /// @notice Names one charge: an offence, and the header that is said to be certified. Nobody can take the
    /// place of a true charge by storing one about an invented header.
    function chargeId(uint32 operatorIndex, uint64 n, bytes32 certifiedDigest) public pure returns (bytes32) {
        return sha256(abi.encodePacked(offenceId(operatorIndex, n), certifiedDigest));
    }

    // --- inside ---

    function _same(bytes calldata a, bytes calldata b, uint256 length) private pure returns (bool) {
        return Headers.sameUpTo(a, b, length);
    }

    function _keyOf(uint32 operatorIndex) private view returns (bytes memory) {
        return BLS12381.padKey(serviceManager.keyAt(operatorIndex));
    }
}
