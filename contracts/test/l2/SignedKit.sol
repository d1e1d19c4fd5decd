// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";
import {StakeTable} from "../../src/l2/StakeTable.sol";
import {TableKit} from "../TableKit.sol";
import {Kit} from "./Kit.sol";

/// @notice L2 with the real table, the same operators with real keys in each of its first epochs.
abstract contract SignedKit is Kit {
    using TableKit for TableKit.Table;

    /// @dev Rounds of one stake epoch.
    uint64 internal constant EPOCH = 3600 / PERIOD;

    StakeTable internal stakes;
    uint256 private _operators;

    function _deploySigned(uint256 operators, uint64 epochs) internal {
        vm.warp(GENESIS - 50);
        _operators = operators;
        stakes = new StakeTable(address(this));
        for (uint64 e; e < epochs; ++e) {
            TableKit.Table memory t = _tableOf(e);
            stakes.receiveMessage(t.commitment());
            for (uint32 p; p < t.pages(); ++p) {
                stakes.postKeysPage(e, p, t.keysPage(p));
            }
            stakes.postStakesPage(e, t.stakesPage());
        }
        _deploy(IStakeTable(address(stakes)));
    }

    function _tableOf(uint64 epoch) internal view returns (TableKit.Table memory t) {
        t = TableKit.create(epoch, _operators);
        for (uint256 i; i < _operators; ++i) {
            t.set(i, 5_001 + i, 1_000);
        }
    }

    /// @dev A bitmap of operators `first` to `last`.
    function _only(uint256 first, uint256 last) internal view returns (bytes memory bitmap) {
        bitmap = _tableOf(0).all();
        for (uint256 i; i < _operators; ++i) {
            if (i < first || i > last) TableKit.unset(bitmap, i);
        }
    }

    function _sign(bytes memory bitmap, bytes32 digest) internal view returns (bytes memory) {
        return _tableOf(0).sign(bitmap, digest);
    }

    /// @dev A certificate of round n for an empty list, signed by those of `bitmap`.
    function _certificate(uint64 n, bytes memory bitmap) internal view returns (IRounds.Settlement memory s) {
        s = _settlement(n, _outcomeRoot("", 0));
        s.bitmap = bitmap;
        s.aggregate = _sign(bitmap, sha256(_headerOf(s)));
    }

    /// @dev Certifies round n by those of `bitmap` and posts it.
    function _runSigned(uint64 n, bytes memory bitmap) internal {
        IRounds.Settlement memory s = _certificate(n, bitmap);
        if (block.timestamp < _closeOf(n) + 30) vm.warp(_closeOf(n) + 30);
        rounds.settle(s);
        rounds.postChunk(_headerOf(s), _chunk(n, "", 0));
    }
}
