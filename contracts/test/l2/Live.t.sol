// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Kit} from "./Kit.sol";

/// @notice Which rounds are live, and what they may bind, against a plain model that walks through all rounds.
contract LiveTest is Kit {
    /// @dev The model: the last round with a header, and its end (of the future while its chunks may come).
    bool private _any;
    uint64 private _last;
    uint64 private _end;
    bool private _pending;
    /// @dev All rounds that got a header.
    uint64[] private _headed;

    /// @dev The recursion of DESIGN, section 3, step 8, from the first round on.
    function _modelIsLive(uint64 n) private view returns (bool) {
        if (_pending && block.timestamp <= _closeOf(_last) + TIMEOUT) return n == _last;
        uint64 live;
        if (_any) while (_closeOf(live) <= _end) ++live;
        while (live < n) {
            uint64 next = live + 1;
            while (_closeOf(next) <= _closeOf(live) + TIMEOUT) ++next;
            live = next;
        }
        return live == n;
    }

    /// @dev Whether round n would take a certificate or a chunk now, by trying.
    function _takes(uint64 n) private returns (bool) {
        try this.attempt(n) {}
        catch (bytes memory answer) {
            return answer.length == 32;
        }
        return false;
    }

    /// @dev Tries and undoes: reverts with one word if it worked.
    function attempt(uint64 n) external {
        IRounds.Settlement memory s = _settlement(n, _outcomeRoot("", 0));
        (IRounds.Status status,,,,,) = rounds.roundOf(n);
        if (status == IRounds.Status.None) rounds.settle(s);
        else rounds.postChunk(_headerOf(s), _chunk(n, "", 0));
        assembly ("memory-safe") {
            mstore(0, 1)
            revert(0, 32)
        }
    }

    function _now() private view returns (uint64) {
        return uint64(block.timestamp);
    }

    /// @dev Refutes a round that has a header, if it can be. In the model only a round under way minds.
    function _stepRefute(uint8 which) private {
        if (_headed.length == 0) return;
        uint64 n = _headed[_headed.length - 1 - which % _headed.length];
        uint64 until = rounds.challengeableUntil(n);
        if (_statusOf(n) == IRounds.Status.Refuted || (until != 0 && block.timestamp > until)) return;
        _refute(n, 14, 0);
        if (_pending && n == _last) (_end, _pending) = (_closeOf(n) + TIMEOUT, false);
    }

    /// @dev Lets time pass, then certifies or proposes the live round if there is one, and posts it at once, later
    /// or never; or refutes a round, early or late.
    function _step(uint8 seconds_, uint8 action) private {
        vm.warp(block.timestamp + seconds_ % 90);
        if (action % 5 == 0) return;
        if (action % 5 == 4) return _stepRefute(action / 64);
        for (uint64 n; _closeOf(n) <= block.timestamp; ++n) {
            if (!rounds.isLive(n) || block.timestamp > _closeOf(n) + TIMEOUT) continue;
            IRounds.Settlement memory s = _settlement(n, _outcomeRoot("", 0));
            if (!_pending || _last != n) {
                if (action % 5 == 3 && _now() >= _halfOf(n)) _propose(n, "");
                else rounds.settle(s);
                _headed.push(n);
            }
            (_any, _last, _end, _pending) = (true, n, _closeOf(n) + TIMEOUT, true);
            if (action % 5 == 1) return;
            rounds.postChunk(_headerOf(s), _chunk(n, "", 0));
            (_end, _pending) = (_now(), false);
            return;
        }
    }

    function _history(uint8[9] calldata seconds_, uint8[9] calldata actions) private {
        for (uint256 i; i < 9; ++i) {
            _step(seconds_[i], actions[i]);
        }
    }

    function testFuzz_liveRoundsAreTheModels(uint8[9] calldata seconds_, uint8[9] calldata actions) external {
        _history(seconds_, actions);
        for (uint64 n; n < 20; ++n) {
            assertTrue(rounds.isLive(n) == _modelIsLive(n), "live");
        }
    }

    /// @dev A round may bind what was open until `closedAt` exactly if one that closed by then still takes something.
    function testFuzz_mayBindExactlyWhatARoundStillTakes(
        uint8[9] calldata seconds_,
        uint8[9] calldata actions,
        uint16 ago
    ) external {
        _history(seconds_, actions);
        uint64 closedAt = _now() - ago % 400;
        bool expected;
        for (uint64 n; _closeOf(n) <= closedAt; ++n) {
            if (_takes(n)) expected = true;
        }
        assertTrue(rounds.mayBind(closedAt) == expected, "may bind");
    }

    /// @dev Whatever is refuted after its end, and whenever: the live rounds are the same.
    function testFuzz_lateRefutationsMoveNoLiveRound(uint8[9] calldata seconds_, uint8[9] calldata actions) external {
        _history(seconds_, actions);
        bool[20] memory before;
        for (uint64 n; n < 20; ++n) {
            before[n] = rounds.isLive(n);
        }
        bool underWay = _pending && block.timestamp <= _closeOf(_last) + TIMEOUT;
        uint64 first = rounds.firstLive();
        for (uint8 i = underWay ? 1 : 0; i < _headed.length; ++i) {
            _stepRefute(i);
        }
        assertEq(rounds.firstLive(), first, "first live");
        for (uint64 n; n < 20; ++n) {
            assertTrue(rounds.isLive(n) == before[n], "live");
        }
    }

    function test_whatIsStillOpenMayBeBound() external view {
        assertTrue(rounds.mayBind(_now() + 1), "closes later");
    }

    /// @dev What no round can bind now, none ever can.
    function testFuzz_notBoundNowIsNeverBound(uint8[9] calldata seconds_, uint8[9] calldata actions, uint16 ago)
        external
    {
        for (uint256 i; i < 4; ++i) {
            _step(seconds_[i], actions[i]);
        }
        uint64 closedAt = _now() - ago % 400;
        if (rounds.mayBind(closedAt)) return;
        for (uint256 i = 4; i < 9; ++i) {
            _step(seconds_[i], actions[i]);
            assertTrue(!rounds.mayBind(closedAt), "still not");
        }
    }
}
