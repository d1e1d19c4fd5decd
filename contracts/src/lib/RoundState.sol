// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../interfaces/IRounds.sol";

/// @title One round's state in one slot.
/// @dev Written out by hand so that a change of several fields is one SSTORE, and reading them one SLOAD.
library RoundState {
    uint256 private constant TIME = type(uint40).max;
    /// @dev Where the status begins, the end, the policies, and the alert.
    uint256 private constant STATUS = 40;
    uint256 private constant ENDED = 88;
    uint256 private constant POLICY = 192;
    uint256 private constant ALERT = 248;

    /// @notice A round that was certified or proposed.
    struct State {
        uint40 n;
        IRounds.Status status;
        uint40 certifiedAt;
        uint40 endedAt; // 0 while chunks may still come
        uint32 count; // entries, known from the first chunk on
        uint24 posted; // chunks
        bool reported; // L1 has the word
        bool proposed; // and nobody has certified it since
        uint40 policyFrom; // of the newest policy, not of the round: beside it, since both are read together
        uint16 policyIndex;
        uint8 alert; // of the newest state only: 0, or the mark of `Alerts`: a round was refuted, strikes may hold
    }

    /// @notice The slot of a state.
    function pack(State memory s) internal pure returns (uint256) {
        return uint256(s.n) | uint256(uint8(s.status)) << 40 | uint256(s.certifiedAt) << 48 | uint256(s.endedAt) << 88
            | uint256(s.count) << 128 | uint256(s.posted) << 160 | uint256(s.reported ? 1 : 0) << 184
            | uint256(s.proposed ? 1 : 0) << 185 | uint256(s.policyFrom) << 192 | uint256(s.policyIndex) << 232
            | uint256(s.alert) << 248;
    }

    /// @notice The state in a slot.
    function unpack(uint256 slot) internal pure returns (State memory s) {
        s.n = uint40(slot);
        s.status = IRounds.Status(uint8(slot >> 40));
        s.certifiedAt = uint40(slot >> 48);
        s.endedAt = uint40(slot >> 88);
        s.count = uint32(slot >> 128);
        s.posted = uint24(slot >> 160);
        s.reported = slot >> 184 & 1 == 1;
        s.proposed = slot >> 185 & 1 == 1;
        s.policyFrom = uint40(slot >> 192);
        s.policyIndex = uint16(slot >> 232);
        s.alert = uint8(slot >> 248);
    }

    /// @notice The round's number, without the rest.
    function number(uint256 slot) internal pure returns (uint256) {
        return slot & TIME;
    }

    /// @notice The round's status, without the rest.
    function status(uint256 slot) internal pure returns (IRounds.Status) {
        return IRounds.Status(uint8(slot >> STATUS));
    }

    /// @notice When the round ended, without the rest.
    function endedAt(uint256 slot) internal pure returns (uint256) {
        return slot >> ENDED & TIME;
    }

    /// @notice The slot of a round that has ended at `time`.
    function ended(uint256 slot, IRounds.Status status_, uint256 time) internal pure returns (uint256) {
        slot &= ~(uint256(0xff) << STATUS | TIME << ENDED);
        return slot | uint256(status_) << STATUS | uint256(uint40(time)) << ENDED;
    }

    /// @notice The newest round's slot with this mark as its alert.
    function alerted(uint256 slot, uint256 mark) internal pure returns (uint256) {
        return slot & type(uint256).max >> 8 | mark << ALERT;
    }

    /// @notice The slot of a past round once it was refuted. It needs neither its number nor the policies any more: in
    /// their place lies what refuted it, so that a refutation writes no slot of its own.
    function refuted(uint256 slot, uint8 code, uint32 position, uint256 time) internal pure returns (uint256) {
        slot &= (type(uint256).max >> (256 - POLICY)) & ~(TIME | uint256(0xff) << STATUS);
        return
            slot | uint40(time) | uint256(IRounds.Status.Refuted) << STATUS | (uint256(code) << 32 | position) << POLICY;
    }

    /// @notice What refuted the past round of this slot; zeros if nothing has.
    function refutation(uint256 slot) internal pure returns (uint8 code, uint32 position, uint64 time) {
        if (uint8(slot >> STATUS) != uint8(IRounds.Status.Refuted)) return (0, 0, 0);
        return (uint8(slot >> (POLICY + 32)), uint32(slot >> POLICY), uint64(slot & TIME));
    }

    /// @notice The index of the newest policy, and the round that it holds from, by the newest round's slot.
    function policy(uint256 slot) internal pure returns (uint256 from, uint256 index) {
        return (uint40(slot >> POLICY), uint16(slot >> (POLICY + 40)));
    }
}
