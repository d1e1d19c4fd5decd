// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IAttendance} from "../interfaces/IAttendance.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {IStakeTable} from "../interfaces/IStakeTable.sol";

/// @title Signers whom the certificate of a round left out, shown by anyone until the epoch is paid.
/// @dev A round takes presentations from its end on, when its header can change no more, and while its digest is
/// kept: for an epoch's first rounds to be shown when its sample is known, the ring of `rounds` must hold as many rounds
/// as close from the epoch's start to the last second of showing. The header of a refuted round does not stand: signing
/// it is nothing to be paid for.
contract Attendance is IAttendance {
    /// @notice Where rounds are settled.
    IRounds public immutable rounds;
    /// @notice Operators' keys and stakes, the table of `rounds`.
    IStakeTable public immutable table;

    /// @notice Seconds beyond the windows of an epoch's last round in which signers are still shown. With the windows
    /// they cover the wait for the health epoch that the epoch's sample is drawn from, and the time to show what it asks for.
    uint32 public immutable grace;

    uint64 private immutable _genesis;
    uint32 private immutable _period;
    uint32 private immutable _stakeEpoch;
    /// @dev Seconds from a round's close to the end of its windows, at the latest, and the grace.
    uint64 private immutable _lifetime;

    mapping(uint256 n => mapping(uint256 word => uint256)) private _bits;

    /// @param rounds_ knows the digest of each round
    /// @param table_ the table that certificates of `rounds_` are verified by
    /// @param grace_ seconds
    constructor(IRounds rounds_, IStakeTable table_, uint32 grace_) {
        rounds = rounds_;
        table = table_;
        grace = grace_;
        IRounds.Schedule memory s = rounds_.schedule();
        (_genesis, _period, _stakeEpoch) = (s.genesis, s.period, s.stakeEpoch);
        _lifetime = uint64(s.settleTimeout) + s.challengeWindow + s.revealWindow + grace_;
        uint256 least = (uint256(s.stakeEpoch) + _lifetime - 1) / s.period + 1;
        uint256 ring = rounds_.ring();
        if (ring < least) revert RingTooShort(ring, least);
    }

    /// @inheritdoc IAttendance
    function present(uint64 n, bytes calldata bitmap, bytes calldata aggregate) external {
        (IRounds.Status status, bytes32 digest,, uint64 endedAt,,) = rounds.roundOf(n);
        if (status == IRounds.Status.Refuted || digest == 0 || endedAt == 0) revert NotPresentable(n);
        if (block.timestamp > presentableUntil(n)) revert NotPresentable(n);
        table.verify(rounds.epochOf(n), digest, bitmap, aggregate);

        for (uint256 word; 32 * word < bitmap.length; ++word) {
            uint256 rest = bitmap.length - 32 * word;
            uint256 bits;
            assembly ("memory-safe") {
                bits := calldataload(add(bitmap.offset, shl(5, word)))
            }
            if (rest < 32) bits &= type(uint256).max << (256 - 8 * rest);
            _bits[n][word] |= bits;
        }
        emit Presented(n, bitmap);
    }

    /// @inheritdoc IAttendance
    function isPresented(uint64 n, uint32 index) external view returns (bool) {
        // Bytes run from the left, bits within a byte from the right.
        return _bits[n][index / 256] >> (255 - (index % 256 ^ 7)) & 1 == 1;
    }

    /// @inheritdoc IAttendance
    function wordOf(uint64 n, uint256 word) external view returns (uint256) {
        return _bits[n][word];
    }

    /// @inheritdoc IAttendance
    function presentableUntil(uint64 n) public view returns (uint64) {
        uint256 epoch = uint256(n) * _period / _stakeEpoch;
        // The last round that closes before the next epoch begins.
        uint256 last = ((epoch + 1) * _stakeEpoch - 1) / _period;
        return uint64(_genesis + last * _period + _lifetime);
    }
}
