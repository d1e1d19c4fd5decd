// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {OutcomeTree} from "../../src/lib/OutcomeTree.sol";
import {PolicyCheck} from "../../src/l2/PolicyCheck.sol";
import {PolicyPage} from "../../src/lib/PolicyPage.sol";
import {PolicyRules} from "../../src/lib/PolicyRules.sol";
import {Schedules} from "../../src/lib/Schedules.sol";
import {Rounds} from "../../src/l2/Rounds.sol";
import {Vm} from "../Base.t.sol";
import {Kit} from "./Kit.sol";
import {MockStakeTable} from "./Mocks.sol";
import {vm2} from "./Vm2.sol";

/// @notice The vectors that the Rust crates wrote, read by the contracts.
contract VectorsTest is Kit {
    function setUp() public override {}

    function _read(string memory name) private view returns (string memory) {
        return vm.readFile(string.concat("../tests/vectors/", name, ".json"));
    }

    function check(bytes32 root, IRounds.Chunk calldata c) external view {
        OutcomeTree.check(root, c);
    }

    /// @dev Proofs stand joined in one byte string.
    function _split(bytes memory joined) private pure returns (bytes32[] memory parts) {
        parts = new bytes32[](joined.length / 32);
        for (uint256 i; i < parts.length; ++i) {
            parts[i] = bytes32(_get(joined, 32 * i, 32));
        }
    }

    function test_everyChunkOfEveryListBelongsToItsRoot() external view {
        string memory json = _read("list");
        bytes[] memory entries = vm.parseJsonBytesArray(json, ".entries");
        bytes[] memory proofs = vm.parseJsonBytesArray(json, ".chunkProof");
        bytes[] memory roots = vm.parseJsonBytesArray(json, ".outcomeRoot");
        uint256[] memory lists = vm.parseJsonUintArray(json, ".chunkList");
        uint256[] memory indices = vm.parseJsonUintArray(json, ".chunkIndex");
        uint256[] memory lowest = vm.parseJsonUintArray(json, ".lowest");
        assertTrue(lists.length >= 10, "there are chunks");
        for (uint256 i; i < lists.length; ++i) {
            uint256 list = lists[i];
            IRounds.Chunk memory c;
            uint256 count = entries[list].length / 49;
            c.count = uint32(count);
            c.lowest = uint32(lowest[list]);
            c.index = uint32(indices[i]);
            uint256 end = (indices[i] + 1) * 256;
            c.entries = _slice(entries[list], indices[i] * 256 * 49, (end < count ? end : count) * 49);
            c.proof = _split(proofs[i]);
            this.check(bytes32(roots[list]), c);
        }
    }

    function test_outcomeRootsOfTheRoundsAreOurs() external view {
        string memory json = _read("round");
        bytes[] memory entries = vm.parseJsonBytesArray(json, ".entries");
        bytes[] memory roots = vm.parseJsonBytesArray(json, ".outcomeRoot");
        uint256[] memory lowest = vm.parseJsonUintArray(json, ".lowest");
        assertTrue(entries.length != 0, "there are rounds");
        for (uint256 i; i < entries.length; ++i) {
            assertEq(_outcomeRoot(entries[i], uint32(lowest[i])), bytes32(roots[i]), "outcome root");
            IRounds.Chunk memory c = _chunk(0, entries[i], 0);
            c.lowest = uint32(lowest[i]);
            this.check(bytes32(roots[i]), c);
        }
    }

    function test_scorePoliciesOfTheRoundsAreValid() external view {
        bytes[] memory scores = vm.parseJsonBytesArray(_read("round"), ".scorePolicy");
        assertTrue(scores.length != 0, "there are policies");
        for (uint256 i; i < scores.length; ++i) {
            PolicyRules.validate(
                bytes.concat(hex"00000001", scores[i], _slice(_policy(1), AT_HEALTH, PolicyPage.LENGTH))
            );
        }
    }

    /// @dev A whole policy as Rust writes it follows our rules, and has the hash that Rust gives it.
    function test_policyPagesAreOurs() external {
        string memory json = _read("score");
        bytes memory page = vm.parseJsonBytes(json, ".policyPage");
        assertEq(new PolicyCheck(address(0), 0, 0).check(page), vm.parseJsonBytes32(json, ".policyHash"), "hash");
    }

    function _uints(string memory json, string memory key) private pure returns (uint256[] memory) {
        return vm.parseJsonUintArray(json, key);
    }

    function test_schedulesAreOurs() external view {
        string memory json = _read("protocol");
        uint256[] memory n = _uints(json, ".schedule.n");
        assertTrue(n.length != 0, "there are schedules");
        for (uint256 i; i < n.length; ++i) {
            IRounds.Schedule memory s;
            s.genesis = uint64(_uints(json, ".schedule.genesis")[i]);
            s.period = uint32(_uints(json, ".schedule.period")[i]);
            s.settleTimeout = uint32(_uints(json, ".schedule.settleTimeout")[i]);
            s.delay = uint32(_uints(json, ".schedule.delay")[i]);
            s.stakeEpoch = uint32(_uints(json, ".schedule.stakeEpoch")[i]);
            s.beaconGenesis = uint64(_uints(json, ".schedule.beaconGenesis")[i]);
            s.beaconPeriod = uint32(_uints(json, ".schedule.beaconPeriod")[i]);
            assertEq(Schedules.closeOf(s, n[i]), _uints(json, ".schedule.close")[i], "close");
            assertEq(Schedules.deadlineOf(s, n[i]), _uints(json, ".schedule.deadline")[i], "deadline");
            assertEq(Schedules.epochOf(s, n[i]), _uints(json, ".schedule.epoch")[i], "epoch");
            uint256 r = Schedules.beaconRound(s, n[i]);
            assertEq(r, _uints(json, ".schedule.beaconRound")[i], "beacon round");
            assertEq(Schedules.beaconTime(s, r), _uints(json, ".schedule.beaconTime")[i], "beacon time");
        }
    }

    function test_liveRoundsAreOurs() external view {
        string memory json = _read("protocol");
        uint256[] memory n = _uints(json, ".live.n");
        uint256[] memory first = _uints(json, ".live.first");
        uint256[] memory end = _uints(json, ".live.end");
        uint256[] memory genesis = _uints(json, ".live.genesis");
        uint256[] memory period = _uints(json, ".live.period");
        uint256[] memory timeout = _uints(json, ".live.settleTimeout");
        bool[] memory live = vm2.parseJsonBoolArray(json, ".live.live");
        assertEq(live.length, n.length, "answers");
        for (uint256 i; i < n.length; ++i) {
            IRounds.Schedule memory s;
            (s.genesis, s.period, s.settleTimeout) = (uint64(genesis[i]), uint32(period[i]), uint32(timeout[i]));
            assertEq(Schedules.firstAfter(s, end[i]), first[i], "first live");
            assertTrue(Schedules.isLive(s, first[i], n[i]) == live[i], "live");
        }
    }

    /// @dev The vectors' `Rounds` stands at a fixed address, so the code of one of ours is put there.
    function _roundsOfVectors(string memory json) private returns (IRounds at_) {
        vm.chainId(42161);
        IRounds.Schedule memory s = _scheduleOfTests();
        s.beaconGenesis = GENESIS + 6; // R(0) = 1
        s.beaconChainHash = bytes32(vm.parseJsonBytesArray(json, ".seed.chainHash")[0]);
        bytes memory avs = vm.parseJsonBytesArray(json, ".header.avs")[0];
        table = new MockStakeTable(1, 1);
        Rounds r = new Rounds(
            s,
            IRounds.Domain(31337, address(bytes20(avs)), 7),
            _links(address(0)),
            RING,
            _policy(1),
            Rounds.Limits({proposalBond: BOND, forcedInclusion: 100})
        );
        at_ = IRounds(address(bytes20(vm.parseJsonBytesArray(json, ".header.rounds")[0])));
        vm.etch(address(at_), address(r).code);
    }

    function _b32(string memory json, string memory key, uint256 i) private pure returns (bytes32) {
        return bytes32(vm.parseJsonBytesArray(json, key)[i]);
    }

    function test_headersAreOurs() external {
        string memory json = _read("protocol");
        IRounds r = _roundsOfVectors(json);
        uint256[] memory n = _uints(json, ".header.n");
        assertTrue(n.length != 0, "there are headers");
        for (uint256 i; i < n.length; ++i) {
            bytes memory header = r.headerBytes(
                uint64(n[i]),
                uint64(_uints(json, ".header.snapshotNumber")[i]),
                _b32(json, ".header.snapshotHash", i),
                _b32(json, ".header.policyHash", i),
                _b32(json, ".header.inputsRoot", i),
                _b32(json, ".header.seed", i),
                _b32(json, ".header.outcomeRoot", i)
            );
            assertEq(header, vm.parseJsonBytesArray(json, ".header.bytes")[i], "header");
            assertEq(sha256(header), _b32(json, ".header.digest", i), "digest");
        }
    }

    /// @dev A seed shows in the event of a settlement, here of round 0 with beacon round 1.
    function test_seedIsOurs() external {
        string memory json = _read("protocol");
        assertEq(_uints(json, ".seed.n")[0], 0, "round of the first vector");
        assertEq(_uints(json, ".seed.beaconRound")[0], 1, "beacon round of the first vector");
        IRounds r = _roundsOfVectors(json);
        IRounds.Settlement memory s = _settlement(0, 0);
        s.beaconSignature = vm.parseJsonBytesArray(json, ".seed.signature")[0];
        vm.warp(GENESIS + 30);
        vm.recordLogs();
        r.settle(s);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        bytes32 seed = bytes32(_get(logs[0].data, 8 * 32, 32));
        assertEq(seed, _b32(json, ".seed.seed", 0), "seed");
    }
}
