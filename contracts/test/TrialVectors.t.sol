// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {Beacon} from "../src/l1/Seeds.sol";
import {Slasher} from "../src/l1/Slasher.sol";
import {Times} from "../src/l1/Times.sol";
import {BLS12381} from "../src/lib/BLS12381.sol";
import {Base} from "./Base.t.sol";
import {BlsKit} from "./BlsKit.sol";

/// @notice The AVS of the vectors: its clock and its keys, 192 bytes each.
contract KeysManager {
    bytes private _keys;
    Times private _times;

    function set(bytes calldata keys, Times calldata times_) external {
        (_keys, _times) = (keys, times_);
    }

    function operatorSetId() external pure returns (uint32) {
        return 7;
    }

    function times() external view returns (Times memory) {
        return _times;
    }

    /// @dev Written down independently of `OperatorBook`; nothing for nobody, as no contract may.
    function sumOfKeys(bytes calldata bitmap) external view returns (bytes memory) {
        bytes memory points = new bytes(512);
        for (uint256 i = 0; i < 8 * bitmap.length; ++i) {
            if (uint8(bitmap[i / 8]) & 1 << i % 8 == 0) continue;
            require(192 * (i + 1) <= _keys.length, "nobody");
            bytes memory packed = new bytes(192);
            for (uint256 k = 0; k < 192; ++k) {
                packed[k] = _keys[192 * i + k];
            }
            bytes memory key = BLS12381.padKey(packed);
            uint256 sum;
            assembly ("memory-safe") {
                sum := add(points, 32)
                mcopy(add(sum, 256), add(key, 32), 256)
            }
            BLS12381.addG2(sum, sum);
        }
        assembly ("memory-safe") {
            mstore(points, 256)
        }
        return points;
    }
}

/// @notice Signers of judged headers and wrong seeds, as the protocol crate judges them.
contract TrialVectorsTest is Base {
    address private constant AVS = 0x2222222222222222222222222222222222222222;
    address private constant ROUNDS = 0x1111111111111111111111111111111111111111;

    /// @dev The columns of a group, each parsed once: the document is long.
    struct Signed {
        bytes[] keys;
        bytes[] header;
        bytes[] digest;
        bytes[] bitmap;
        bytes[] aggregate;
        string[] name;
        bool[] fault;
    }

    struct Seeded {
        bytes[] key;
        bytes[] chainHash;
        bytes[] header;
        bytes[] signature;
        uint256[] beaconGenesis;
        uint256[] beaconPeriod;
        uint256[] delay;
        uint256[] genesis;
        uint256[] period;
        uint256[] n;
        string[] name;
        bool[] fault;
    }

    function setUp() external {
        vm.etch(AVS, address(new KeysManager()).code);
        vm.chainId(31_337);
    }

    function _json() private view returns (string memory) {
        return vm.readFile("../tests/vectors/protocol.json");
    }

    function _slasher(bytes memory keys, uint64 genesis, uint32 period, Beacon memory beacon)
        private
        returns (Slasher)
    {
        KeysManager(AVS).set(keys, Times(genesis, period, 1 days, 0, 0, 1 days, 0, 0, 0, 0, 1));
        vm.warp(genesis);
        return new Slasher(AVS, address(this), 42_161, ROUNDS, address(0), genesis, beacon, HEALTH_EPOCH);
    }

    function test_signers() external {
        string memory json = _json();
        Signed memory v;
        v.keys = vm.parseJsonBytesArray(json, ".signers.keys");
        v.header = vm.parseJsonBytesArray(json, ".signers.header");
        v.digest = vm.parseJsonBytesArray(json, ".signers.digest");
        v.bitmap = vm.parseJsonBytesArray(json, ".signers.bitmap");
        v.aggregate = vm.parseJsonBytesArray(json, ".signers.aggregate");
        v.name = vm.parseJsonStringArray(json, ".signers.name");
        v.fault = vm.parseJsonBoolArray(json, ".signers.fault");
        assertTrue(v.header.length > 6, "there are vectors");
        for (uint256 i = 0; i < v.header.length; ++i) {
            _checkSigners(v, i);
        }
    }

    function _checkSigners(Signed memory v, uint256 i) private {
        Slasher slasher = _slasher(v.keys[i], 1, 10, Beacon(BlsKit.packedKeyOf(1), 0, 0, 1, 0));
        (bool ok,) =
            address(slasher).call(abi.encodeCall(slasher.proveSigners, (v.header[i], v.bitmap[i], v.aggregate[i])));
        assertTrue(ok == v.fault[i], v.name[i]);
        for (uint32 k = 0; k < 8 * v.bitmap[i].length; ++k) {
            bool claimed = uint8(v.bitmap[i][k / 8]) & 1 << k % 8 != 0;
            assertTrue(slasher.hasSigned(bytes32(v.digest[i]), k) == (ok && claimed), v.name[i]);
        }
    }

    function test_wrongSeeds() external {
        string memory json = _json();
        Seeded memory v;
        v.key = vm.parseJsonBytesArray(json, ".wrongSeed.key");
        v.chainHash = vm.parseJsonBytesArray(json, ".wrongSeed.chainHash");
        v.header = vm.parseJsonBytesArray(json, ".wrongSeed.header");
        v.signature = vm.parseJsonBytesArray(json, ".wrongSeed.signature");
        v.beaconGenesis = vm.parseJsonUintArray(json, ".wrongSeed.beaconGenesis");
        v.beaconPeriod = vm.parseJsonUintArray(json, ".wrongSeed.beaconPeriod");
        v.delay = vm.parseJsonUintArray(json, ".wrongSeed.delay");
        v.genesis = vm.parseJsonUintArray(json, ".wrongSeed.genesis");
        v.period = vm.parseJsonUintArray(json, ".wrongSeed.period");
        v.n = vm.parseJsonUintArray(json, ".wrongSeed.n");
        v.name = vm.parseJsonStringArray(json, ".wrongSeed.name");
        v.fault = vm.parseJsonBoolArray(json, ".wrongSeed.fault");
        assertTrue(v.header.length > 40, "there are vectors");
        for (uint256 i = 0; i < v.header.length; ++i) {
            _checkSeed(v, i);
        }
    }

    function _checkSeed(Seeded memory v, uint256 i) private {
        Beacon memory beacon = Beacon({
            key: v.key[i],
            chainHash: bytes32(v.chainHash[i]),
            genesis: uint64(v.beaconGenesis[i]),
            period: uint32(v.beaconPeriod[i]),
            delay: uint32(v.delay[i])
        });
        Slasher slasher = _slasher("", uint64(v.genesis[i]), uint32(v.period[i]), beacon);
        (bool ok,) = address(slasher).call(abi.encodeCall(slasher.proveWrongSeed, (v.header[i], v.signature[i])));
        assertTrue(ok == v.fault[i], v.name[i]);
        ISlasher.Offence known = slasher.verdictOf(uint64(v.n[i]), sha256(v.header[i]));
        assertTrue((known == ISlasher.Offence.WrongSeed) == ok, v.name[i]);
    }
}
