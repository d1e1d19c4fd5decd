// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IServiceManager} from "../interfaces/IServiceManager.sol";
import {BLS12381} from "../lib/BLS12381.sol";
import {CodePages} from "../lib/CodePages.sol";

/// @title Who the operators are: indices, keys, and who is registered now.
/// @dev An index belongs to one operator for ever, and so does its key: keys are appended, never changed.
abstract contract OperatorBook is IServiceManager {
    /// @notice How many operators may be in the set at once: a table must fit in one transaction.
    uint256 public constant MAX_REGISTERED = 128;
    /// @notice How many indices there can ever be: the stakes of all must fit in one page, here and on L2.
    uint256 public constant MAX_INDICES = 1_200;
    /// @notice Keys in one page.
    uint256 public constant KEYS_IN_PAGE = 120;

    struct Operator {
        address keyPage; // zero: never seen
        uint32 index;
        uint32 position; // in `_registered`, from 1; zero: not registered
    }

    mapping(address operator => Operator) internal _operators;
    address[] internal _byIndex;
    address[] internal _registered;
    /// @dev By the key's x coordinate, so that a key and its negative count as one.
    mapping(bytes32 x => bool) private _keyTaken;
    /// @dev Hashes of keys pages that are full.
    mapping(uint256 page => bytes32) private _fullPageHash;

    /// @notice No place is left: `MAX_REGISTERED` at once, `MAX_INDICES` ever.
    error SetFull();
    /// @notice The key, or its negative, belongs to somebody else.
    error KeyTaken();
    /// @notice An operator that comes back must bring the key it had.
    error KeyChanged();
    /// @notice Nobody has this index.
    error UnknownIndex(uint32 index);
    /// @notice The bitmap is empty, or names an index that nobody has.
    error BadBitmap();

    /// @inheritdoc IServiceManager
    function operatorCount() public view returns (uint32) {
        // No more than MAX_INDICES.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint32(_byIndex.length);
    }

    /// @notice How many operators are registered now.
    function registeredCount() external view returns (uint256) {
        return _registered.length;
    }

    /// @inheritdoc IServiceManager
    function indexOf(address operator) external view returns (bool known, uint32 index) {
        Operator storage entry = _operators[operator];
        return (entry.keyPage != address(0), entry.index);
    }

    /// @inheritdoc IServiceManager
    function operatorAt(uint32 index) public view returns (address operator, bool registered) {
        if (index >= _byIndex.length) revert UnknownIndex(index);
        operator = _byIndex[index];
        registered = _operators[operator].position != 0;
    }

    /// @inheritdoc IServiceManager
    function keyAt(uint32 index) public view returns (bytes memory key) {
        (address operator,) = operatorAt(index);
        return CodePages.read(_operators[operator].keyPage);
    }

    /// @inheritdoc IServiceManager
    function keysPage(uint32 page) public view returns (bytes memory keys) {
        uint256 from = uint256(page) * KEYS_IN_PAGE;
        uint256 to = from + KEYS_IN_PAGE;
        if (to > _byIndex.length) to = _byIndex.length;
        if (from >= to) return "";
        keys = new bytes((to - from) * BLS12381.PACKED_KEY);
        for (uint256 i = from; i < to; ++i) {
            bytes memory key = CodePages.read(_operators[_byIndex[i]].keyPage);
            uint256 offset = (i - from) * BLS12381.PACKED_KEY;
            assembly ("memory-safe") {
                mcopy(add(add(keys, 32), offset), add(key, 32), 192)
            }
        }
    }

    /// @inheritdoc IServiceManager
    function sumOfKeys(bytes calldata bitmap) external view returns (bytes memory key) {
        uint256 points = _points();
        uint256 count = _byIndex.length;
        bool any = false;
        for (uint256 i = 0; i < bitmap.length; ++i) {
            uint256 bits = uint8(bitmap[i]);
            for (uint256 index = 8 * i; bits != 0; (bits, index) = (bits >> 1, index + 1)) {
                if (bits & 1 == 0) continue;
                if (index >= count) revert BadBitmap();
                _addKey(points, _operators[_byIndex[index]].keyPage);
                any = true;
            }
        }
        if (!any) revert BadBitmap();
        return _pointAt(points);
    }

    // --- inside ---

    /// @dev Room for two points of G2, a sum, now infinity, and the next key; and for that key packed.
    function _points() internal pure returns (uint256 points) {
        bytes memory room = new bytes(2 * BLS12381.G2 + BLS12381.PACKED_KEY);
        assembly ("memory-safe") {
            points := add(room, 32)
        }
    }

    /// @dev Adds the key in a page, which `_appendKey` has written, to the sum at `points`.
    function _addKey(uint256 points, address keyPage) internal view {
        uint256 packed = points + 2 * BLS12381.G2;
        assembly ("memory-safe") {
            extcodecopy(keyPage, packed, 1, 192)
        }
        BLS12381.padKeyAt(packed, points + BLS12381.G2);
        BLS12381.addG2(points, points);
    }

    /// @dev The sum at `points`, 256 bytes.
    function _pointAt(uint256 points) internal pure returns (bytes memory sum) {
        sum = new bytes(BLS12381.G2);
        assembly ("memory-safe") {
            mcopy(add(sum, 32), points, 256)
        }
    }

    /// @dev Puts an operator into the set. One seen for the first time gets the next index; one that comes back
    /// must bring the key it had.
    function _join(address operator, bytes memory packed) internal returns (uint32 index) {
        if (_registered.length == MAX_REGISTERED) revert SetFull();
        Operator storage entry = _operators[operator];
        if (entry.keyPage == address(0)) {
            _appendKey(operator, packed);
        } else if (keccak256(CodePages.read(entry.keyPage)) != keccak256(packed)) {
            revert KeyChanged();
        }
        _registered.push(operator);
        // No more than MAX_REGISTERED.
        // forge-lint: disable-next-line(unsafe-typecast)
        entry.position = uint32(_registered.length);
        return entry.index;
    }

    /// @dev Takes an operator out of the set; the last one moves into its place.
    function _leave(address operator) internal returns (uint32 index) {
        Operator storage entry = _operators[operator];
        uint32 position = entry.position;
        address last = _registered[_registered.length - 1];
        _registered[position - 1] = last;
        _operators[last].position = position;
        _registered.pop();
        entry.position = 0;
        return entry.index;
    }

    function _isRegistered(address operator) internal view returns (bool) {
        return _operators[operator].position != 0;
    }

    /// @dev The hash of each keys page, joined. That of a full page is kept: the page never changes again.
    function _pageHashes() internal returns (bytes memory hashes) {
        uint256 full = _byIndex.length / KEYS_IN_PAGE;
        uint256 pages = (_byIndex.length + KEYS_IN_PAGE - 1) / KEYS_IN_PAGE;
        for (uint256 page = 0; page < pages; ++page) {
            bytes32 hash = _fullPageHash[page];
            if (hash == 0) {
                // No more than MAX_INDICES / KEYS_IN_PAGE.
                // forge-lint: disable-next-line(unsafe-typecast)
                hash = sha256(keysPage(uint32(page)));
                if (page < full) _fullPageHash[page] = hash;
            }
            hashes = bytes.concat(hashes, hash);
        }
    }

    /// @dev Gives `operator` the next index and keeps its key.
    function _appendKey(address operator, bytes memory packed) private {
        if (_byIndex.length == MAX_INDICES) revert SetFull();
        bytes32 x;
        assembly ("memory-safe") {
            x := keccak256(add(packed, 32), 96)
        }
        if (_keyTaken[x]) revert KeyTaken();
        _keyTaken[x] = true;
        Operator storage entry = _operators[operator];
        entry.index = operatorCount();
        entry.keyPage = CodePages.write(packed);
        _byIndex.push(operator);
    }
}
