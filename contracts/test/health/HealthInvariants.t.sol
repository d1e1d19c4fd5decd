// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {HealthHandler} from "./HealthHandler.sol";
import {HealthKit} from "./HealthKit.sol";

/// @notice Whatever comes in whatever order: DOWN is what the lists and the receipts say together.
/// forge-config: default.invariant.runs = 10
contract HealthInvariantsTest is HealthKit {
    HealthHandler private _handler;
    mapping(uint256 => uint32[]) private _committees;

    function setUp() public override {
        for (uint256 i; i < 7; ++i) {
            operatorStakes.push(1_000 + 100 * i);
        }
        _deploy();
        // Receipts are taken for long, so that calls meet open epochs.
        rounds.addPolicy(_policy(3_000, 6_000), 0);
        uint32[][] memory committees = new uint32[][](9);
        for (uint32 e; e < 3; ++e) {
            _open(e);
            for (uint64 m = 1; m <= 3; ++m) {
                _committees[16 * e + m] = committees[3 * e + m - 1] = _plainCommittee(e, m);
            }
        }
        vm.warp(_start(3));
        _handler = new HealthHandler(health, _network(), GENESIS, LENGTH, _windows(), operatorStakes, committees);
        targetContract(address(_handler));
    }

    function invariant_downIsWhatStandsInSomeList() external view {
        for (uint32 e; e < 3; ++e) {
            for (uint64 m = 1; m <= 3; ++m) {
                assertEq(health.downOf(m, e), _handler.expectedDown(e, m, _committees[16 * e + m]), "windows DOWN");
            }
        }
    }

    function invariant_anEntryCountsByTheLetterOfTheRule() external view {
        assertTrue(!_handler.broken(), "what counted is what should have");
    }

    /// @dev Each list that names a machine brought a window, or a strength of eleven to one.
    function invariant_anEpochsListsAreBounded() external view {
        for (uint32 e; e < 3; ++e) {
            for (uint64 m = 1; m <= 3; ++m) {
                assertLe(_handler.holders(e, m), 11 * uint256(_windows()) + _handler.fell(), "lists of a machine");
            }
        }
    }

    function invariant_nothingChangesAfterSettlement() external view {
        for (uint32 e; e < 3; ++e) {
            for (uint64 m = 1; m <= 3; ++m) {
                bytes32 key = keccak256(abi.encode(e, m));
                if (_handler.wasSettled(key)) assertEq(health.downOf(m, e), _handler.settledDown(key), "settled");
            }
        }
    }

    function invariant_unpaidSecondsAddUp() external view {
        for (uint64 m = 1; m <= 3; ++m) {
            uint256 parts;
            for (uint64 from = GENESIS; from < _start(3); from += 173) {
                uint64 to = from + 173 < _start(3) ? from + 173 : _start(3);
                parts += health.unpaidSeconds(m, from, to);
            }
            assertEq(health.unpaidSeconds(m, GENESIS, _start(3)), parts, "one span is its parts");
        }
    }

    function test_theHandlerMeetsStrongerLists() external {
        // Each time others are absent: first two of them, then one.
        for (uint256 o; o < 7 && _handler.stronger() == 0; ++o) {
            _handler.certify(0, [uint256(3), 0, 0], (o + 1) % 7 << 16 | 256 | o);
            _handler.certify(0, [uint256(3), 0, 0], o);
        }
        assertTrue(_handler.stronger() != 0, "one was stronger, and brought no window");
        assertTrue(!_handler.broken(), "as the account says");
    }

    /// @dev The calls do meet the contract: a handler that only ever fails would show nothing.
    function test_theHandlerCertifiesAndFells() external {
        _handler.certify(0, [uint256(3), 0, 0], 1);
        assertEq(_handler.certified(), 1, "certified");
        for (uint256 o; o < 7; ++o) {
            _handler.appeal(0, 0, 0, 1, o);
        }
        assertTrue(_handler.struck() >= 3, "struck");
        assertEq(_handler.fell(), 1, "fell once");
        assertEq(health.downOf(1, 0), 1, "the other window stands");
        assertEq(_handler.expectedDown(0, 1, _committees[1]), 1, "and the account says so");
    }
}
