// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {CodePages} from "../lib/CodePages.sol";
import {PolicyPage} from "../lib/PolicyPage.sol";
import {PolicyCheck} from "./PolicyCheck.sol";

/// @title Policy versions by round.
/// @dev A page lies at the address that its hash gives, so only the hash is stored.
abstract contract PolicyBook is IRounds {
    using Checkpoints for Checkpoints.Trace208;

    /// @notice Who judges pages.
    PolicyCheck public immutable policyCheck;

    /// @dev Index of the version in force, by the first round that it holds for.
    Checkpoints.Trace208 private _starts;
    mapping(uint256 index => bytes32) private _hashes;

    /// @notice A version comes into force after the one before it, and names no older rules.
    error PolicyOutOfOrder(uint256 got, uint256 last);

    constructor(PolicyCheck policyCheck_) {
        policyCheck = policyCheck_;
    }

    /// @dev Checks and stores a page, in force from round `from`; `index` is 0 for the first.
    function _addPolicy(bytes memory page, uint64 from) internal returns (uint16 index) {
        bytes32 hash = policyCheck.check(page);
        uint32 version = PolicyPage.versionOf(page);
        (bool exists, uint48 lastFrom, uint208 lastIndex) = _starts.latestCheckpoint();
        if (exists) {
            if (from <= lastFrom) revert PolicyOutOfOrder(from, lastFrom);
            (uint32 lastVersion,,) = _policy(lastIndex);
            if (version < lastVersion) revert PolicyOutOfOrder(version, lastVersion);
            index = SafeCast.toUint16(lastIndex + 1);
        }
        _hashes[index] = hash;
        _starts.push(SafeCast.toUint48(from), index);
        address where = CodePages.addressOf(hash);
        if (!CodePages.exists(where)) CodePages.writeAt(hash, page);
        emit PolicySet(version, from, hash, where);
    }

    /// @inheritdoc IRounds
    function policyAt(uint64 n) external view returns (uint32 version, bytes32 policyHash, address page) {
        return _policy(_policyIndexAt(n));
    }

    /// @inheritdoc IRounds
    function policyPageAt(uint64 n) external view returns (address page) {
        return CodePages.addressOf(_hashes[_policyIndexAt(n)]);
    }

    /// @dev Index of the version in force in round n.
    function _policyIndexAt(uint64 n) internal view virtual returns (uint256) {
        return _starts.upperLookupRecent(n > type(uint48).max ? type(uint48).max : uint48(n));
    }

    function _policyHash(uint256 index) internal view returns (bytes32) {
        return _hashes[index];
    }

    function _policy(uint256 index) private view returns (uint32 version, bytes32 hash, address page) {
        hash = _hashes[index];
        page = CodePages.addressOf(hash);
        version = uint32(bytes4(CodePages.read(page, 0, 4)));
    }
}
