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
                if (windows != 0) seconds_ += _secondsOf(s, epoch, windows, maintained && _isMaintained(s, epoch));
            }
            epoch = end;
        }
    }

    /// @dev Whether there is maintenance in the span's part of an epoch.
    function _isMaintained(Span memory s, uint256 epoch) private view returns (bool) {
        uint256 from = Math.max(s.from, _startOf(epoch));
        uint256 to = Math.min(s.to, _startOf(epoch + 1));
        return _maintenance(s.offerId, from, to) != 0;
    }

    /// @dev The part of an epoch's windows DOWN in the span, run by run.
    function _secondsOf(Span memory s, uint256 epoch, uint256 windows, bool maintained)
        private
        view
        returns (uint256 seconds_)
    {
        uint256 start = _startOf(epoch);
        uint256 count = _epochs[epoch].windows;
        for (uint256 w; windows != 0;) {
            uint256 skipped = LibBit.ffs(windows);
            windows >>= skipped;
            uint256 run = LibBit.ffs(~windows); // 256 where all bits are set
            w += skipped;
            uint256 from = Math.max(s.from, start + Math.ceilDiv(w * _length, count));
            w += run;
            uint256 to = Math.min(s.to, start + Math.ceilDiv(w * _length, count));
            windows >>= run;
            if (from >= to) continue;
            seconds_ += to - from;
            if (maintained) seconds_ -= _maintenance(s.offerId, from, to);
        }
    }

    function _maintenance(uint64 offerId, uint256 from, uint256 to) private view returns (uint256) {
        return machines.maintenanceSeconds(offerId, uint64(from), uint64(to));
    }
}
