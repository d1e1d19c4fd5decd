// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ServiceManager} from "../src/l1/ServiceManager.sol";
import {Times} from "../src/l1/Times.sol";
import {StakeTable} from "../src/l2/StakeTable.sol";
import {BLS12381} from "../src/lib/BLS12381.sol";
import {Base} from "./Base.t.sol";

/// @notice The vectors that the Rust crates are tested with: `tests/vectors/bls.json`.
contract BlsVectorsTest is Base {
    string private json;

    function setUp() external {
        json = vm.readFile("../tests/vectors/bls.json");
    }

    function _bytes(string memory key) private view returns (bytes[] memory) {
        return vm.parseJsonBytesArray(json, key);
    }

    function _flags(string memory key) private view returns (bool[] memory) {
        return vm.parseJsonBoolArray(json, key);
    }

    function _names(string memory key) private view returns (string[] memory) {
        return vm.parseJsonStringArray(json, key);
    }

    function test_hashes() external view {
        bytes[] memory messages = _bytes(".hash.message");
        bytes[] memory tags = _bytes(".hash.dst");
        bytes[] memory points = _bytes(".hash.point");
        assertTrue(messages.length > 10, "there are vectors");
        for (uint256 i = 0; i < messages.length; ++i) {
            assertEq(BLS12381.hashToG1(messages[i], tags[i]), points[i], string(tags[i]));
        }
    }

    function test_signatures() external view {
        bytes[] memory keys = _bytes(".verify.key");
        bytes[] memory messages = _bytes(".verify.message");
        bytes[] memory signatures = _bytes(".verify.signature");
        bool[] memory valid = _flags(".verify.valid");
        string[] memory names = _names(".verify.name");
        assertTrue(keys.length > 10, "there are vectors");
        for (uint256 i = 0; i < keys.length; ++i) {
            bool got = BLS12381.verify(messages[i], BLS12381.DST_VOTE, keys[i], signatures[i]);
            assertTrue(got == valid[i], names[i]);
        }
    }

    function test_badPointsNeverVerify() external view {
        bytes memory goodKey = _bytes(".verify.key")[0];
        bytes memory goodSignature = _bytes(".verify.signature")[0];
        bytes memory message = _bytes(".verify.message")[0];
        bytes[] memory keys = _bytes(".key.bytes");
        bool[] memory valid = _flags(".key.valid");
        for (uint256 i = 0; i < keys.length; ++i) {
            if (valid[i]) continue;
            assertTrue(!BLS12381.verify(message, BLS12381.DST_VOTE, keys[i], goodSignature), _names(".key.name")[i]);
        }
        bytes[] memory signatures = _bytes(".signature.bytes");
        valid = _flags(".signature.valid");
        for (uint256 i = 0; i < signatures.length; ++i) {
            if (valid[i]) continue;
            assertTrue(
                !BLS12381.verify(message, BLS12381.DST_VOTE, goodKey, signatures[i]), _names(".signature.name")[i]
            );
        }
    }

    function test_proofsOfPossession() external {
        bytes memory code =
            address(new ServiceManager(address(1), 0, address(2), 0, Times(0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1))).code;
        uint256 count = _names(".possession.name").length;
        assertTrue(count > 5, "there are vectors");
        for (uint256 i = 0; i < count; ++i) {
            _checkPossession(code, i);
        }
    }

    /// @dev A registry at the address and on the chain that the vector names.
    function _checkPossession(bytes memory code, uint256 i) private {
        string memory name = _names(".possession.name")[i];
        address registry = address(bytes20(_bytes(".possession.serviceManager")[i]));
        vm.etch(registry, code);
        vm.chainId(vm.parseJsonUintArray(json, ".possession.l1Chain")[i]);
        bytes memory key = _bytes(".possession.key")[i];
        bytes memory packed = _bytes(".possession.key192")[i];
        address operator = address(bytes20(_bytes(".possession.operator")[i]));
        bytes32 message = ServiceManager(registry).popMessage(operator, packed);
        assertEq(message, bytes32(_bytes(".possession.message")[i]), name);
        assertEq(BLS12381.packKey(key), packed, name);
        bytes memory proof = _bytes(".possession.proof")[i];
        bool got = BLS12381.verify(bytes.concat(message), BLS12381.DST_POSSESSION, key, proof);
        assertTrue(got == _flags(".possession.valid")[i], name);
    }

    /// @dev Each a table of its own epoch, every operator with stake 1.
    function test_aggregates() external {
        StakeTable table = new StakeTable(address(this));
        uint64 count = uint64(_names(".aggregate.name").length);
        assertTrue(count > 5, "there are vectors");
        for (uint64 i = 0; i < count; ++i) {
            _post(table, i, _bytes(".aggregate.keys")[i], _bytes(".aggregate.total")[i]);
            bytes32 digest = bytes32(_bytes(".aggregate.digest")[i]);
            bytes memory bitmap = _bytes(".aggregate.bitmap")[i];
            bytes memory aggregate = _bytes(".aggregate.aggregate")[i];
            (bool ok,) = address(table).staticcall(abi.encodeCall(table.verify, (i, digest, bitmap, aggregate)));
            assertTrue(ok == _flags(".aggregate.valid")[i], _names(".aggregate.name")[i]);
        }
    }

    function _post(StakeTable table, uint64 epoch, bytes memory keys, bytes memory total) private {
        uint256 count = keys.length / 192;
        bytes memory stakes;
        for (uint256 j = 0; j < count; ++j) {
            stakes = bytes.concat(stakes, bytes16(uint128(1)));
        }
        table.receiveMessage(
            abi.encodePacked(epoch, uint32(count), uint128(count), total, sha256(stakes), sha256(keys))
        );
        table.postKeysPage(epoch, 0, keys);
        table.postStakesPage(epoch, stakes);
    }
}
