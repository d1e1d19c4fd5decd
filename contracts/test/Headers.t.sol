// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Headers} from "../src/lib/Headers.sol";
import {Base} from "./Base.t.sol";

/// @notice The header's bytes, written down here a second time from docs/formats.md, section 9.
contract HeadersTest is Base {
    Headers.Domain private d =
        Headers.Domain(0x0102030405060708, 0x1112131415161718, address(0xAAAA), address(0xBBBB), 0x21222324);

    function _body() private pure returns (Headers.Body memory) {
        return Headers.Body(
            0x3132333435363738,
            0x4142434445464748,
            bytes32(uint256(1)),
            bytes32(uint256(2)),
            bytes32(uint256(3)),
            bytes32(uint256(4)),
            bytes32(uint256(5))
        );
    }

    function test_everyFieldHasItsPlace() external view {
        bytes memory expected = hex"71756f726174652f6865616465722f7631000000000000000000000000000000" // "quorate/header/v1"
            hex"00000001" // protocol version
            hex"0102030405060708" // L1
            hex"1112131415161718" // L2
            hex"000000000000000000000000000000000000aaaa" // Rounds
            hex"000000000000000000000000000000000000bbbb" // AVS
            hex"21222324" // operator set
            hex"3132333435363738" // n
            hex"4142434445464748" // snapshot number
            hex"0000000000000000000000000000000000000000000000000000000000000001" // snapshot hash
            hex"0000000000000000000000000000000000000000000000000000000000000002" // policy hash
            hex"0000000000000000000000000000000000000000000000000000000000000003" // inputs root
            hex"0000000000000000000000000000000000000000000000000000000000000004" // seed
            hex"0000000000000000000000000000000000000000000000000000000000000005"; // outcome root
        bytes memory got = Headers.encode(Headers.prefix(d), _body());
        assertEq(got.length, Headers.LENGTH, "length");
        assertEq(got, expected, "bytes");
    }

    /// @dev Two headers that differ in byte `position` alone.
    function split(bytes calldata a, bytes calldata b, uint256 position) external pure {
        assertTrue(Headers.sameUpTo(a, b, position), "same before it");
        assertTrue(!Headers.sameUpTo(a, b, position + 1), "not with it");
    }

    function testFuzz_headersAreComparedByTheByte(uint16 position) external view {
        bytes memory a = Headers.encode(Headers.prefix(d), _body());
        bytes memory b = bytes.concat(a);
        uint256 at_ = bound(position, 0, 271);
        b[at_] ^= 0x01;
        this.split(a, b, at_);
    }

    function read(bytes calldata header) external view returns (uint64 n, bool ours) {
        return (Headers.roundOf(header), Headers.belongs(header, Headers.prefix(d)));
    }

    function test_aHeaderNamesItsRoundAndItsDeployment() external {
        bytes memory header = Headers.encode(Headers.prefix(d), _body());
        (uint64 n, bool ours) = this.read(header);
        assertEq(n, 0x3132333435363738, "round");
        assertTrue(ours, "ours");
        d.operatorSet += 1;
        (, ours) = this.read(header);
        assertTrue(!ours, "not ours");
        d.operatorSet -= 1;
        (, ours) = this.read(bytes.concat(header, hex"00"));
        assertTrue(!ours, "too long");
    }
}
