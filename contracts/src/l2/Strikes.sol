// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {LibBit} from "solady/utils/LibBit.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {IStakeTable} from "../interfaces/IStakeTable.sol";
import {IStrikes} from "../interfaces/IStrikes.sol";

/// @title Operators whose signatures count no more on L2, because they signed what was refuted.
/// @dev Bits lie as in the bitmaps of certificates, word for word, under the last epoch for which they hold. How
/// long that is follows from the refutation's time: striking again or late does not make it longer.
contract Strikes is IStrikes {
    /// @notice Where rounds are settled and refuted.
    IRounds public immutable rounds;
    /// @notice Operators' keys and stakes, the table of `rounds`.
    IStakeTable public immutable table;

    uint64 private immutable _genesis;
    uint32 private immutable _stakeEpoch;

    /// @notice Seconds after a refutation in which L1 may not have heard of it when it fixes a table.
    uint32 public immutable hearing;

    /// @inheritdoc IStrikes
    uint64 public lastEpoch;
    mapping(uint256 epoch => mapping(uint256 word => uint256)) private _bits;

    /// @param rounds_ asks this contract before it takes a certificate
    /// @param table_ the table that certificates of `rounds_` are verified by
    /// @param hearing_ seconds: the bridge's delay to L1, and how long before its epoch a table may be fixed
    constructor(IRounds rounds_, IStakeTable table_, uint32 hearing_) {
        rounds = rounds_;
        table = table_;
        hearing = hearing_;
        IRounds.Schedule memory s = rounds_.schedule();
        (_genesis, _stakeEpoch) = (s.genesis, s.stakeEpoch);
    }

    /// @inheritdoc IStrikes
    /// @dev The digest of an old round is kept no longer: then it counts as not refuted.
    function strike(uint64 n, bytes calldata bitmap, bytes calldata aggregate) external {
        (IRounds.Status status, bytes32 digest,,,,) = rounds.roundOf(n);
        if (status != IRounds.Status.Refuted || digest == 0) revert NotRefuted(n);
        table.verify(rounds.epochOf(n), digest, bitmap, aggregate);

        (,, uint64 refutedAt) = rounds.refutationOf(n);
        uint64 until = (refutedAt + hearing - _genesis) / _stakeEpoch + 1;
        if (until > lastEpoch) lastEpoch = until;
        for (uint256 word; 32 * word < bitmap.length; ++word) {
            _bits[until][word] |= _wordAt(bitmap, word);
        }
        emit Struck(n, until, bitmap);
    }

    /// @inheritdoc IStrikes
    function check(uint64 epoch, bytes calldata bitmap) external view {
        for (uint256 word; 32 * word < bitmap.length; ++word) {
            uint256 bits = _struckIn(epoch, word) & _wordAt(bitmap, word);
            if (bits != 0) revert StruckSigner(_firstOf(bits, word));
        }
    }

    /// @inheritdoc IStrikes
    function isStruck(uint32 index, uint64 epoch) external view returns (bool) {
        // Bytes run from the left, bits within a byte from the right.
        return _struckIn(epoch, index / 256) >> (255 - (index % 256 ^ 7)) & 1 == 1;
    }

    /// @dev The strikes that hold in an epoch or longer.
    function _struckIn(uint64 epoch, uint256 word) private view returns (uint256 bits) {
        for (uint256 e = epoch; e <= lastEpoch; ++e) {
            bits |= _bits[e][word];
        }
    }

    /// @dev Word number `word` of a bitmap, zeros behind its end.
    function _wordAt(bytes calldata bitmap, uint256 word) private pure returns (uint256 bits) {
        uint256 rest = bitmap.length - 32 * word;
        assembly ("memory-safe") {
            bits := calldataload(add(bitmap.offset, shl(5, word)))
        }
        if (rest < 32) bits &= type(uint256).max << (256 - 8 * rest);
    }

    /// @dev The lowest index: the first byte from the left that has a bit, and its last bit.
    function _firstOf(uint256 bits, uint256 word) private pure returns (uint32) {
        uint256 at_ = LibBit.clz(bits) / 8;
        return uint32(256 * word + 8 * at_ + LibBit.ffs(bits >> (248 - 8 * at_)));
    }
}
