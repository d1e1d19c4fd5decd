// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Machines} from "../../src/l2/Machines.sol";
import {MachinesKit} from "./MachinesKit.sol";

/// @notice Whose the cards of a retired machine are.
contract CardsTest is MachinesKit {
    function _registerOf(address provider, uint64 offer) private {
        vm.prank(provider);
        machines.register(offer, ENDPOINT, CERTIFICATE, _cards(2, 100));
    }

    function _offerOf(address provider) private returns (uint64) {
        bytes memory record = _offer(2, 1_000);
        _put(record, 32, 32, uint160(agent));
        vm.prank(provider);
        return market.postOffers(record);
    }

    /// @dev Anyone may retire, and the UUIDs are public since the first registration: whoever does both at once does not
    /// take the cards from who lists them anew.
    function test_aStrangerDoesNotTakeTheCardsOfARetiredMachine() external {
        uint64 offer = _machine();
        uint64 trap = _offerOf(STRANGER);
        _retireOffer(offer);
        vm.prank(STRANGER);
        machines.retire(offer);
        uint64 until = uint64(block.timestamp) + 30 days;
        bytes memory expected =
            abi.encodeWithSelector(Machines.CardReserved.selector, bytes16(uint128(100)), PROVIDER, until);
        vm.expectRevert(expected);
        _registerOf(STRANGER, trap);
        vm.warp(until - 1);
        vm.expectRevert(expected);
        _registerOf(STRANGER, trap);
        uint64 next = _offerOf(PROVIDER);
        _registerOf(PROVIDER, next);
        assertEq(machines.machineOfCard(bytes16(uint128(100))), next, "its own");
    }

    function test_aReservationEnds() external {
        uint64 offer = _machine();
        _retireOffer(offer);
        machines.retire(offer);
        vm.warp(block.timestamp + 30 days);
        uint64 next = _offerOf(STRANGER);
        _registerOf(STRANGER, next);
        assertEq(machines.machineOfCard(bytes16(uint128(100))), next, "another provider's");
        uint64 late = _offerOf(PROVIDER);
        vm.expectRevert(abi.encodeWithSelector(Machines.CardTaken.selector, bytes16(uint128(100)), next));
        _registerOf(PROVIDER, late);
    }

    /// @dev Whoever had the cards before the last provider has no claim to them.
    function test_cardsAreReservedForTheirLastProvider() external {
        uint64 offer = _machine();
        _retireOffer(offer);
        machines.retire(offer);
        vm.warp(block.timestamp + 30 days);
        uint64 sold = _offerOf(STRANGER);
        _registerOf(STRANGER, sold);
        vm.prank(STRANGER);
        market.closeOffer(sold);
        vm.warp(block.timestamp + 10 * PERIOD + TIMEOUT);
        market.retireOffer(sold);
        machines.retire(sold);
        uint64 back = _offerOf(PROVIDER);
        vm.expectRevert(
            abi.encodeWithSelector(
                Machines.CardReserved.selector, bytes16(uint128(100)), STRANGER, block.timestamp + 30 days
            )
        );
        _registerOf(PROVIDER, back);
    }
}
