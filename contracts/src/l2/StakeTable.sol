// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {LibBit} from "solady/utils/LibBit.sol";
import {IBridgeReceiver} from "../interfaces/IBridge.sol";
import {IStakeTable} from "../interfaces/IStakeTable.sol";
import {BLS12381, G2ADD_GAS, G2ADD_NEEDS} from "../lib/BLS12381.sol";
import {CodePages} from "../lib/CodePages.sol";

/// @title The operators' keys and stakes of each stake epoch, as L1 fixed them.
/// @notice L1's commitment comes over the bridge; anyone posts the pages, keys first, then the stakes. Keys
/// pages are shared by all epochs whose commitments name them.
/// @dev All that `verify` reads of an epoch lies in one page of code, whose address follows from the epoch:
/// no storage is read. The page, in words of 32 bytes:
///   0 count, 1 total, 2 to 9 aggregate key in EIP-2537's form,
///   then who has stake, in the bitmap's own order (one bit an index, padded to whole words),
///   then the address of each keys page, then the stakes page as it was posted (16 bytes an index).
contract StakeTable is IStakeTable, IBridgeReceiver {
    /// @notice Keys in one page.
    uint256 public constant KEYS_IN_PAGE = 120;
    /// @notice The road from L1.
    address public immutable bridge;

    /// @dev Bytes of a commitment before the hashes of the keys pages.
    uint256 private constant COMMITMENT_HEAD = 252;
    /// @dev Bytes of an epoch's page before the bits of those who have stake.
    uint256 private constant PAGE_HEAD = 320;

    mapping(uint64 epoch => address) private _commitments;
    mapping(bytes32 hash => address) private _keysPages;

    /// @notice The caller is not the bridge.
    error NotBridge(address caller);
    /// @notice The commitment is not one of docs/formats.md, section 10, or is that of an empty table.
    error BadCommitment();
    /// @notice L1 has spoken about this epoch before.
    error AlreadyCommitted(uint64 epoch);
    /// @notice The bytes are not those that L1 committed to.
    error WrongPage(bytes32 got, bytes32 expected);
    /// @notice Stakes come after all pages of keys.
    error KeysPageMissing(uint32 page);
    /// @notice The stakes do not add up to the committed total.
    error WrongTotal(uint256 got, uint256 expected);
    /// @notice The commitment names fewer pages.
    error NoSuchPage(uint32 page);

    /// @param bridge_ the end of the road from L1 on this chain
    constructor(address bridge_) {
        bridge = bridge_;
    }

    // --- L1's word, and the pages ---

    /// @notice Takes the commitment of an epoch. The first stands.
    function receiveMessage(bytes calldata payload) external {
        if (msg.sender != bridge) revert NotBridge(msg.sender);
        if (payload.length < COMMITMENT_HEAD) revert BadCommitment();
        uint64 epoch = uint64(bytes8(payload[:8]));
        uint32 count = uint32(bytes4(payload[8:12]));
        uint128 total = uint128(bytes16(payload[12:28]));
        bool infinite = keccak256(payload[28:220]) == keccak256(new bytes(BLS12381.PACKED_KEY));
        if (count == 0 || total == 0 || infinite) revert BadCommitment();
        if (payload.length != COMMITMENT_HEAD + 32 * _pagesOf(count)) revert BadCommitment();
        if (_commitments[epoch] != address(0)) revert AlreadyCommitted(epoch);
        _commitments[epoch] = CodePages.write(payload);
        emit TableCommitted(epoch, count, total, sha256(payload));
    }

    /// @inheritdoc IStakeTable
    function postKeysPage(uint64 epoch, uint32 page, bytes calldata keys) external {
        bytes32 expected = _keysHash(_commitmentOf(epoch), page);
        bytes32 got = sha256(keys);
        if (got != expected) revert WrongPage(got, expected);
        if (_keysPages[got] != address(0)) return;
        address code = CodePages.write(keys);
        _keysPages[got] = code;
        emit KeysPagePosted(page, got, code);
    }

    /// @inheritdoc IStakeTable
    function postStakesPage(uint64 epoch, bytes calldata stakes) external {
        bytes memory commitment = _commitmentOf(epoch);
        bytes32 expected;
        assembly ("memory-safe") {
            expected := mload(add(commitment, 252))
        }
        bytes32 got = sha256(stakes);
        if (got != expected) revert WrongPage(got, expected);
        if (CodePages.exists(_pageOf(epoch))) return;
        address code = CodePages.writeAt(bytes32(uint256(epoch)), _layOut(commitment, stakes));
        emit StakesPagePosted(epoch, code);
    }

    // --- views ---

    /// @inheritdoc IStakeTable
    function isComplete(uint64 epoch) external view returns (bool) {
        return CodePages.exists(_pageOf(epoch));
    }

    /// @notice Whether L1's word for an epoch has come, and its bytes.
    function commitmentOf(uint64 epoch) external view returns (bool known, bytes memory commitment) {
        address page = _commitments[epoch];
        return page == address(0) ? (false, commitment) : (true, CodePages.read(page));
    }

    /// @notice Where the keys page of a hash lies, zero if nobody has posted it.
    function keysPageAt(bytes32 hash) external view returns (address) {
        return _keysPages[hash];
    }

    /// @inheritdoc IStakeTable
    function tableOf(uint64 epoch)
        external
        view
        returns (uint32 count, uint128 total, bytes memory aggregateKey, bytes memory stakes)
    {
        address page = _pageOf(epoch);
        if (!CodePages.exists(page)) revert NoTable(epoch);
        bytes memory whole = CodePages.read(page);
        aggregateKey = new bytes(BLS12381.G2);
        assembly ("memory-safe") {
            count := mload(add(whole, 32))
            total := mload(add(whole, 64))
            mcopy(add(aggregateKey, 32), add(whole, 96), 256)
        }
        uint256 from = whole.length - 16 * uint256(count);
        stakes = CodePages.read(page, from, whole.length - from);
    }

    /// @inheritdoc IStakeTable
    function keysPage(uint64 epoch, uint32 page) external view returns (bytes memory) {
        address code = _keysPages[_keysHash(_commitmentOf(epoch), page)];
        if (code == address(0)) revert KeysPageMissing(page);
        return CodePages.read(code);
    }

    /// @inheritdoc IStakeTable
    function verify(uint64 epoch, bytes32 digest, bytes calldata bitmap, bytes calldata aggregate)
        external
        view
        returns (uint256 signed, uint256 total)
    {
        address page = _pageOf(epoch);
        uint256 key;
        uint256 count;
        uint256 staked;
        uint256 signers;
        assembly ("memory-safe") {
            let head := mload(0x40)
            key := add(head, 64)
            mstore(0x40, add(head, 352))
            extcodecopy(page, head, 1, 352)
            count := mload(head)
            total := mload(add(head, 32))
            staked := mload(add(head, 320))
            signers := calldataload(bitmap.offset)
        }
        // Where there is no code, the copy is zeros.
        if (count == 0) revert NoTable(epoch);
        if (bitmap.length != (count + 7) / 8) revert BadBitmap();

        // Nearly always one word holds all bits, and everyone signed.
        if (count <= 256 && staked == signers >> (256 - 8 * bitmap.length) << (256 - 8 * bitmap.length)) {
            signed = total;
        } else {
            Signers memory s = _signers(page, bitmap, count);
            signed = s.all ? total : _sumUp(page, s, count, key, total);
        }
        if (!BLS12381.verifyAt(bytes.concat(digest), BLS12381.DST_VOTE, key, aggregate)) revert BadSignature();
    }

    // --- inside ---

    /// @dev Who signed, in the words of the bitmap.
    struct Signers {
        bool all; // everyone who has stake
        bool absentees; // whether `bits` are those who did not sign, else those who did
        uint256 bits; // pointer to the words
        uint256 words;
    }

    /// @dev Reads the bitmap against those who have stake. Picks the smaller of the two sets, signers and
    /// absentees, since each of its members costs a point addition.
    function _signers(address page, bytes calldata bitmap, uint256 count) private view returns (Signers memory s) {
        uint256 words = (count + 255) / 256;
        uint256 signed; // the words of those who signed
        uint256 absent; // of those who have stake and did not
        assembly ("memory-safe") {
            signed := mload(0x40)
            absent := add(signed, shl(5, words))
            mstore(0x40, add(absent, shl(5, words)))
            // Whole words, so that nothing but the bitmap is in the last one.
            mstore(sub(absent, 32), 0)
            calldatacopy(signed, bitmap.offset, bitmap.length)
            extcodecopy(page, absent, add(PAGE_HEAD, 1), shl(5, words))
        }
        uint256 signers;
        uint256 absentees;
        for (uint256 i = 0; i < words; ++i) {
            uint256 word;
            uint256 staked;
            assembly ("memory-safe") {
                let offset := shl(5, i)
                word := mload(add(signed, offset))
                staked := mload(add(absent, offset))
                mstore(add(absent, offset), xor(staked, word))
            }
            if (word & ~staked != 0) revert BadBitmap();
            if (word != staked) absentees += LibBit.popCount(staked ^ word);
            signers += LibBit.popCount(word);
        }
        s.all = absentees == 0;
        s.absentees = absentees <= signers;
        s.bits = s.absentees ? absent : signed;
        s.words = words;
    }

    /// @dev Adds up stakes and keys of the chosen set. Returns the signers' stake, and turns the table's
    /// aggregate at `key` into the signers'.
    function _sumUp(address page, Signers memory s, uint256 count, uint256 key, uint256 total)
        private
        view
        returns (uint256 signed)
    {
        // The rest of the page: addresses of the keys pages, then stakes.
        uint256 pages;
        uint256 stakes;
        uint256 points; // sum so far, next key, the same key packed
        uint256 length = 32 * _pagesOf(count);
        assembly ("memory-safe") {
            pages := mload(0x40)
            stakes := add(pages, length)
            points := add(stakes, and(add(shl(4, count), 63), not(31)))
            mstore(0x40, add(points, 704))
            extcodecopy(page, pages, add(add(PAGE_HEAD, 1), shl(5, mload(add(s, 96)))), add(length, shl(4, count)))
            mcopy(points, key, 256)
        }
        // From the aggregate: -(aggregate) + absentees, negated in the end. Else from infinity.
        if (s.absentees) BLS12381.negateG2(points);
        else _clear(points);
        uint256 sum = _walk(s, pages, stakes, points);
        if (s.absentees) BLS12381.negateG2(points);
        assembly ("memory-safe") {
            mcopy(key, points, 256)
        }
        return s.absentees ? total - sum : sum;
    }

    /// @dev Adds the keys of the set to the point at `points`, and its stakes. The whole loop in one piece: each
    /// absentee goes through it. Behind the point lie the next key (256 bytes) and the same one packed (192).
    function _walk(Signers memory s, uint256 pages, uint256 stakes, uint256 points) private view returns (uint256 sum) {
        uint256 words = s.words;
        uint256 bits = s.bits;
        bool ok = true;
        assembly ("memory-safe") {
            // Keys are padded with zeros, here once, and copied between them.
            calldatacopy(add(points, 256), calldatasize(), 256)
            for { let i := 0 } lt(i, words) { i := add(i, 1) } {
                for { let word := mload(add(bits, shl(5, i))) } word {} {
                    // Bytes run from the left, bits within a byte from the right.
                    let index := clz(word)
                    word := xor(word, shr(index, shl(255, 1)))
                    index := add(shl(8, i), xor(index, 7))
                    sum := add(sum, shr(128, mload(add(stakes, shl(4, index)))))
                    let page := div(index, KEYS_IN_PAGE)
                    index := sub(index, mul(page, KEYS_IN_PAGE))
                    extcodecopy(mload(add(pages, shl(5, page))), add(points, 512), add(mul(index, 192), 1), 192)
                    mcopy(add(points, 272), add(points, 512), 48)
                    mcopy(add(points, 336), add(points, 560), 48)
                    mcopy(add(points, 400), add(points, 608), 48)
                    mcopy(add(points, 464), add(points, 656), 48)
                    ok := and(ok, gt(gas(), G2ADD_NEEDS))
                    ok := and(ok, staticcall(G2ADD_GAS, 0x0d, points, 512, points, 256))
                }
            }
        }
        // L1 has seen the proof of possession of each key: nothing but gas can have failed.
        if (!ok) revert BLS12381.TooLittleGas();
    }

    function _clear(uint256 point) private pure {
        assembly ("memory-safe") {
            // Reading calldata beyond its end gives zeros.
            calldatacopy(point, calldatasize(), 256)
        }
    }

    function _pageOf(uint64 epoch) private view returns (address) {
        return CodePages.addressOf(bytes32(uint256(epoch)));
    }

    function _pagesOf(uint256 count) private pure returns (uint256) {
        return (count + KEYS_IN_PAGE - 1) / KEYS_IN_PAGE;
    }

    function _commitmentOf(uint64 epoch) private view returns (bytes memory) {
        address page = _commitments[epoch];
        if (page == address(0)) revert NoTable(epoch);
        return CodePages.read(page);
    }

    function _keysHash(bytes memory commitment, uint32 page) private pure returns (bytes32 hash) {
        uint256 offset = COMMITMENT_HEAD + 32 * uint256(page);
        if (offset >= commitment.length) revert NoSuchPage(page);
        assembly ("memory-safe") {
            hash := mload(add(add(commitment, 32), offset))
        }
    }

    /// @dev The page of an epoch, from what L1 committed to.
    function _layOut(bytes memory commitment, bytes calldata stakes) private view returns (bytes memory) {
        uint256 count;
        uint256 total;
        bytes memory packed = new bytes(BLS12381.PACKED_KEY);
        assembly ("memory-safe") {
            count := shr(224, mload(add(commitment, 40)))
            total := shr(128, mload(add(commitment, 44)))
            mcopy(add(packed, 32), add(commitment, 60), 192)
        }
        return bytes.concat(
            abi.encode(count, total),
            BLS12381.padKey(packed),
            _stakedBits(stakes, count, total),
            _keysPagesOf(commitment, count),
            stakes
        );
    }

    /// @dev One bit for each index that has stake, in the bitmap's order, in whole words.
    function _stakedBits(bytes calldata stakes, uint256 count, uint256 total) private pure returns (bytes memory bits) {
        if (stakes.length != 16 * count) revert BadCommitment();
        bits = new bytes((count + 255) / 256 * 32);
        uint256 sum = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint128 stake = uint128(bytes16(stakes[16 * i:16 * i + 16]));
            sum += stake;
            if (stake != 0) bits[i / 8] |= bytes1(uint8(1 << (i % 8)));
        }
        if (sum != total) revert WrongTotal(sum, total);
    }

    function _keysPagesOf(bytes memory commitment, uint256 count) private view returns (bytes memory addresses) {
        uint256 pages = _pagesOf(count);
        for (uint32 page = 0; page < pages; ++page) {
            address code = _keysPages[_keysHash(commitment, page)];
            if (code == address(0)) revert KeysPageMissing(page);
            addresses = bytes.concat(addresses, bytes32(uint256(uint160(code))));
        }
    }
}
