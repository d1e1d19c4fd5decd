// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ISlasher} from "../interfaces/ISlasher.sol";
import {Evidence} from "./Evidence.sol";

/// @title Who was proven to have signed what, by the digest of what was signed.
/// @notice A proof of many signers is paid for once; each is then slashed in a call of its own.
abstract contract Signers is ISlasher, Evidence {
    /// @dev Bits in the bitmap's own order, 256 to a word from the left.
    mapping(bytes32 digest => mapping(uint256 word => bytes32)) private _signers;

    /// @notice The operator is not known to have signed this.
    error NotASigner(bytes32 digest, uint32 operatorIndex);

    /// @inheritdoc ISlasher
    function hasSigned(bytes32 digest, uint32 operatorIndex) public view returns (bool) {
        uint256 place = operatorIndex % 256;
        // Bytes run from the left, bits within a byte from the right.
        uint256 bit = 1 << (248 - (place & ~uint256(7)) + (place & 7));
        return uint256(_signers[digest][operatorIndex / 256]) & bit != 0;
    }

    /// @dev Verifies the aggregate over the digest by the keys of the bitmap's indices, and keeps who they are.
    function _proveSigners(bytes32 digest, bytes calldata bitmap, bytes calldata aggregate) internal {
        _requireSigned(serviceManager.sumOfKeys(bitmap), digest, aggregate);
        for (uint256 from = 0; from < bitmap.length; from += 32) {
            uint256 to = from + 32 < bitmap.length ? from + 32 : bitmap.length;
            // A shorter slice is padded with zeros on the right.
            _signers[digest][from / 32] |= bytes32(bitmap[from:to]);
        }
    }

    function _requireSigner(bytes32 digest, uint32 operatorIndex) internal view {
        if (!hasSigned(digest, operatorIndex)) revert NotASigner(digest, operatorIndex);
    }
}
