// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {Beacon} from "../src/l1/Seeds.sol";
import {Slasher} from "../src/l1/Slasher.sol";
import {Times} from "../src/l1/Times.sol";
import {StakeTable} from "../src/l2/StakeTable.sol";
import {BLS12381} from "../src/lib/BLS12381.sol";
import {Headers} from "../src/lib/Headers.sol";
import {Base} from "./Base.t.sol";
import {BlsKit} from "./BlsKit.sol";
import {MockCore} from "./l1/MockCore.sol";

/// @notice The AVS of the vectors: its clock, and one key at every index.
contract OneKeyManager {
    bytes public key;
    address public allocationManager;
    uint32 public operatorSetId;

    function set(bytes calldata key_, address core) external {
        (key, allocationManager, operatorSetId) = (key_, core, 7);
    }

    function keyAt(uint32) external view returns (bytes memory) {
        return key;
    }

    function operatorAt(uint32) external pure returns (address, bool) {
        return (address(0x1000), true);
    }

    function times() external pure returns (Times memory) {
        return Times(0, 10, 1 days, 0, 0, 1 days, 0, 0, 0, 0, 1);
    }

    function eject(address) external {}
}

/// @notice The vectors that the protocol crate is tested with: `tests/vectors/protocol.json`.
contract ProtocolVectorsTest is Base {
    string private json;

    function setUp() external {
        json = vm.readFile("../tests/vectors/protocol.json");
    }

    function _bytes(string memory key, uint256 i) private view returns (bytes memory) {
        return vm.parseJsonBytesArray(json, key)[i];
    }

    function _word(string memory key, uint256 i) private view returns (bytes32) {
        return bytes32(_bytes(key, i));
    }

    function _address(string memory key, uint256 i) private view returns (address) {
        return address(bytes20(_bytes(key, i)));
    }

    function _uint(string memory key, uint256 i) private view returns (uint256) {
        return vm.parseJsonUintArray(json, key)[i];
    }

    // --- headers, offences, words ---

    function test_headers() external view {
        uint256 count = vm.parseJsonBytesArray(json, ".header.bytes").length;
        assertTrue(count > 3, "there are vectors");
        for (uint256 i = 0; i < count; ++i) {
            bytes memory header = Headers.encode(Headers.prefix(_domain(i)), _body(i));
            assertEq(header, _bytes(".header.bytes", i), "bytes");
            assertEq(sha256(header), _word(".header.digest", i), "digest");
        }
    }

    function _domain(uint256 i) private view returns (Headers.Domain memory) {
        return Headers.Domain(
            uint64(_uint(".header.l1ChainId", i)),
            uint64(_uint(".header.l2ChainId", i)),
            _address(".header.rounds", i),
            _address(".header.avs", i),
            uint32(_uint(".header.operatorSet", i))
        );
    }

    function _body(uint256 i) private view returns (Headers.Body memory) {
        return Headers.Body(
            uint64(_uint(".header.n", i)),
            uint64(_uint(".header.snapshotNumber", i)),
            _word(".header.snapshotHash", i),
            _word(".header.policyHash", i),
            _word(".header.inputsRoot", i),
            _word(".header.seed", i),
            _word(".header.outcomeRoot", i)
        );
    }

    function test_offences() external {
        Slasher slasher = _slasher("");
        uint256 count = vm.parseJsonBytesArray(json, ".offence.id").length;
        assertTrue(count > 3, "there are vectors");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 id = slasher.offenceId(uint32(_uint(".offence.operator", i)), uint64(_uint(".offence.n", i)));
            assertEq(id, _word(".offence.id", i), "id");
        }
    }

    function test_words() external {
        uint256 count = vm.parseJsonBytesArray(json, ".word.bytes").length;
        assertTrue(count > 0, "there are vectors");
        for (uint256 i = 0; i < count; ++i) {
            Slasher slasher = _slasher("");
            slasher.receiveMessage(_bytes(".word.bytes", i));
            (bytes32 digest, uint8 verdict) = slasher.wordOf(uint64(_uint(".word.n", i)));
            assertEq(digest, _word(".word.digest", i), "digest");
            assertEq(verdict, _uint(".word.verdict", i), "verdict");
        }
    }

    // --- evidence ---

    /// @dev A slasher in the vectors' world, where every operator has the key given.
    function _slasher(bytes memory key) private returns (Slasher) {
        address avs = 0x2222222222222222222222222222222222222222;
        vm.etch(avs, address(new OneKeyManager()).code);
        vm.chainId(31_337);
        OneKeyManager(avs).set(key, address(new MockCore()));
        vm.warp(1);
        Beacon memory beacon = Beacon(BlsKit.packedKeyOf(1), 0, 0, 1, 0);
        address rounds = 0x1111111111111111111111111111111111111111;
        return new Slasher(avs, address(this), 42_161, rounds, address(0), 1, beacon, HEALTH_EPOCH);
    }

    function test_evidence() external {
        uint256 count = vm.parseJsonBytesArray(json, ".evidence.key").length;
        assertTrue(count > 7, "there are vectors");
        for (uint256 i = 0; i < count; ++i) {
            _checkEvidence(i);
        }
    }

    function _checkEvidence(uint256 i) private {
        uint32 operator = uint32(_uint(".evidence.operator", i));
        Slasher slasher = _slasher(BLS12381.packKey(_bytes(".evidence.key", i)));
        bytes memory a = _bytes(".evidence.headerA", i);
        bytes memory b = _bytes(".evidence.headerB", i);
        bytes memory call;
        if (_uint(".evidence.kind", i) == 1) {
            call = abi.encodeCall(
                slasher.proveEquivocation,
                (operator, a, _bytes(".evidence.signatureA", i), b, _bytes(".evidence.signatureB", i))
            );
        } else {
            call = abi.encodeCall(slasher.chargeDivergence, (operator, a, b, _bytes(".evidence.signatureB", i)));
        }
        (bool ok,) = address(slasher).call(call);
        string memory name = vm.parseJsonStringArray(json, ".evidence.name")[i];
        assertTrue(ok == vm.parseJsonBoolArray(json, ".evidence.fault")[i], name);
        // The offence is that of the header which the operator signed.
        uint64 n = uint64(bytes8(_slice(_uint(".evidence.kind", i) == 1 ? a : b, 96, 8)));
        assertEq(slasher.offenceId(operator, n), _word(".evidence.offenceId", i), name);
        if (ok) assertTrue(_recorded(slasher, operator, n, i), name);
    }

    function _recorded(Slasher slasher, uint32 operator, uint64 n, uint256 i) private view returns (bool) {
        if (_uint(".evidence.kind", i) == 1) {
            (ISlasher.Offence offence,) = slasher.offenceOf(operator, n);
            return offence == ISlasher.Offence.Equivocation;
        }
        bytes32 id = slasher.chargeId(operator, n, sha256(_bytes(".evidence.headerA", i)));
        return slasher.chargeOf(id).state == Slasher.ChargeState.Stored;
    }

    // --- tables and certificates ---

    function _post(StakeTable table, uint64 epoch, bytes memory keys, bytes memory stakes) private {
        for (uint32 page = 0; page * 23_040 < keys.length; ++page) {
            uint256 from = page * 23_040;
            uint256 length = keys.length - from < 23_040 ? keys.length - from : 23_040;
            table.postKeysPage(epoch, page, _slice(keys, from, length));
        }
        table.postStakesPage(epoch, stakes);
    }

    function _slice(bytes memory data, uint256 from, uint256 length) private pure returns (bytes memory part) {
        part = new bytes(length);
        assembly ("memory-safe") {
            mcopy(add(part, 32), add(add(data, 32), from), length)
        }
    }

    function test_commitments() external {
        uint256 count = vm.parseJsonBytesArray(json, ".commitment.bytes").length;
        assertTrue(count > 2, "there are vectors");
        for (uint256 i = 0; i < count; ++i) {
            StakeTable table = new StakeTable(address(this));
            uint64 epoch = uint64(_uint(".commitment.epoch", i));
            table.receiveMessage(_bytes(".commitment.bytes", i));
            _post(table, epoch, _bytes(".commitment.keys", i), _bytes(".commitment.stakes", i));
            (uint32 operators, uint128 total, bytes memory key,) = table.tableOf(epoch);
            assertEq(operators, _uint(".commitment.count", i), "count");
            assertEq(total, _uint(".commitment.total", i), "total");
            assertEq(BLS12381.packKey(key), _bytes(".commitment.aggregateKey", i), "aggregate key");
        }
    }

    function test_certificates() external {
        uint256 count = vm.parseJsonBytesArray(json, ".certificate.bytes").length;
        assertTrue(count > 2, "there are vectors");
        for (uint256 i = 0; i < count; ++i) {
            StakeTable table = new StakeTable(address(this));
            _commit(table, _bytes(".certificate.keys", i), _bytes(".certificate.stakes", i));
            (uint256 signed,) = table.verify(
                0,
                _word(".certificate.digest", i),
                _bytes(".certificate.bitmap", i),
                _bytes(".certificate.aggregate", i)
            );
            assertEq(signed, _uint(".certificate.signed", i), "signed stake");
        }
    }

    /// @dev A commitment to these keys and stakes, with the sum of the keys that have stake.
    function _commit(StakeTable table, bytes memory keys, bytes memory stakes) private {
        bytes memory points = new bytes(512);
        uint128 total = 0;
        for (uint256 i = 0; i < stakes.length / 16; ++i) {
            uint128 stake = uint128(bytes16(_slice(stakes, 16 * i, 16)));
            if (stake == 0) continue;
            total += stake;
            bytes memory key = BLS12381.padKey(_slice(keys, 192 * i, 192));
            uint256 sum;
            assembly ("memory-safe") {
                sum := add(points, 32)
                mcopy(add(sum, 256), add(key, 32), 256)
            }
            BLS12381.addG2(sum, sum);
        }
        table.receiveMessage(
            abi.encodePacked(
                uint64(0),
                uint32(stakes.length / 16),
                total,
                BLS12381.packKey(_slice(points, 0, 256)),
                sha256(stakes),
                sha256(keys)
            )
        );
        _post(table, 0, keys, stakes);
    }
}
