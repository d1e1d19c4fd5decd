// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {LibBit} from "solady/utils/LibBit.sol";
import {IHealth} from "../interfaces/IHealth.sol";
import {DownBook} from "./DownBook.sol";

/// @title Seconds for which nothing is paid: windows DOWN, and maintenance, none counted twice.
/// @dev Window w of an epoch of S seconds in W windows holds the seconds s with s x W div S = w: those from w x S / W,
/// rounded up, to before (w + 1) x S / W, rounded up.
abstract contract Downtime is DownBook {
    /// @dev A machine's time that is looked at.
    struct Span {
        uint64 offerId;
        uint256 from;
        uint256 to; // not in it
    }

    /// @inheritdoc IHealth
    function unpaidSeconds(uint64 offerId, uint64 from, uint64 to) external view returns (uint64) {
        if (from >= to) return 0;
        uint256 unpaid = _maintenance(offerId, from, to);
        // Nothing is DOWN before the first epoch, or after now.
        Span memory s = Span(offerId, from, to);
        if (s.from < _startOf(0)) s.from = _startOf(0);
        if (s.to > block.timestamp) s.to = block.timestamp;
        if (s.from < s.to) unpaid += _downBeside(s, unpaid != 0);
        return SafeCast.toUint64(unpaid);
    }

    /// @dev Seconds DOWN that no maintenance covers; `maintained` says that there may be some.
    function _downBeside(Span memory s, bool maintained) private view returns (uint256 seconds_) {
        uint256 epoch = _epochAt(s.from);
        uint256 last = _epochAt(s.to - 1);
        while (epoch <= last) {
            uint256 end = (epoch / GROUP + 1) * GROUP;
            uint256 marks = _groupOf(s.offerId, epoch / GROUP);
            for (; marks != 0 && epoch < end && epoch <= last; ++epoch) {
                uint256 windows = _down(s.offerId, epoch, marks);
                if (windows == 0) continue;
                seconds_ += _secondsOf(s, epoch, windows);
                if (maintained) seconds_ -= _maintainedOf(s, epoch, windows, 0, 256);
            }
            epoch = end;
        }
    }

    /// @dev The part of an epoch's windows DOWN in the span, run by run.
    function _secondsOf(Span memory s, uint256 epoch, uint256 windows) private view returns (uint256 seconds_) {
        for (uint256 w; windows != 0;) {
            uint256 skipped = LibBit.ffs(windows);
            windows >>= skipped;
            uint256 run = LibBit.ffs(~windows); // 256 where all bits are set
            w += skipped;
            windows >>= run;
            (uint256 from, uint256 to) = _timeOf(s, epoch, w, run);
            if (from < to) seconds_ += to - from;
            w += run;
        }
    }

    /// @dev Seconds of maintenance in `size` windows from `w` on, of those that are DOWN and in the span. Halved until they
    /// are all DOWN or without maintenance: so `machines` is asked about as often as there are maintenances, and not as
    /// there are windows.
    function _maintainedOf(Span memory s, uint256 epoch, uint256 windows, uint256 w, uint256 size)
        private
        view
        returns (uint256 seconds_)
    {
        uint256 all = type(uint256).max >> (256 - size);
        uint256 down = windows >> w & all;
        if (down == 0) return 0;
        (uint256 from, uint256 to) = _timeOf(s, epoch, w, size);
        if (from >= to) return 0;
        seconds_ = _maintenance(s.offerId, from, to);
        // One window is all DOWN here.
        if (seconds_ == 0 || down == all) return seconds_;
        size /= 2;
        return _maintainedOf(s, epoch, windows, w, size) + _maintainedOf(s, epoch, windows, w + size, size);
    }

    /// @dev The time of `size` windows from `w` on, as far as it is in the span; windows that the epoch has not lie behind
    /// it.
    function _timeOf(Span memory s, uint256 epoch, uint256 w, uint256 size)
        private
        view
        returns (uint256 from, uint256 to)
    {
        uint256 start = _startOf(epoch);
        uint256 count = _epochs[epoch].windows;
        from = Math.max(s.from, start + Math.ceilDiv(w * _length, count));
        to = Math.min(s.to, start + Math.ceilDiv((w + size) * _length, count));
    }

    function _maintenance(uint64 offerId, uint256 from, uint256 to) private view returns (uint256) {
        return machines.maintenanceSeconds(offerId, uint64(from), uint64(to));
    }
}
