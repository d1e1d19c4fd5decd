// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IServiceManager} from "../interfaces/IServiceManager.sol";
import {BLS12381} from "../lib/BLS12381.sol";
import {Headers} from "../lib/Headers.sol";
import {Times, TimesLib} from "./Times.sol";

/// @title What all evidence has in common: headers of this deployment, the time for it, signatures under them.
abstract contract Evidence {
    using TimesLib for Times;

    /// @notice The AVS, whose clock, keys, core and operator set are used.
    IServiceManager public immutable serviceManager;

    Times internal _times;
    bytes private _headerPrefix;

    /// @notice The bytes are no header of this deployment.
    error WrongDomain();
    /// @notice The evidence does not contradict itself in the way that it is said to.
    error NoFault();
    /// @notice A signature is not that of the operator, or of the operators, that it is said to be of.
    error BadSignature();
    /// @notice Evidence for this round is taken no more.
    error EvidenceTooLate(uint256 closedAt);

    /// @param l2ChainId the chain of the rounds
    /// @param rounds `Rounds` on L2
    constructor(IServiceManager serviceManager_, uint64 l2ChainId, address rounds) {
        serviceManager = serviceManager_;
        Times memory t = serviceManager_.times();
        t.check();
        _times = t;
        // A chain id fits in 64 bits by EIP-2294.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint64 l1ChainId = uint64(block.chainid);
        _headerPrefix = Headers.prefix(
            Headers.Domain(l1ChainId, l2ChainId, rounds, address(serviceManager_), serviceManager_.operatorSetId())
        );
    }

    /// @notice Until when evidence about round `n` is taken.
    function evidenceUntil(uint64 n) public view returns (uint256) {
        return _times.closeOf(n) + _times.evidenceWindow();
    }

    /// @notice Until when an operator may be slashed for round `n`.
    function slashableUntil(uint64 n) public view returns (uint256) {
        return _times.closeOf(n) + _times.horizon();
    }

    /// @dev The round of a header, which must be one of this deployment and still open to evidence.
    function _roundOf(bytes calldata header) internal view returns (uint64 n) {
        if (!Headers.belongs(header, _headerPrefix)) revert WrongDomain();
        n = Headers.roundOf(header);
        if (block.timestamp > evidenceUntil(n)) revert EvidenceTooLate(evidenceUntil(n));
    }

    /// @dev The 60 bytes that name this deployment: bytes 36 to 96 of its headers.
    function _network() internal view returns (bytes memory network) {
        bytes memory prefix = _headerPrefix;
        network = new bytes(60);
        assembly ("memory-safe") {
            mcopy(add(network, 32), add(prefix, 68), 60)
        }
    }

    /// @dev `key` has 256 bytes, `signature` 128.
    function _requireSigned(bytes memory key, bytes32 digest, bytes calldata signature) internal view {
        if (!BLS12381.verify(bytes.concat(digest), BLS12381.DST_VOTE, key, signature)) revert BadSignature();
    }
}
