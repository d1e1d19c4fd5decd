// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {CodePages} from "../../src/lib/CodePages.sol";
import {PolicyPage} from "../../src/lib/PolicyPage.sol";
import {Kit} from "./Kit.sol";

/// @notice The policy's rules of docs/formats.md, section 5, each broken once.
contract PolicyPageTest is Kit {
    function setUp() public override {}

    function validate(bytes memory page) external pure {
        PolicyPage.validate(page);
    }

    function _refuses(uint256 offset, uint256 width, uint256 value, uint256 named) private {
        bytes memory page = _policy(1);
        _put(page, offset, width, value);
        vm.expectRevert(abi.encodeWithSelector(PolicyPage.BadPolicy.selector, named));
        this.validate(page);
    }

    function test_acceptsTheKitsPolicy() external pure {
        PolicyPage.validate(_policy(1));
    }

    function test_acceptsValuesAtTheirLimits() external pure {
        bytes memory page = _policy(1);
        _put(page, 4 + 2, 2, 8_000);
        _put(page, 4 + 14, 2, 2_000); // randomness
        _put(page, 4 + 64, 8, 100_000_000);
        _put(page, 4 + 96, 2, 100);
        _put(page, 4 + 98, 2, 100); // age_cap x age_points
        _put(page, 4 + 104, 4, 1_000_000);
        _put(page, 4 + 116, 4, 1_000_000);
        _put(page, 4 + 126, 2, 10_000);
        _put(page, 4 + 192, 1, 15);
        _put(page, 4 + 448 + 510, 2, 10_000);
        _put(page, 3052, 2, 10_000);
        PolicyPage.validate(page);
    }

    function test_refusesVersionZero() external {
        _refuses(0, 4, 0, 0);
    }

    function test_refusesWeightsThatDoNotAddUp() external {
        _refuses(4 + 16 * 2 + 2, 2, 9_999, 4 + 16 * 2);
    }

    function test_refusesTooMuchRandomness() external {
        bytes memory page = _policy(1);
        _put(page, 4 + 2, 2, 7_999);
        _put(page, 4 + 14, 2, 2_001);
        vm.expectRevert(abi.encodeWithSelector(PolicyPage.BadPolicy.selector, 18));
        this.validate(page);
    }

    function test_refusesALargeOffset() external {
        _refuses(4 + 64 + 24, 8, 100_000_001, 4 + 64 + 24);
    }

    function test_refusesTooMuchForAge() external {
        bytes memory page = _policy(1);
        _put(page, 4 + 96, 2, 137);
        _put(page, 4 + 98, 2, 73); // 10,001
        vm.expectRevert(abi.encodeWithSelector(PolicyPage.BadPolicy.selector, 100));
        this.validate(page);
    }

    function test_refusesSteepSlopes() external {
        _refuses(4 + 104, 4, 1_000_001, 4 + 104);
        _refuses(4 + 116, 4, 1_000_001, 4 + 116);
    }

    function test_refusesStakeUnitZero() external {
        _refuses(4 + 108, 8, 0, 4 + 108);
    }

    function test_refusesFactorsAboveFull() external {
        for (uint256 i; i < 4; ++i) {
            _refuses(4 + 120 + 2 * i, 2, 10_001, 4 + 120 + 2 * i);
        }
    }

    function test_refusesAZoneAboveFifteen() external {
        _refuses(4 + 192 + 255, 1, 16, 4 + 192 + 255);
    }

    function test_refusesAZoneFactorAboveFull() external {
        _refuses(4 + 448 + 510, 2, 10_001, 4 + 448 + 510);
    }

    function test_refusesUsedSpareBytes() external {
        _refuses(3012 + 31, 1, 1, 3012); // health
        _refuses(3044 + 30, 1, 1, 3044 + 30); // money, first
        _refuses(3103, 1, 1, 3044 + 30); // money, last
    }

    function test_refusesAProtocolFeeAboveAll() external {
        _refuses(3052, 2, 10_001, 3052);
    }

    function test_refusesAnotherLength() external {
        vm.expectRevert(abi.encodeWithSelector(PolicyPage.WrongPolicyLength.selector, 3103, 3104));
        this.validate(new bytes(3103));
    }

    /// @dev The hash is that of the three sections' hashes, and every byte of the page counts.
    function testFuzz_hashCoversEveryByte(uint16 place) external pure {
        bytes memory page = _policy(1);
        bytes32 expected = sha256(
            abi.encodePacked(
                bytes32("quorate/policy/v1"),
                uint32(1),
                sha256(_slice(page, 4, 3012)),
                sha256(_slice(page, 3012, 3044)),
                sha256(_slice(page, 3044, 3104))
            )
        );
        assertEq(PolicyPage.hash(page), expected, "hash");
        page[bound(place, 0, 3103)] ^= 0x01;
        assertTrue(PolicyPage.hash(page) != expected, "another hash");
    }

    function test_moneyIsReadFromThePage() external {
        PolicyPage.Money memory m = PolicyPage.money(CodePages.write(_policy(1)));
        assertEq(m.requestFee, FEE, "fee");
        assertEq(m.protocolFeeBps, PROTOCOL_BPS, "protocol fee");
        assertEq(m.minCharge, MIN_CHARGE, "least charge");
        assertEq(m.voidNotice, VOID_NOTICE, "notice of a void round");
        assertEq(m.postingFee, POSTING_FEE, "posting fee");
    }
}
