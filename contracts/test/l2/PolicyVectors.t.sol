// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {PolicyCheck} from "../../src/l2/PolicyCheck.sol";
import {CodePages} from "../../src/lib/CodePages.sol";
import {PolicyPage} from "../../src/lib/PolicyPage.sol";
import {Standing} from "../../src/lib/Standing.sol";
import {Kit} from "./Kit.sol";

/// @notice Sections of health and standing as Rust writes and judges them: tests/vectors/{health,standing}.json.
contract PolicyVectorsTest is Kit {
    PolicyCheck private checker;
    string private _json;

    function setUp() public override {
        checker = new PolicyCheck(address(0), 0, 0);
    }

    function _load(string memory name) private {
        _json = vm.readFile(string.concat("../tests/vectors/", name, ".json"));
    }

    function _uints(string memory key) private view returns (uint256[] memory) {
        return vm.parseJsonUintArray(_json, key);
    }

    /// @dev The kit's page with another section.
    function _with(uint256 offset, bytes memory section) private pure returns (bytes memory page) {
        page = _policy(1);
        for (uint256 i; i < section.length; ++i) {
            page[offset + i] = section[i];
        }
    }

    /// @dev Whether our rules take each page that Rust's take, and no other.
    function _judgesAlike(uint256 offset, bytes[] memory sections, uint256[] memory valid) private view {
        uint256 good;
        for (uint256 i; i < sections.length; ++i) {
            bool taken;
            try checker.check(_with(offset, sections[i])) {
                taken = true;
                ++good;
            } catch (bytes memory why) {
                assertEq(bytes4(why), PolicyPage.BadPolicy.selector, "reason");
            }
            assertTrue(taken == (valid[i] == 1), "judged alike");
        }
        assertTrue(good != 0 && good != sections.length, "some of either kind");
    }

    function test_healthSectionsAreJudgedAlike() external {
        _load("health");
        _judgesAlike(AT_HEALTH, vm.parseJsonBytesArray(_json, ".policy.section"), _uints(".policy.valid"));
    }

    function test_healthSectionsAreReadAlike() external {
        _load("health");
        bytes[] memory sections = vm.parseJsonBytesArray(_json, ".policy.section");
        uint256[] memory valid = _uints(".policy.valid");
        string[12] memory names = [
            "windows",
            "seats",
            "slashWindows",
            "certifySeconds",
            "appealSeconds",
            "maintenanceNotice",
            "maintenanceCap",
            "slashBps",
            "bounty",
            "jailEpochs",
            "uptimeMemory",
            "reputationMemory"
        ];
        uint256[][] memory numbers = new uint256[][](names.length);
        for (uint256 f; f < names.length; ++f) {
            numbers[f] = _uints(string.concat(".policy.", names[f]));
        }
        for (uint256 i; i < sections.length; ++i) {
            if (valid[i] == 0) continue;
            // A struct of words in the order of the names.
            bytes memory got = abi.encode(PolicyPage.health(CodePages.write(_with(AT_HEALTH, sections[i]))));
            for (uint256 f; f < names.length; ++f) {
                assertEq(_get(got, 32 * f, 32), numbers[f][i], names[f]);
            }
        }
    }

    function test_standingSectionsAreJudgedAlike() external {
        _load("standing");
        _judgesAlike(AT_STANDING, vm.parseJsonBytesArray(_json, ".section.bytes"), _uints(".section.valid"));
    }

    /// @dev The rules of each valid section; those stand first.
    function _rules() private returns (Standing.Rules[] memory rules) {
        _load("standing");
        bytes[] memory sections = vm.parseJsonBytesArray(_json, ".section.bytes");
        uint256[] memory valid = _uints(".section.valid");
        uint256 count;
        while (count < valid.length && valid[count] == 1) ++count;
        rules = new Standing.Rules[](count);
        for (uint256 i; i < count; ++i) {
            rules[i] = PolicyPage.standing(CodePages.write(_with(AT_STANDING, sections[i])));
        }
    }

    function test_tiersAreAlike() external {
        Standing.Rules[] memory rules = _rules();
        uint256[] memory section = _uints(".tier.section");
        uint256[] memory price = _uints(".tier.price");
        uint256[] memory tier = _uints(".tier.tier");
        assertTrue(tier.length >= 10, "there are tiers");
        for (uint256 i; i < tier.length; ++i) {
            assertEq(Standing.tierOf(rules[section[i]].floors, uint64(price[i])), tier[i], "tier");
        }
    }

    function test_stepsOnTheLadderAreAlike() external {
        Standing.Rules[] memory rules = _rules();
        uint256[] memory section = _uints(".step.section");
        uint256[] memory level = _uints(".step.level");
        uint256[] memory run = _uints(".step.run");
        uint256[] memory uptime = _uints(".step.uptime");
        uint256[] memory levelAfter = _uints(".step.levelAfter");
        uint256[] memory runAfter = _uints(".step.runAfter");
        assertTrue(level.length >= 100, "there are steps");
        for (uint256 i; i < level.length; ++i) {
            (uint8 l, uint16 r) =
                Standing.step(rules[section[i]].levels, uint8(level[i]), uint16(run[i]), uint16(uptime[i]));
            assertEq(l, levelAfter[i], "level");
            assertEq(r, runAfter[i], "run");
        }
    }

    function test_weightsAreAlike() external {
        Standing.Rules[] memory rules = _rules();
        uint256[] memory section = _uints(".weight.section");
        uint256[] memory level = _uints(".weight.level");
        uint256[] memory weight = _uints(".weight.weight");
        assertTrue(weight.length >= 7, "there are weights");
        for (uint256 i; i < weight.length; ++i) {
            assertEq(rules[section[i]].levels[level[i]].weight, weight[i], "weight");
        }
    }
}
