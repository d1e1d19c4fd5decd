// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {PolicyCheck} from "../../src/l2/PolicyCheck.sol";
import {CodePages} from "../../src/lib/CodePages.sol";
import {PolicyPage} from "../../src/lib/PolicyPage.sol";
import {Standing} from "../../src/lib/Standing.sol";
import {Kit} from "./Kit.sol";

/// @notice The policy's rules of docs/formats.md, sections 5 and 14, each broken once, and the readers.
contract PolicyPageTest is Kit {
    PolicyCheck private checker;

    function setUp() public override {
        checker = new PolicyCheck(address(0), 0, 0);
    }

    /// @dev The page with `value` at `offset` is refused, `named` being where the broken rule is.
    function _refuses(uint256 offset, uint256 width, uint256 value, uint256 named) private {
        bytes memory page = _policy(1);
        _put(page, offset, width, value);
        vm.expectRevert(abi.encodeWithSelector(PolicyPage.BadPolicy.selector, named));
        checker.check(page);
    }

    function _refuses(uint256 offset, uint256 width, uint256 value) private {
        _refuses(offset, width, value, offset);
    }

    function _accepts(uint256 offset, uint256 width, uint256 value) private view {
        bytes memory page = _policy(1);
        _put(page, offset, width, value);
        checker.check(page);
    }

    /// @dev The least and the most are accepted, the numbers beyond them are not.
    function _ranges(uint256 offset, uint256 width, uint256 least, uint256 most) private {
        _accepts(offset, width, least);
        _accepts(offset, width, most);
        if (least != 0) _refuses(offset, width, least - 1);
        if (most != (1 << 8 * width) - 1) _refuses(offset, width, most + 1);
    }

    function test_acceptsTheKitsPolicy() external view {
        checker.check(_policy(1));
    }

    function test_refusesVersionZero() external {
        _refuses(0, 4, 0);
    }

    function test_refusesAnotherLength() external {
        vm.expectRevert(abi.encodeWithSelector(PolicyPage.WrongPolicyLength.selector, 3104, 3456));
        checker.check(new bytes(3104));
    }

    // --- score ---

    function test_acceptsScoresAtTheirLimits() external view {
        bytes memory page = _policy(1);
        _put(page, 4 + 2, 2, 8_000);
        _put(page, 4 + 14, 2, 2_000); // randomness
        _put(page, 4 + 96, 2, 100);
        _put(page, 4 + 98, 2, 100); // age_cap x age_points
        checker.check(page);
    }

    function test_refusesWeightsThatDoNotAddUp() external {
        _refuses(4 + 16 * 2 + 2, 2, 9_999, 4 + 16 * 2);
    }

    function test_refusesTooMuchRandomness() external {
        bytes memory page = _policy(1);
        _put(page, 4 + 2, 2, 7_999);
        _put(page, 4 + 14, 2, 2_001);
        vm.expectRevert(abi.encodeWithSelector(PolicyPage.BadPolicy.selector, 18));
        checker.check(page);
    }

    function test_offsetsAreBounded() external {
        _ranges(4 + 64 + 24, 8, 0, 100_000_000);
    }

    function test_refusesTooMuchForAge() external {
        bytes memory page = _policy(1);
        _put(page, 4 + 96, 2, 137);
        _put(page, 4 + 98, 2, 73); // 10,001
        vm.expectRevert(abi.encodeWithSelector(PolicyPage.BadPolicy.selector, 100));
        checker.check(page);
    }

    function test_slopesAreBounded() external {
        _ranges(4 + 104, 4, 0, 1_000_000);
        _ranges(4 + 116, 4, 0, 1_000_000);
    }

    function test_refusesStakeUnitZero() external {
        _ranges(4 + 108, 8, 1, type(uint64).max);
    }

    function test_factorsAreShares() external {
        for (uint256 i; i < 4; ++i) {
            _ranges(4 + 120 + 2 * i, 2, 0, 10_000);
        }
        _ranges(4 + 448 + 510, 2, 0, 10_000); // the last of the zones' table
    }

    function test_refusesAZoneAboveFifteen() external {
        _ranges(4 + 192 + 255, 1, 0, 15);
    }

    // --- health ---

    function test_healthKeepsItsRanges() external {
        _ranges(AT_HEALTH, 2, 1, 256); // windows
        _ranges(AT_HEALTH + 2, 2, 31, 1_024); // seats
        _ranges(AT_HEALTH + 4, 2, 1_000, type(uint16).max); // deadline_ms
        _ranges(AT_HEALTH + 6, 1, 2, 16); // fails
        _ranges(AT_HEALTH + 7, 1, 0, 3); // flags
        _ranges(AT_HEALTH + 8, 2, 1, type(uint16).max); // slash_windows
        _ranges(AT_HEALTH + 12, 4, 1, 30 days); // appeal_seconds
        _ranges(AT_HEALTH + 28, 4, 0, 8_191); // required
        _ranges(AT_HEALTH + 138, 2, 0, 10_000); // min_width
        _ranges(AT_HEALTH + 142, 2, 0, 10_000); // min_memory
        _ranges(AT_HEALTH + 158, 4, 1, 30 days); // certify_seconds
        _ranges(AT_HEALTH + 162, 2, 0, 10_000); // slash_bps
        _ranges(AT_HEALTH + 174, 2, 1, type(uint16).max); // uptime_memory
        _ranges(AT_HEALTH + 176, 8, 1, type(uint64).max); // reputation_memory
    }

    function testFuzz_anXidHasOneCause(uint8 xid, uint8 other, uint8 pair) external {
        uint256 mask = 1 << uint256(xid);
        uint256 i = pair % 3 == 2 ? 1 : 0;
        uint256 j = pair % 3 == 0 ? 1 : 2;
        bytes memory page = _policy(1);
        _put(page, AT_HEALTH + 32 + 32 * i, 32, mask);
        _put(page, AT_HEALTH + 32 + 32 * j, 32, ~mask);
        checker.check(page);
        _put(page, AT_HEALTH + 32 + 32 * j, 32, mask | 1 << uint256(other));
        vm.expectRevert(abi.encodeWithSelector(PolicyPage.BadPolicy.selector, AT_HEALTH + 32 + 32 * j));
        checker.check(page);
    }

    // --- money and standing ---

    function test_sharesOfMoneyAreAtMostAll() external {
        _ranges(AT_MONEY + 8, 2, 0, 10_000); // protocol_fee_bps
        _ranges(AT_MONEY + 38, 2, 0, 10_000); // withhold_bps
    }

    function test_floorsBeginAtZeroAndAscend() external {
        _refuses(AT_STANDING, 8, 1);
        for (uint256 tier = 1; tier < 5; ++tier) {
            _refuses(AT_STANDING + 8 * tier, 8, (tier - 1) * 1e6); // as the one before
        }
        _refuses(AT_STANDING + 24, 8, 4e6, AT_STANDING + 32); // as the one after
    }

    function test_theLowestLevelIsAlwaysKept() external {
        _refuses(AT_STANDING + 40, 2, 1);
    }

    function test_theLadderAscends() external {
        for (uint256 l; l < 6; ++l) {
            uint256 level = AT_STANDING + 40 + 8 * l;
            uint256 keepAbove = (l + 1) * 1_400;
            _ranges(level + 2, 2, keepAbove, 10_000); // rise
            _ranges(level + 4, 2, 1, type(uint16).max); // run
            _refuses(level + 8, 2, l * 1_400 == 0 ? 1_401 : l * 1_400 - 1, l == 0 ? level + 2 : level + 8); // keep
            if (l != 0) _refuses(level + 14, 2, l * 1_600 - 1); // weight
        }
        _ranges(AT_STANDING + 40 + 48 + 6, 2, 8_000, 10_000); // the last weight
    }

    function test_theLastLevelsRiseAndRunAreNotJudged() external view {
        _accepts(AT_STANDING + 40 + 48 + 2, 4, type(uint32).max);
        _accepts(AT_STANDING + 40 + 48 + 2, 4, 0);
    }

    function test_theRewardIsAShare() external {
        _ranges(AT_STANDING + 96, 2, 0, 10_000);
    }

    function testFuzz_spareBytesAreZero(uint256 place, uint8 value) external {
        value = uint8(bound(value, 1, 255));
        _refuses(AT_HEALTH + 184 + place % 72, 1, value, AT_HEALTH + 184);
        _refuses(AT_MONEY + 48 + place % 12, 1, value, AT_MONEY + 48);
        _refuses(AT_STANDING + 106 + place % 22, 1, value, AT_STANDING + 106);
    }

    // --- hash and readers ---

    /// @dev The hash is that of the four sections' hashes, and every byte of the page counts.
    function testFuzz_hashCoversEveryByte(uint16 place) external view {
        bytes memory page = _policy(1);
        bytes32 expected = sha256(
            abi.encodePacked(
                bytes32("quorate/policy/v1"),
                uint32(1),
                sha256(_slice(page, 4, 3012)),
                sha256(_slice(page, 3012, 3268)),
                sha256(_slice(page, 3268, 3328)),
                sha256(_slice(page, 3328, 3456))
            )
        );
        assertEq(checker.check(page), expected, "hash");
        page[bound(place, 0, 3455)] ^= 0x01;
        assertTrue(PolicyPage.hash(page) != expected, "another hash");
    }

    function testFuzz_moneyIsReadFromThePage(bytes32 seed) external {
        bytes memory page = _filled(seed);
        PolicyPage.Money memory m = PolicyPage.money(CodePages.write(page));
        bytes memory read = abi.encodePacked(
            m.requestFee,
            m.protocolFeeBps,
            m.minCharge,
            m.voidNotice,
            m.postingFee,
            m.settleFee,
            m.withholdBps,
            m.deposit
        );
        assertEq(read, _slice(page, AT_MONEY, AT_MONEY + 48), "money");
    }

    function testFuzz_healthIsReadFromThePage(bytes32 seed) external {
        bytes memory page = _filled(seed);
        PolicyPage.Health memory h = PolicyPage.health(CodePages.write(page));
        assertEq(abi.encodePacked(h.windows, h.seats), _slice(page, AT_HEALTH, AT_HEALTH + 4), "windows, seats");
        assertEq(h.slashWindows, _get(page, AT_HEALTH + 8, 2), "slash_windows");
        bytes memory read = abi.encodePacked(h.appealSeconds, h.maintenanceNotice, h.maintenanceCap);
        assertEq(read, _slice(page, AT_HEALTH + 12, AT_HEALTH + 24), "appeal and maintenance");
        read =
            abi.encodePacked(h.certifySeconds, h.slashBps, h.bounty, h.jailEpochs, h.uptimeMemory, h.reputationMemory);
        assertEq(read, _slice(page, AT_HEALTH + 158, AT_HEALTH + 184), "the others");
    }

    function testFuzz_standingIsReadFromThePage(bytes32 seed) external {
        bytes memory page = _filled(seed);
        Standing.Rules memory s = PolicyPage.standing(CodePages.write(page));
        bytes memory read;
        for (uint256 tier; tier < 5; ++tier) {
            read = abi.encodePacked(read, s.floors[tier]);
        }
        for (uint256 i; i < 7; ++i) {
            Standing.Level memory l = s.levels[i];
            read = abi.encodePacked(read, l.keep, l.rise, l.run, l.weight);
        }
        read = abi.encodePacked(read, s.rewardBps, s.registerFee);
        assertEq(read, _slice(page, AT_STANDING, AT_STANDING + 106), "standing");
        assertEq(PolicyPage.registerFee(CodePages.write(page)), s.registerFee, "the fee alone");
    }

    function testFuzz_referencePricesAreReadFromThePage(bytes32 seed, uint8 model) external {
        bytes memory page = _filled(seed);
        uint64 price = PolicyPage.referencePrice(CodePages.write(page), model);
        assertEq(price, _get(page, 4 + 960 + 8 * uint256(model), 8), "price");
    }

    /// @dev A page of noise, for readers: they judge nothing.
    function _filled(bytes32 seed) private pure returns (bytes memory page) {
        page = new bytes(3456);
        for (uint256 i; i < page.length; i += 32) {
            seed = keccak256(abi.encode(seed));
            _put(page, i, 32, uint256(seed));
        }
    }
}
