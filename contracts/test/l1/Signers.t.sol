// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ISlasher} from "../../src/interfaces/ISlasher.sol";
import {Evidence} from "../../src/l1/Evidence.sol";
import {OperatorBook} from "../../src/l1/OperatorBook.sol";
import {Headers} from "../../src/lib/Headers.sol";
import {Vm} from "../Base.t.sol";
import {VerdictBase} from "./VerdictBase.sol";

/// @notice Who signed a header, by aggregates that add up.
contract SignersTest is VerdictBase {
    function setUp() external {
        _start(4);
    }

    // --- who signed ---

    function test_theSignersOfACertificateAreProven() external {
        bytes32 digest = _digest(WRONG);
        vm.recordLogs();
        _prove(WRONG, hex"07");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 1, "one event");
        assertEq(logs[0].topics[0], ISlasher.SignersProven.selector, "event");
        assertEq(logs[0].topics[1], bytes32(uint256(N)), "round");
        assertEq(logs[0].topics[2], digest, "digest");
        assertEq(abi.decode(logs[0].data, (bytes)), hex"07", "bitmap");
        for (uint32 i = 0; i < 3; ++i) {
            assertTrue(slasher.hasSigned(digest, i), "signer");
        }
        assertTrue(!slasher.hasSigned(digest, 3), "the other");
        assertTrue(!slasher.hasSigned(_digest(RIGHT), 0), "of this header");
    }

    function test_subsetsAddUp() external {
        bytes32 digest = _digest(WRONG);
        _prove(WRONG, hex"05");
        assertTrue(!slasher.hasSigned(digest, 1), "not yet");
        _prove(WRONG, hex"02");
        _prove(WRONG, hex"03");
        for (uint32 i = 0; i < 3; ++i) {
            assertTrue(slasher.hasSigned(digest, i), "signer");
        }
        assertTrue(!slasher.hasSigned(digest, 3), "the other");
    }

    function test_aSingleVoteProvesOne() external {
        bytes memory header = _header(WRONG);
        bytes memory vote = _signBy(hex"02", header);
        slasher.proveSigners(header, hex"02", vote);
        assertTrue(slasher.hasSigned(sha256(header), 1), "signer");
        assertTrue(!slasher.hasSigned(sha256(header), 0), "nobody else");
    }

    function _refused(bytes memory header, bytes memory bitmap, bytes memory aggregate, bytes4 reason) private {
        vm.expectRevert(reason);
        slasher.proveSigners(header, bitmap, aggregate);
    }

    function test_aBitmapWithOneSignerMoreIsRefused() external {
        bytes memory header = _header(WRONG);
        _refused(header, hex"0f", _signBy(hex"07", header), Evidence.BadSignature.selector);
    }

    function test_aBitmapWithOneSignerLessIsRefused() external {
        bytes memory header = _header(WRONG);
        _refused(header, hex"03", _signBy(hex"07", header), Evidence.BadSignature.selector);
    }

    function test_anAggregateOverAnotherHeaderIsRefused() external {
        _refused(_header(WRONG), hex"07", _signBy(hex"07", _header(RIGHT)), Evidence.BadSignature.selector);
    }

    function test_aForgedAggregateIsRefused() external {
        bytes memory header = _header(WRONG);
        _refused(header, hex"07", _signWith(12_345, header), Evidence.BadSignature.selector);
        _refused(header, hex"07", new bytes(128), Evidence.BadSignature.selector);
        _refused(header, hex"07", "", Evidence.BadSignature.selector);
    }

    function test_anEmptyBitmapIsRefused() external {
        bytes memory header = _header(WRONG);
        _refused(header, "", new bytes(128), OperatorBook.BadBitmap.selector);
        _refused(header, hex"00", new bytes(128), OperatorBook.BadBitmap.selector);
        _refused(header, new bytes(40), new bytes(128), OperatorBook.BadBitmap.selector);
    }

    function test_bitsOfNobodyAreRefused() external {
        bytes memory header = _header(WRONG);
        bytes memory aggregate = _signBy(hex"07", header);
        _refused(header, hex"17", aggregate, OperatorBook.BadBitmap.selector);
        _refused(header, hex"0701", aggregate, OperatorBook.BadBitmap.selector);
        bytes memory far = new bytes(200);
        (far[0], far[199]) = (0x07, 0x80);
        _refused(header, far, aggregate, OperatorBook.BadBitmap.selector);
    }

    /// @dev A certificate may be of a table with more bytes than its signers need.
    function test_zeroBytesBehindAreNoMatter() external {
        bytes memory header = _header(WRONG);
        slasher.proveSigners(header, hex"070000", _signBy(hex"07", header));
        assertTrue(slasher.hasSigned(sha256(header), 2), "signer");
    }

    function test_headersOfAnotherDeploymentProveNothing() external {
        Headers.Domain memory d = _domain();
        d.rounds = address(0x2223);
        bytes memory header = _header(d, N, WRONG);
        _refused(header, hex"07", _signBy(hex"07", header), Evidence.WrongDomain.selector);
        header = bytes.concat(_header(WRONG), hex"00");
        _refused(header, hex"07", _signBy(hex"07", header), Evidence.WrongDomain.selector);
    }

    function test_signersAreProvenUntilTheWindowEnds() external {
        bytes memory header = _header(WRONG);
        bytes memory aggregate = _signBy(hex"07", header);
        uint256 until = slasher.evidenceUntil(N);
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(Evidence.EvidenceTooLate.selector, until));
        slasher.proveSigners(header, hex"07", aggregate);
        vm.warp(until);
        slasher.proveSigners(header, hex"07", aggregate);
    }

    // --- hostile bytes, want of gas ---

    function testFuzz_hostileBytesProveNobody(uint16 position, uint8 change, uint8 part) external {
        bytes memory header = _header(WRONG);
        bytes[3] memory parts = [header, bytes(hex"07"), _signBy(hex"07", header)];
        bytes memory target = parts[part % 3];
        target[position % target.length] ^= bytes1(uint8(bound(change, 1, 255)));
        (bool ok,) = address(slasher).call(abi.encodeCall(slasher.proveSigners, (parts[0], parts[1], parts[2])));
        assertTrue(!ok, "refused");
    }

    function testFuzz_arbitraryBytesProveNobody(bytes memory header, bytes memory bitmap, bytes memory aggregate)
        external
    {
        (bool ok,) = address(slasher).call(abi.encodeCall(slasher.proveSigners, (header, bitmap, aggregate)));
        assertTrue(!ok, "refused");
        (ok,) = address(slasher).call(abi.encodeCall(slasher.proveSigners, (_header(WRONG), bitmap, aggregate)));
        assertTrue(!ok, "refused");
    }

    function test_wantOfGasNeverDecides() external {
        bytes memory header = _header(WRONG);
        bytes memory good = abi.encodeCall(slasher.proveSigners, (header, hex"07", _signBy(hex"07", header)));
        uint256 snapshot = vm.snapshotState();
        uint256 proven;
        for (uint256 gas = 5_000; gas < 400_000; gas += 1_719) {
            (bool ok, bytes memory reason) = address(slasher).call{gas: gas}(good);
            assertTrue(ok || bytes4(reason) != Evidence.BadSignature.selector, "a good proof is never called bad");
            assertTrue(slasher.hasSigned(sha256(header), 2) == ok, "all or nothing");
            if (ok) ++proven;
            vm.revertToState(snapshot);
            snapshot = vm.snapshotState();
        }
        assertTrue(proven > 10, "some had enough");
    }
}

/// @dev More operators than one word of signers holds.
contract ManySignersTest is VerdictBase {
    function setUp() external {
        _start(0);
        _registerUpTo(300);
    }

    function testFuzz_everyBitIsItsOwn(uint16 a, uint16 b) external {
        (uint32 i, uint32 j) = (uint32(a % 300), uint32(b % 300));
        bytes memory bitmap = new bytes(38);
        bitmap[i / 8] |= bytes1(uint8(1 << (i % 8)));
        bytes memory header = _header(WRONG);
        slasher.proveSigners(header, bitmap, _signWith(5000 + i, header));
        assertTrue(slasher.hasSigned(sha256(header), i), "the signer");
        assertTrue(slasher.hasSigned(sha256(header), j) == (i == j), "and nobody else");
    }
}
