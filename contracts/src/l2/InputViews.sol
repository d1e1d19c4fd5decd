// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {IInputs} from "../interfaces/IInputs.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {Orders} from "../lib/Orders.sol";
import {RecordPages} from "../lib/RecordPages.sol";
import {UsedTrace} from "../lib/UsedTrace.sol";
import {LeaseBook} from "./LeaseBook.sol";

/// @title The market as of T, in the few words that a dispute reads.
/// @dev Beside the views of `IMarket`, which read more slots and revert for unknown ids: what a verifier asks for is
/// named by the accused, and a revert would shield them.
abstract contract InputViews is LeaseBook, IInputs {
    constructor(IRounds rounds_, IProviders providers_, IEscrow escrow_, address forwarder)
        LeaseBook(rounds_, providers_, escrow_, forwarder)
    {}

    /// @inheritdoc IInputs
    function requestAt(uint64 id)
        external
        view
        returns (address page, uint256 offset, uint64 created, uint64 closed, uint64 round, uint32 position)
    {
        uint256 slot = _slots[id];
        if (slot == 0) return (address(0), 0, 0, 0, 0, 0);
        uint256 locator = _locatorOfRequest(slot);
        (page, offset) = (RecordPages.pageOf(locator), RecordPages.offsetOf(locator, Orders.REQUEST));
        (created, closed) = (uint64(slot & TIME), uint64(_closedOf(slot)));
        round = uint64(_roundTagOf(slot));
        if (round != 0) position = uint32(slot >> 152);
    }

    /// @inheritdoc IInputs
    function offerAt(uint64 id, uint64 t) external view returns (address page, uint256 offset, uint136 used) {
        uint256 head = _heads[id];
        if (head == 0) return (address(0), 0, 0);
        uint256 locator = _locatorAt(id, head, t);
        if (locator == 0) return (address(0), 0, 0);
        (page, offset) = (RecordPages.pageOf(locator), RecordPages.offsetOf(locator, Orders.OFFER));
        used = uint136(UsedTrace.valueAt(_history, id, head, t));
    }
}
