// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {VerdictBase} from "./VerdictBase.sol";

/// @notice What convicting a full set costs, with ceilings. The core is a mock of a few storage slots: what the real
/// one spends on top (some 300,000 a slash) is in the figures of the devnet.
contract VerdictGasTest is VerdictBase {
    uint256 private constant OPERATORS = 128;

    function setUp() external {
        _start(OPERATORS);
    }

    function _all() private pure returns (bytes memory bitmap) {
        bitmap = new bytes(OPERATORS / 8);
        for (uint256 i = 0; i < bitmap.length; ++i) {
            bitmap[i] = 0xff;
        }
    }

    /// @dev Storage as cold as in a transaction of its own.
    function _cool() private {
        vm.cool(address(slasher));
        vm.cool(address(manager));
        vm.cool(address(core));
    }

    function test_gasOfProvingAllSigners() external {
        bytes memory header = _header(WRONG);
        bytes memory aggregate = _signBy(_all(), header);
        bytes memory bitmap = _all();
        _cool();
        uint256 before = gasleft();
        slasher.proveSigners(header, bitmap, aggregate);
        uint256 used = before - gasleft();
        emit log_named_uint("proveSigners of 128", used);
        assertLe(used, 1_350_000, "all signers at once");
    }

    function test_gasOfAWrongSeed() external {
        bytes memory header = _withSeed(keccak256("chosen"));
        bytes memory signature = _beaconSignature(N);
        _cool();
        uint256 before = gasleft();
        slasher.proveWrongSeed(header, signature);
        uint256 used = before - gasleft();
        emit log_named_uint("proveWrongSeed", used);
        assertLe(used, 250_000, "a wrong seed");
    }

    /// @dev 128 slashes do not fit in one transaction with the real core: so one call each, any number of them in one.
    function test_gasOfSlashingAllSigners() external {
        _prove(WRONG, _all());
        _word(_digest(WRONG), 2);
        bytes32 digest = _digest(WRONG);
        uint256 most = 0;
        for (uint32 i = 0; i < OPERATORS; ++i) {
            _cool();
            uint256 before = gasleft();
            slasher.executeVerdict(digest, i);
            uint256 used = before - gasleft();
            if (used > most) most = used;
            assertEq(_left(i), HELD * 95 / 100, "a twentieth is gone");
        }
        assertEq(core.slashCount(), OPERATORS, "each once");
        emit log_named_uint("executeVerdict, the dearest, core mocked", most);
        assertLe(most, 230_000, "one slash");
    }
}
