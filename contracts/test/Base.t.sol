// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @notice The cheatcodes of forge that our tests use.
interface Vm {
    function warp(uint256 timestamp) external;
    function roll(uint256 number) external;
    function chainId(uint256 id) external;
    function deal(address who, uint256 balance) external;
    function etch(address who, bytes calldata code) external;
    function prank(address sender) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function assume(bool condition) external pure;
    function expectRevert() external;
    function expectRevert(bytes4 selector) external;
    function expectRevert(bytes calldata data) external;
    function expectEmit() external;
    function load(address target, bytes32 slot) external view returns (bytes32);
    function store(address target, bytes32 slot, bytes32 value) external;
    function getBlockTimestamp() external view returns (uint256);
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytesArray(string calldata json, string calldata key) external pure returns (bytes[] memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function parseJsonBoolArray(string calldata json, string calldata key) external pure returns (bool[] memory);
    function parseJsonStringArray(string calldata json, string calldata key) external pure returns (string[] memory);
    function parseJsonBool(string calldata json, string calldata key) external pure returns (bool);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function parseJsonKeys(string calldata json, string calldata key) external pure returns (string[] memory);
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function toString(uint256 value) external pure returns (string memory);
    function cool(address target) external;
    function snapshotState() external returns (uint256 id);
    function revertToState(uint256 id) external returns (bool done);

    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
}

/// @notice What all tests start from: cheatcodes, asserts that name both sides, handler targets for invariants.
abstract contract Base {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    /// @dev Seconds of a health epoch, where a test needs one.
    uint32 internal constant HEALTH_EPOCH = 1 days;

    /// @dev Both sides of every mismatch, so that a failing test explains itself.
    error NotEqual(uint256 got, uint256 expected, string what);
    error NotEqualBytes(bytes got, bytes expected, string what);
    error NotTrue(string what);
    error TooMuch(uint256 got, uint256 limit, string what);

    event log_named_uint(string key, uint256 value);

    address[] private _targets;

    function assertEq(uint256 got, uint256 expected, string memory what) internal pure {
        if (got != expected) revert NotEqual(got, expected, what);
    }

    function assertEq(bytes32 got, bytes32 expected, string memory what) internal pure {
        if (got != expected) revert NotEqual(uint256(got), uint256(expected), what);
    }

    function assertEq(address got, address expected, string memory what) internal pure {
        if (got != expected) revert NotEqual(uint160(got), uint160(expected), what);
    }

    function assertEq(bytes memory got, bytes memory expected, string memory what) internal pure {
        if (keccak256(got) != keccak256(expected)) revert NotEqualBytes(got, expected, what);
    }

    function assertTrue(bool condition, string memory what) internal pure {
        if (!condition) revert NotTrue(what);
    }

    function assertLe(uint256 got, uint256 limit, string memory what) internal pure {
        if (got > limit) revert TooMuch(got, limit, what);
    }

    /// @dev Names a handler whose functions forge calls between checks of the invariants.
    function targetContract(address target) internal {
        _targets.push(target);
    }

    function targetContracts() external view returns (address[] memory) {
        return _targets;
    }

    /// @dev `x` folded into `[low, high]`, for fuzzed values.
    function bound(uint256 x, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + x % (high - low + 1);
    }
}
