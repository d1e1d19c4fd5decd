// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IDisputes} from "../../../src/interfaces/IDisputes.sol";
import {IRounds} from "../../../src/interfaces/IRounds.sol";
import {IVerifier} from "../../../src/interfaces/IVerifier.sol";
import {Accuser} from "./Accuser.sol";

/// @notice Want of gas reverts and decides nothing: with every limit a call either gives the answer that it gives with
/// enough, or reverts.
contract GasLimitsTest is Accuser {
    uint64 private constant N = 2;

    Outcome private _wrongOutcome;
    bytes private _headerBytes;

    /// @dev A round whose list lacks its last match, posted: a pair blocks it, and all else in it is right.
    function setUp() public override {
        super.setUp();
        vm.warp(GENESIS + 10);
        _fillMarket(5, 4, 9);
        Outcome memory right = _right(N);
        Entry[] memory entries = _entries(right.list);
        Outcome memory wrong = _outcomeOf(right, _without(entries, 0));
        _headerBytes = _settleAndPost(wrong);
        _wrongOutcome = wrong;
        assertTrue(_statusOf(N) == IRounds.Status.Settled && _count(wrong) > 1, "posted");
    }

    function _blockingWitness() private view returns (bytes memory witness) {
        for (uint64 r = 1; r <= market.requestCount(); ++r) {
            for (uint64 o = 1; o <= market.offerCount(); ++o) {
                witness = _blocking(_wrongOutcome, r, o);
                (uint8 code,) = verifier.judge(_headerBytes, witness);
                if (code == 14) return witness;
            }
        }
        revert("none blocks");
    }

    /// @dev From nothing to enough in coarse steps, and gas by gas around the least that is enough.
    function _everyLimit(address target, bytes memory data, bytes memory expected) private {
        uint256 enough = 50_000;
        while (!_tries(target, data, expected, enough)) enough *= 2;
        uint256 low = 1;
        uint256 high = enough;
        while (high - low > 1) {
            uint256 middle = (low + high) / 2;
            if (_tries(target, data, expected, middle)) high = middle;
            else low = middle;
        }
        for (uint256 gas = 500; gas < enough; gas += enough / 150) {
            _tries(target, data, expected, gas);
        }
        for (uint256 gas = high > 150 ? high - 150 : 1; gas < high + 150; ++gas) {
            _tries(target, data, expected, gas);
        }
    }

    /// @dev Calls with so much gas, and takes back what it did. True if it was enough; then the answer is the expected.
    function _tries(address target, bytes memory data, bytes memory expected, uint256 gas) private returns (bool) {
        uint256 state = vm.snapshotState();
        (bool ok, bytes memory answer) = target.call{gas: gas}(data);
        if (ok) {
            assertEq(answer, expected, "another answer for want of gas");
            if (target == address(court)) _assertRefuted();
        } else if (target == address(court)) {
            assertTrue(_statusOf(N) == IRounds.Status.Settled, "the round stands");
        }
        vm.revertToState(state);
        return ok;
    }

    function _assertRefuted() private view {
        (uint8 code, uint32 position,) = rounds.refutationOf(N);
        assertTrue(code == 14 && position == type(uint32).max, "the code that it has with enough");
    }

    function _everyLimitOf(bytes memory witness) private {
        (uint8 code, uint32 position) = verifier.judge(_headerBytes, witness);
        bytes memory data = abi.encodeCall(IVerifier.judge, (_headerBytes, witness));
        _everyLimit(address(verifier), data, abi.encode(code, position));
    }

    function test_blocking() external {
        _everyLimitOf(_blockingWitness());
    }

    function test_aRightEntry() external {
        _everyLimitOf(_witness(2, _wrongOutcome, _positions(0)));
    }

    function test_neighbours() external {
        _everyLimitOf(_witness(3, _wrongOutcome, _positions(0, 1)));
    }

    function test_repeated() external {
        _everyLimitOf(_witness(4, _wrongOutcome, _positions(0, 1)));
    }

    function test_cut() external {
        _everyLimitOf(_witness(5, _wrongOutcome, new uint32[](0)));
    }

    /// @dev The dearest: a root by MODEXP, hashing to the curve and a pairing.
    function test_aRightSeed() external {
        _everyLimitOf(bytes.concat(hex"06", _beacon(rounds.beaconRound(N))));
    }

    function test_aSignatureThatIsNotTheBeacons() external {
        _everyLimitOf(bytes.concat(hex"06", _beacon(1)));
        _everyLimitOf(bytes.concat(hex"06", new bytes(48)));
    }

    function test_aChallenge() external {
        _everyLimit(address(court), abi.encodeCall(IDisputes.challenge, (_headerBytes, _blockingWitness())), "");
    }
}
