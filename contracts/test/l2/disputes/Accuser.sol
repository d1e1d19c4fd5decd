// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {DisputeKit} from "./DisputeKit.sol";

/// @notice Tries every witness that a small list has, for tests.
abstract contract Accuser is DisputeKit {
    /// @dev What the verifier says of a witness; it must not refuse it.
    function _judge(Outcome memory o, bytes memory witness) internal view returns (uint8 code, uint32 position) {
        return verifier.judge(_header(o), witness);
    }

    /// @dev Whether some witness of a kind shows this code.
    function _shows(Outcome memory o, uint8 kind, uint8 code) internal view returns (bool) {
        uint256 count = _count(o);
        bytes memory header = _header(o);
        for (uint256 i; i < count; ++i) {
            if (kind == 2 && _is(header, _witness(2, o, _positions(i)), code)) return true;
            if (kind == 3 && i == 0 && _is(header, _witness(3, o, _positions(i)), code)) return true;
            if (kind == 3 && i != 0 && _is(header, _witness(3, o, _positions(i - 1, i)), code)) return true;
            for (uint256 j = i + 1; j < count; ++j) {
                if (kind == 4 && _is(header, _witness(4, o, _positions(i, j)), code)) return true;
                bool lowest = i == o.lowest || j == o.lowest;
                if (kind == 5 && lowest && _is(header, _witness(5, o, _positions(i, j)), code)) return true;
            }
        }
        if (kind == 5) return _is(header, _witness(5, o, new uint32[](0)), code);
        return kind == 1 && code == 14 && _someBlocks(o, header);
    }

    /// @dev Whether some pair blocks. Of a round that was posted.
    function _someBlocks(Outcome memory o, bytes memory header) internal view returns (bool) {
        for (uint64 r = 1; r <= market.requestCount(); ++r) {
            for (uint64 m = 1; m <= market.offerCount(); ++m) {
                if (_is(header, _blocking(o, r, m), 14)) return true;
            }
        }
        return false;
    }

    function _is(bytes memory header, bytes memory witness, uint8 expected) private view returns (bool) {
        (uint8 code,) = verifier.judge(header, witness);
        return code == expected;
    }

    /// @dev An entry of an existing pair, as it should be.
    function _rated(Outcome memory o, uint64 offer, uint64 request) internal view returns (Entry memory) {
        bytes memory ids = abi.encodePacked(request, offer);
        return Entry(offer, request, verifier.pairs(o.n, o.seed, ids)[0].score, verifier.pairs(o.n, o.seed, ids)[0].tie);
    }

    /// @dev The outcome of these entries, in the order of the list, sums and lowest as they should be.
    function _outcomeOf(Outcome memory like, Entry[] memory entries) internal view returns (Outcome memory o) {
        for (uint256 i = 1; i < entries.length; ++i) {
            for (uint256 j = i; j > 0 && _comesBefore(entries[j], entries[j - 1]); --j) {
                (entries[j], entries[j - 1]) = (entries[j - 1], entries[j]);
            }
        }
        return _outcomeAsIs(like, entries);
    }

    /// @dev As `_outcomeOf`, but the entries stay where they are.
    function _outcomeAsIs(Outcome memory like, Entry[] memory entries) internal view returns (Outcome memory o) {
        o = Outcome(like.n, like.seed, _list(entries), entries.length == 0 ? type(uint32).max : 0);
        for (uint256 i; i < entries.length; ++i) {
            if (_rankAt(o.list, i) < _rankAt(o.list, o.lowest)) o.lowest = uint32(i);
        }
    }

    function _comesBefore(Entry memory a, Entry memory b) private pure returns (bool) {
        if (a.offer != b.offer) return a.offer < b.offer;
        return _key(a) > _key(b);
    }

    function _key(Entry memory e) private pure returns (uint256) {
        return uint256(e.score) << 192 | uint256(e.tie) << 128 | uint256(e.request) << 64 | e.offer;
    }

    function _without(Entry[] memory entries, uint256 i) internal pure returns (Entry[] memory rest) {
        rest = new Entry[](entries.length - 1);
        for (uint256 j; j < rest.length; ++j) {
            rest[j] = entries[j < i ? j : j + 1];
        }
    }

    function _with(Entry[] memory entries, Entry memory e) internal pure returns (Entry[] memory more) {
        more = new Entry[](entries.length + 1);
        for (uint256 j; j < entries.length; ++j) {
            more[j] = entries[j];
        }
        more[entries.length] = e;
    }
}
