// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../../../src/interfaces/IMarket.sol";
import {IProviders} from "../../../src/interfaces/IProviders.sol";
import {IRounds} from "../../../src/interfaces/IRounds.sol";
import {IVerifier} from "../../../src/interfaces/IVerifier.sol";
import {Verifier} from "../../../src/l2/Verifier.sol";
import {CodePages} from "../../../src/lib/CodePages.sol";
import {Headers} from "../../../src/lib/Headers.sol";
import {Base} from "../../Base.t.sol";
import {BlsKit} from "../../BlsKit.sol";
import {LedgerMock} from "./LedgerMock.sol";

/// @notice The verifier against the judge of `crates/matching`: markets, lists and witnesses that it wrote.
contract WitnessVectorsTest is Base {
    /// @dev Stands for `BadWitness` in the vectors.
    uint256 private constant MALFORMED = 255;

    LedgerMock[] private _ledgers;
    Verifier[] private _verifiers;
    uint256[] private _rounds;
    bytes[] private _seeds;

    function _file() private view returns (string memory) {
        return vm.readFile("../tests/vectors/witness.json");
    }

    /// @dev In frames of their own: the memory that parsing takes is given back.
    function byteArray(string calldata key) external view returns (bytes[] memory) {
        return vm.parseJsonBytesArray(_file(), key);
    }

    function uintArray(string calldata key) external view returns (uint256[] memory) {
        return vm.parseJsonUintArray(_file(), key);
    }

    function setUp() external {
        _addWorlds();
        _addRequests();
        _addVersions();
    }

    function _addWorlds() private {
        bytes[] memory pages = this.byteArray(".policyPage");
        uint256[] memory genesis = this.uintArray(".genesis");
        uint256[] memory period = this.uintArray(".period");
        uint256[] memory health = this.uintArray(".healthEpochSeconds");
        uint256[] memory time = this.uintArray(".time");
        _rounds = this.uintArray(".round");
        _seeds = this.byteArray(".seed");
        bytes memory key = BlsKit.packedKeyOf(0x1234567);
        for (uint256 i; i < pages.length; ++i) {
            assertEq(genesis[i] + _rounds[i] * period[i] - 1, time[i], "T");
            LedgerMock ledger = new LedgerMock(
                uint64(_rounds[i]), uint64(genesis[i]), uint32(period[i]), uint32(health[i]), CodePages.write(pages[i])
            );
            _ledgers.push(ledger);
            _verifiers.push(
                new Verifier(IRounds(address(ledger)), IMarket(address(ledger)), IProviders(address(ledger)), key)
            );
        }
    }

    function _addRequests() private {
        uint256[] memory worlds = this.uintArray(".requestWorld");
        bytes[] memory records = this.byteArray(".request");
        uint256[] memory created = this.uintArray(".requestCreated");
        uint256[] memory closed = this.uintArray(".requestClosed");
        uint256[] memory rounds = this.uintArray(".leaseRound");
        uint256[] memory positions = this.uintArray(".leasePosition");
        for (uint256 i; i < worlds.length; ++i) {
            _ledgers[worlds[i]].addRequest(
                uint64(bytes8(records[i])),
                records[i],
                LedgerMock.Request(
                    address(0), uint64(created[i]), uint64(closed[i]), uint64(rounds[i]), uint32(positions[i])
                )
            );
        }
    }

    function _addVersions() private {
        uint256[] memory worlds = this.uintArray(".versionWorld");
        bytes[] memory inputs = this.byteArray(".versionInput");
        uint256[] memory closed = this.uintArray(".versionClosed");
        for (uint256 i; i < worlds.length; ++i) {
            bytes memory input = inputs[i];
            address provider;
            assembly ("memory-safe") {
                provider := shr(96, mload(add(input, 0x2c))) // at byte 12
            }
            _ledgers[worlds[i]].addVersion(uint64(bytes8(input)), provider, input, uint64(closed[i]));
        }
    }

    function _header(uint256 world, bytes32 outcomeRoot) private view returns (bytes memory) {
        Headers.Domain memory d = Headers.Domain(1, uint64(block.chainid), address(_ledgers[world]), address(0xA5), 7);
        Headers.Body memory b;
        (b.n, b.seed, b.outcomeRoot) = (uint64(_rounds[world]), bytes32(_seeds[world]), outcomeRoot);
        return Headers.encode(Headers.prefix(d), b);
    }

    function test_everyWitnessShowsWhatItShowsInRust() external {
        uint256[] memory worlds = this.uintArray(".listWorld");
        bytes[] memory entries = this.byteArray(".listEntries");
        bytes[] memory roots = this.byteArray(".listOutcomeRoot");
        uint256[] memory lists = this.uintArray(".witnessList");
        bytes[] memory witnesses = this.byteArray(".witness");
        uint256[] memory codes = this.uintArray(".witnessCode");
        uint256[] memory positions = this.uintArray(".witnessPosition");
        assertTrue(witnesses.length >= 1_000, "there are witnesses");
        for (uint256 i; i < witnesses.length; ++i) {
            uint256 list = lists[i];
            bytes32 root = bytes32(roots[list]);
            _ledgers[worlds[list]].post(root, entries[list]);
            (uint256 code, uint256 position) = _judge(worlds[list], root, witnesses[i]);
            if (code != codes[i] || position != positions[i]) {
                revert Differs(i, code, codes[i], position, positions[i]);
            }
        }
    }

    error Differs(uint256 witness, uint256 code, uint256 codeInRust, uint256 position, uint256 positionInRust);

    function _judge(uint256 world, bytes32 root, bytes memory witness) private view returns (uint256, uint256) {
        try _verifiers[world].judge(_header(world, root), witness) returns (uint8 code, uint32 position) {
            return (code, position);
        } catch (bytes memory reason) {
            assertEq(bytes32(bytes4(reason)), bytes32(IVerifier.BadWitness.selector), "reverts with BadWitness");
            return (MALFORMED, 0);
        }
    }
}
