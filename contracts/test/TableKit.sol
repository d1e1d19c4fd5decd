// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {BLS12381} from "../src/lib/BLS12381.sol";
import {BlsKit} from "./BlsKit.sol";

/// @notice A stake table for tests, written down independently of the contracts that make and read it.
library TableKit {
    uint256 private constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    struct Table {
        uint64 epoch;
        uint256[] secrets;
        uint256[] stakes;
    }

    function create(uint64 epoch, uint256 count) internal pure returns (Table memory) {
        return Table(epoch, new uint256[](count), new uint256[](count));
    }

    function set(Table memory t, uint256 index, uint256 secret, uint256 stake) internal pure {
        t.secrets[index] = secret;
        t.stakes[index] = stake;
    }

    function pages(Table memory t) internal pure returns (uint256) {
        return (t.secrets.length + 119) / 120;
    }

    function total(Table memory t) internal pure returns (uint256 sum) {
        for (uint256 i = 0; i < t.stakes.length; ++i) {
            sum += t.stakes[i];
        }
    }

    function keysPage(Table memory t, uint256 page) internal view returns (bytes memory keys) {
        for (uint256 i = 120 * page; i < t.secrets.length && i < 120 * (page + 1); ++i) {
            keys = bytes.concat(keys, BlsKit.packedKeyOf(t.secrets[i]));
        }
    }

    function stakesPage(Table memory t) internal pure returns (bytes memory stakes) {
        for (uint256 i = 0; i < t.stakes.length; ++i) {
            stakes = bytes.concat(stakes, bytes16(uint128(t.stakes[i])));
        }
    }

    function aggregateKey(Table memory t) internal view returns (bytes memory) {
        uint256 secret = 0;
        for (uint256 i = 0; i < t.stakes.length; ++i) {
            if (t.stakes[i] != 0) secret = addmod(secret, t.secrets[i], ORDER);
        }
        return BlsKit.packedKeyOf(secret);
    }

    function commitment(Table memory t) internal view returns (bytes memory bytes_) {
        bytes_ = abi.encodePacked(
            t.epoch, uint32(t.stakes.length), uint128(total(t)), aggregateKey(t), sha256(stakesPage(t))
        );
        for (uint256 p = 0; p < pages(t); ++p) {
            bytes_ = bytes.concat(bytes_, sha256(keysPage(t, p)));
        }
    }

    function has(bytes memory bitmap, uint256 index) internal pure returns (bool) {
        return uint8(bitmap[index / 8]) >> (index % 8) & 1 == 1;
    }

    function unset(bytes memory bitmap, uint256 index) internal pure {
        bitmap[index / 8] &= ~bytes1(uint8(1 << (index % 8)));
    }

    /// @notice The bitmap of all who have stake.
    function all(Table memory t) internal pure returns (bytes memory bitmap) {
        bitmap = new bytes((t.stakes.length + 7) / 8);
        for (uint256 i = 0; i < t.stakes.length; ++i) {
            if (t.stakes[i] != 0) bitmap[i / 8] |= bytes1(uint8(1 << (i % 8)));
        }
    }

    function stakeOf(Table memory t, bytes memory bitmap) internal pure returns (uint256 sum) {
        for (uint256 i = 0; i < t.stakes.length; ++i) {
            if (has(bitmap, i)) sum += t.stakes[i];
        }
    }

    /// @notice The aggregate signature of a bitmap's members, 128 bytes.
    function sign(Table memory t, bytes memory bitmap, bytes32 digest) internal view returns (bytes memory) {
        uint256 secret = 0;
        for (uint256 i = 0; i < t.stakes.length; ++i) {
            if (has(bitmap, i)) secret = addmod(secret, t.secrets[i], ORDER);
        }
        return BlsKit.sign(secret, BLS12381.DST_VOTE, digest);
    }
}
