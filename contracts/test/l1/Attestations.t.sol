// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ISlasher} from "../../src/interfaces/ISlasher.sol";
import {Attestations} from "../../src/l1/Attestations.sol";
import {Evidence} from "../../src/l1/Evidence.sol";
import {Punishments} from "../../src/l1/Punishments.sol";
import {HealthMessages} from "../../src/lib/HealthMessages.sol";
import {Signers} from "../../src/l1/Signers.sol";
import {VerdictBase} from "./VerdictBase.sol";

/// @notice An operator's receipt against its own list of windows DOWN.
contract AttestationsTest is VerdictBase {
    uint32 private constant EPOCH = 2;
    uint64 private constant MACHINE = 7;
    uint16 private constant WINDOW = 5;

    function setUp() external {
        _start(4);
        vm.warp(GENESIS + uint256(EPOCH + 1) * HEALTH_EPOCH);
    }

    // --- the messages, written down independently of what is tested ---

    function _network() private view returns (bytes memory) {
        return abi.encodePacked(uint64(block.chainid), L2_CHAIN, ROUNDS, address(manager), SET_ID);
    }

    function _entry(uint64 machine, uint256 windows) private pure returns (bytes memory) {
        return abi.encodePacked(uint8(1), machine, windows);
    }

    function _list(bytes memory network, uint32 epoch, bytes memory entries) private pure returns (bytes memory) {
        bytes memory head = abi.encodePacked(bytes32("quorate/down/v1"), uint32(1), network, epoch);
        return bytes.concat(head, bytes2(uint16(entries.length / 41)), entries);
    }

    function _list() private view returns (bytes memory) {
        return _list(_network(), EPOCH, bytes.concat(_entry(3, 1), _entry(MACHINE, 1 << WINDOW | 1)));
    }

    function _receipt(uint64 machine, uint32 epoch, uint16 window) private view returns (bytes memory) {
        bytes memory receipt = abi.encodePacked(
            bytes32("quorate/receipt/v1"), uint32(1), _network(), uint8(1), machine, epoch, window, bytes17(0)
        );
        require(receipt.length == 128, "128 bytes");
        return receipt;
    }

    function _attest(bytes memory list, bytes memory bitmap) private {
        slasher.proveAttesters(list, bitmap, _signBy(bitmap, list));
    }

    function _accuse(uint32 i, bytes memory list, uint16 entry, uint16 window, bytes memory signature) private {
        slasher.proveFalseAttestation(i, list, entry, window, signature);
    }

    function _refused(bytes memory reason, uint32 i, uint16 entry, uint16 window, bytes memory signature) private {
        bytes memory list = _list();
        vm.expectRevert(reason);
        slasher.proveFalseAttestation(i, list, entry, window, signature);
    }

    function _receiptBy(uint256 i) private view returns (bytes memory) {
        return _signWith(5000 + i, _receipt(MACHINE, EPOCH, WINDOW));
    }

    // --- who pays ---

    function test_aReceiptAgainstTheOwnListCostsATenth() external {
        _attest(_list(), hex"07");
        _accuse(1, _list(), 1, WINDOW, _receiptBy(1));
        assertEq(_left(1), HELD * 9 / 10, "slashed");
        assertEq(_left(0), HELD, "another signer");
        bytes32 id = slasher.attestationId(1, EPOCH, MACHINE);
        (ISlasher.Offence offence, uint256 wad) = slasher.punishmentOf(id);
        assertEq(uint8(offence), uint8(ISlasher.Offence.FalseAttestation), "offence");
        assertEq(wad, 0.1e18, "share");
    }

    function test_theSameMachineAndEpochCostOnce() external {
        _attest(_list(), hex"02");
        _accuse(1, _list(), 1, WINDOW, _receiptBy(1));
        bytes32 id = slasher.attestationId(1, EPOCH, MACHINE);
        _refused(
            abi.encodeWithSelector(Punishments.AlreadyPunished.selector, id),
            1,
            1,
            0,
            _signWith(5001, _receipt(MACHINE, EPOCH, 0))
        );
    }

    function test_twoMachinesCostTwice() external {
        _attest(_list(), hex"02");
        _accuse(1, _list(), 1, WINDOW, _receiptBy(1));
        _accuse(1, _list(), 0, 0, _signWith(5001, _receipt(3, EPOCH, 0)));
        assertEq(slasher.lostIn(1, 2), 0.2e18, "both");
    }

    function test_theCapOfAStakeEpochHolds() external {
        bytes memory entries;
        for (uint64 machine = 1; machine <= 4; ++machine) {
            entries = bytes.concat(entries, _entry(machine, 1));
        }
        bytes memory list = _list(_network(), EPOCH, entries);
        _attest(list, hex"02");
        for (uint16 entry = 0; entry < 4; ++entry) {
            _accuse(1, list, entry, 0, _signWith(5001, _receipt(entry + 1, EPOCH, 0)));
        }
        assertEq(slasher.lostIn(1, 2), 0.3e18, "cap");
    }

    function test_aSingleOperatorsOwnListIsEnough() external {
        _attest(_list(), hex"08");
        _accuse(3, _list(), 1, WINDOW, _receiptBy(3));
        assertEq(_left(3), HELD * 9 / 10, "slashed");
    }

    // --- who does not ---

    function test_whoDidNotSignTheListIsNotConvicted() external {
        _attest(_list(), hex"01");
        _refused(
            abi.encodeWithSelector(Signers.NotASigner.selector, sha256(_list()), uint32(1)), 1, 1, WINDOW, _receiptBy(1)
        );
    }

    function test_aReceiptForAWindowThatTheListDoesNotCallDownIsNoFault() external {
        _attest(_list(), hex"02");
        _refused(
            abi.encodeWithSelector(Evidence.NoFault.selector), 1, 1, 4, _signWith(5001, _receipt(MACHINE, EPOCH, 4))
        );
    }

    function testFuzz_aReceiptOfAnotherPlaceIsNoFault(uint64 machine, uint32 epoch, uint16 window) external {
        vm.assume(machine != MACHINE || epoch != EPOCH || window != WINDOW);
        _attest(_list(), hex"02");
        bytes memory signature = _signWith(5001, _receipt(machine, epoch, window));
        _refused(abi.encodeWithSelector(Evidence.BadSignature.selector), 1, 1, WINDOW, signature);
    }

    function test_anotherOperatorsReceiptIsNoFault() external {
        _attest(_list(), hex"06");
        _refused(abi.encodeWithSelector(Evidence.BadSignature.selector), 1, 1, WINDOW, _receiptBy(2));
    }

    function test_anEntryBeyondTheListIsRefused() external {
        _attest(_list(), hex"02");
        bytes memory signature = _receiptBy(1);
        _refused(
            abi.encodeWithSelector(Attestations.NoSuchEntry.selector, uint16(2), uint256(2)), 1, 2, WINDOW, signature
        );
    }

    function testFuzz_aWindowBeyondTheMaskIsNoFault(uint16 window) external {
        vm.assume(window > 255);
        _attest(_list(), hex"02");
        bytes memory signature = _signWith(5001, _receipt(MACHINE, EPOCH, window));
        _refused(abi.encodeWithSelector(Evidence.NoFault.selector), 1, 1, window, signature);
    }

    // --- what is a list ---

    function _badList(bytes memory list, bytes4 reason) private {
        bytes memory aggregate = _signBy(hex"02", list);
        vm.expectRevert(reason);
        slasher.proveAttesters(list, hex"02", aggregate);
    }

    function test_aListOfAnotherNetworkIsRefused() external {
        bytes memory network = abi.encodePacked(uint64(block.chainid), L2_CHAIN + 1, ROUNDS, address(manager), SET_ID);
        _badList(_list(network, EPOCH, _entry(MACHINE, 1)), HealthMessages.BadList.selector);
    }

    function testFuzz_aListOfAnotherLengthIsRefused(uint16 length) external {
        bytes memory list = _list();
        vm.assume(length != list.length && length < 300);
        bytes memory other = new bytes(length);
        for (uint256 i = 0; i < length && i < list.length; ++i) {
            other[i] = list[i];
        }
        _badList(other, HealthMessages.BadList.selector);
    }

    function test_aHeaderIsNoList() external {
        _badList(_header(RIGHT), HealthMessages.BadList.selector);
    }

    function test_evidenceIsTakenAsAboutARoundThatClosesWhenTheEpochBegins() external {
        uint256 until = slasher.attestationEvidenceUntil(EPOCH);
        assertEq(until, slasher.evidenceUntil(uint64(EPOCH) * HEALTH_EPOCH / 60), "as for the round");
        vm.warp(until);
        _attest(_list(), hex"02");
        vm.warp(until + 1);
        bytes memory list = _list();
        bytes memory signature = _receiptBy(1);
        vm.expectRevert(abi.encodeWithSelector(Evidence.EvidenceTooLate.selector, until));
        slasher.proveFalseAttestation(1, list, 1, WINDOW, signature);
    }
}
