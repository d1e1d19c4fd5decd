// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";
import {Rounds} from "../../src/l2/Rounds.sol";
import {TableKit} from "../TableKit.sol";
import {SignedKit} from "./SignedKit.sol";
import {vm2} from "./Vm2.sol";

/// @notice Certificates with real signatures, by the real table of 128 operators with equal stake.
/// forge-config: default.isolate = true
contract CertificatesTest is SignedKit {
    uint256 private constant OPERATORS = 128;

    function setUp() public override {
        _deploySigned(OPERATORS, 1);
    }

    /// @dev A settlement of round n signed by all but the first `absent`.
    function _signed(uint64 n, uint256 absent) private view returns (IRounds.Settlement memory s) {
        s = _settlement(n, _outcomeRoot("", 0));
        for (uint256 i; i < 48; ++i) {
            s.beaconSignature[i] = bytes1(uint8(0x77 + i));
        }
        s.bitmap = _only(absent, OPERATORS - 1);
        s.aggregate = _sign(s.bitmap, sha256(_headerOf(s)));
    }

    function _settleAndPost(uint64 n, uint256 absent) private returns (uint256 gas) {
        IRounds.Settlement memory s = _signed(n, absent);
        vm.warp(_closeOf(n) + 30);
        rounds.settle(s);
        gas = vm2.lastCallGas().gasTotalUsed;
        rounds.postChunk(_headerOf(s), _chunk(n, "", 0));
    }

    function test_allSign() external {
        _settleAndPost(0, 0);
        assertTrue(!rounds.isLive(0), "ended");
    }

    /// @dev 42 of 128 absent leave 67.2 %, 43 leave 66.4 %.
    function test_theQuorumIsCountedInStake() external {
        _settleAndPost(0, 42);
        IRounds.Settlement memory s = _signed(1, 43);
        vm.warp(_closeOf(1) + 30);
        vm.expectRevert(abi.encodeWithSelector(Rounds.NoQuorum.selector, 85_000, 128_000));
        rounds.settle(s);
    }

    function test_aForgedSignerIsRefused() external {
        IRounds.Settlement memory s = _signed(0, 1);
        s.bitmap[0] |= 0x01; // named, but has not signed
        vm.warp(GENESIS + 30);
        vm.expectRevert(IStakeTable.BadSignature.selector);
        rounds.settle(s);
    }

    function test_aMissingSignerIsRefused() external {
        IRounds.Settlement memory s = _signed(0, 0);
        TableKit.unset(s.bitmap, 3); // has signed, but is not named
        vm.warp(GENESIS + 30);
        vm.expectRevert(IStakeTable.BadSignature.selector);
        rounds.settle(s);
    }

    function test_aSignatureForAnotherHeaderIsRefused() external {
        IRounds.Settlement memory s = _signed(0, 0);
        s.snapshotNumber++;
        vm.warp(GENESIS + 30);
        vm.expectRevert(IStakeTable.BadSignature.selector);
        rounds.settle(s);
    }

    /// @dev Round 60 is of the next epoch, for which there is no table.
    function test_aTableServesItsEpochOnly() external {
        IRounds.Settlement memory s = _signed(60, 0);
        vm.warp(_closeOf(60) + 30);
        assertTrue(rounds.isLive(60), "live");
        vm.expectRevert(abi.encodeWithSelector(IStakeTable.NoTable.selector, 1));
        rounds.settle(s);
    }

    function test_gas_ofSettling() external {
        uint256 first = _settleAndPost(0, 0);
        uint256 fresh = _settleAndPost(1, 0);
        for (uint64 n = 2; n < 16; ++n) {
            _settleAndPost(n, 0);
        }
        uint256 reused = _settleAndPost(16, 0);
        uint256 one = _settleAndPost(17, 1);
        uint256 ten = _settleAndPost(18, 10);
        emit log_named_uint("128 of 128, first round of all", first);
        emit log_named_uint("128 of 128, first lap", fresh);
        emit log_named_uint("128 of 128, reused slots", reused);
        emit log_named_uint("one absent", one);
        emit log_named_uint("ten absent", ten);
        assertLe(fresh, 208_500, "first lap");
        assertLe(reused, 191_500, "reused slots");
        assertLe(one, 199_000, "one absent");
        assertLe(ten, 210_000, "ten absent");
    }

    /// @dev What a refutation adds: striking all who signed, and asking whether a signer was struck.
    function test_gas_afterARefutation() external {
        for (uint64 n; n < 16; ++n) {
            _settleAndPost(n, 0);
        }
        IRounds.Settlement memory s = _signed(16, 20);
        vm.warp(_closeOf(16) + 30);
        rounds.settle(s);
        vm.prank(address(disputes));
        rounds.refute(16, 14, 0);
        emit log_named_uint("refuting", vm2.lastCallGas().gasTotalUsed);
        bytes memory bitmap = _only(110, OPERATORS - 1);
        strikes.strike(16, bitmap, _sign(bitmap, _digestOf(16)));
        uint256 struck = vm2.lastCallGas().gasTotalUsed;
        s = _signed(18, 0);
        s.bitmap = _only(0, 109);
        s.aggregate = _sign(s.bitmap, sha256(_headerOf(s)));
        vm.warp(_closeOf(18) + 30);
        rounds.settle(s);
        uint256 asked = vm2.lastCallGas().gasTotalUsed;
        emit log_named_uint("striking 18 signers", struck);
        emit log_named_uint("110 of 128 while strikes hold", asked);
        assertLe(struck, 250_000, "strike");
        assertLe(asked, 235_000, "settle while strikes hold");
    }

    function test_gas_ofProposing() external {
        for (uint64 n; n < 16; ++n) {
            _settleAndPost(n, 0);
        }
        _propose(16, "");
        uint256 proposed = vm2.lastCallGas().gasTotalUsed;
        rounds.settle(_signed(16, 0));
        uint256 confirmed = vm2.lastCallGas().gasTotalUsed;
        emit log_named_uint("proposing", proposed);
        emit log_named_uint("certifying a proposal", confirmed);
        assertLe(proposed, 120_000, "propose");
        assertLe(confirmed, 193_500, "certify a proposal");
    }

    function _ring() internal pure override returns (uint32) {
        return 16;
    }
}
