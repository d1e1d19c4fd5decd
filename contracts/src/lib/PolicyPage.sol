// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {CodePages} from "./CodePages.sol";
import {Standing} from "./Standing.sol";

/// @title The policy's page: where its sections lie, its hash, and the fields that contracts read. docs/formats.md,
/// sections 5 and 14. What a page must keep to is in `PolicyRules`.
library PolicyPage {
    /// @notice Bytes of a page: version ‖ score ‖ health ‖ money ‖ standing.
    uint256 internal constant LENGTH = 3456;
    uint256 internal constant SCORE = 4;
    uint256 internal constant SCORE_LENGTH = 3008;
    uint256 internal constant HEALTH = 3012;
    uint256 internal constant HEALTH_LENGTH = 256;
    uint256 internal constant MONEY = 3268;
    uint256 internal constant MONEY_LENGTH = 60;
    uint256 internal constant STANDING = 3328;
    uint256 internal constant STANDING_LENGTH = 128;
    /// @dev tag("quorate/policy/v1")
    bytes32 private constant TAG = "quorate/policy/v1";
    /// @dev The two ranges of the health section that contracts need, and what they need of money.
    uint256 private constant HEALTH_HEAD_LENGTH = 24;
    uint256 private constant HEALTH_TAIL = HEALTH + 158;
    uint256 private constant HEALTH_TAIL_LENGTH = 26;
    uint256 private constant MONEY_USED = 48;

    /// @notice The money section.
    struct Money {
        uint64 requestFee; // micro-dollars, for each request, not returned
        uint16 protocolFeeBps; // of what a lease pays
        uint64 minCharge; // micro-dollars, least that a tenant pays who ends a lease early
        uint32 voidNotice; // seconds for which the leases of a void round go on
        uint64 postingFee; // micro-dollars for each entry, to whoever posts its chunk
        uint64 settleFee; // micro-dollars, to whoever settles a round
        uint16 withholdBps; // of what an entry-tier lease pays, until the deposit is whole
        uint64 deposit; // micro-dollars for each registered GPU of a provider with entry-tier machines
    }

    /// @notice What contracts need of the health section.
    struct Health {
        uint16 windows; // of a health epoch, 1 to 256
        uint16 seats; // of a committee, 31 to 1,024
        uint16 slashWindows; // least windows DOWN, over two epochs, that cost stake
        uint32 certifySeconds; // after an epoch's end, in which lists are taken
        uint32 appealSeconds; // after those, in which receipts are taken
        uint32 maintenanceNotice; // seconds from announcing a maintenance to its begin, at least
        uint32 maintenanceCap; // seconds of maintenance in 30 days, at most
        uint16 slashBps; // of the machine's share of its provider's stake
        uint64 bounty; // millionths of the stake token, most that goes to whoever slashes
        uint16 jailEpochs; // that a slashed machine sits out
        uint16 uptimeMemory; // epochs, at least 1
        uint64 reputationMemory; // micro-dollars of fees, at least 1
    }

    /// @notice The page has another length.
    error WrongPolicyLength(uint256 got, uint256 expected);
    /// @notice The value at `offset` of the page breaks a rule of sections 5 or 14.
    error BadPolicy(uint256 offset);

    /// @notice The hash that headers name.
    function hash(bytes memory page) internal pure returns (bytes32) {
        if (page.length != LENGTH) revert WrongPolicyLength(page.length, LENGTH);
        return sha256(
            abi.encodePacked(
                TAG,
                versionOf(page),
                sha256(_slice(page, SCORE, SCORE_LENGTH)),
                sha256(_slice(page, HEALTH, HEALTH_LENGTH)),
                sha256(_slice(page, MONEY, MONEY_LENGTH)),
                sha256(_slice(page, STANDING, STANDING_LENGTH))
            )
        );
    }

    /// @notice The revision of the rules that a page names.
    function versionOf(bytes memory page) internal pure returns (uint32) {
        return uint32(uintAt(page, 0, 4));
    }

    /// @notice The money section of a page in code.
    function money(address page) internal view returns (Money memory m) {
        bytes memory data = CodePages.read(page, MONEY, MONEY_USED);
        uint256 word = uintAt(data, 0, 32);
        m.requestFee = uint64(word >> 192);
        m.protocolFeeBps = uint16(word >> 176);
        m.minCharge = uint64(word >> 112);
        m.voidNotice = uint32(word >> 80);
        m.postingFee = uint64(word >> 16);
        word = uintAt(data, 16, 32); // the last 32 of the 48 bytes
        m.settleFee = uint64(word >> 80);
        m.withholdBps = uint16(word >> 64);
        m.deposit = uint64(word);
    }

    /// @notice What contracts need of the health section of a page in code.
    function health(address page) internal view returns (Health memory h) {
        bytes memory head = CodePages.read(page, HEALTH, HEALTH_HEAD_LENGTH);
        h.windows = uint16(uintAt(head, 0, 2));
        h.seats = uint16(uintAt(head, 2, 2));
        h.slashWindows = uint16(uintAt(head, 8, 2));
        h.appealSeconds = uint32(uintAt(head, 12, 4));
        h.maintenanceNotice = uint32(uintAt(head, 16, 4));
        h.maintenanceCap = uint32(uintAt(head, 20, 4));
        bytes memory tail = CodePages.read(page, HEALTH_TAIL, HEALTH_TAIL_LENGTH);
        h.certifySeconds = uint32(uintAt(tail, 0, 4));
        h.slashBps = uint16(uintAt(tail, 4, 2));
        h.bounty = uint64(uintAt(tail, 6, 8));
        h.jailEpochs = uint16(uintAt(tail, 14, 2));
        h.uptimeMemory = uint16(uintAt(tail, 16, 2));
        h.reputationMemory = uint64(uintAt(tail, 18, 8));
    }

    /// @notice The standing section of a page in code.
    function standing(address page) internal view returns (Standing.Rules memory s) {
        bytes memory data = CodePages.read(page, STANDING, STANDING_LENGTH);
        for (uint256 tier; tier < 5; ++tier) {
            s.floors[tier] = uint64(uintAt(data, 8 * tier, 8));
        }
        for (uint256 l; l < 7; ++l) {
            uint256 word = uintAt(data, 40 + 8 * l, 8);
            s.levels[l] = Standing.Level(uint16(word >> 48), uint16(word >> 32), uint16(word >> 16), uint16(word));
        }
        s.rewardBps = uint16(uintAt(data, 96, 2));
        s.registerFee = uint64(uintAt(data, 98, 8));
    }

    /// @notice The reference price of a model, micro-dollars per GPU-hour; 0 if the policy does not know the model.
    function referencePrice(address page, uint8 model) internal view returns (uint64) {
        return uint64(uintAt(CodePages.read(page, SCORE + 960 + 8 * uint256(model), 8), 0, 8));
    }

    /// @notice What registering a machine burns of its provider's stake, millionths of the token for each card.
    function registerFee(address page) internal view returns (uint64) {
        return uint64(uintAt(CodePages.read(page, STANDING + 98, 8), 0, 8));
    }

    /// @notice The least stake of a tier (0 to 7), millionths of the token for each registered GPU.
    function minStake(address page, uint8 tier) internal view returns (uint64) {
        return uint64(uintAt(CodePages.read(page, SCORE + 128 + 8 * uint256(tier), 8), 0, 8));
    }

    /// @dev The big-endian number of `width` bytes (1 to 32) at `offset`; the caller keeps within the bytes.
    function uintAt(bytes memory data, uint256 offset, uint256 width) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, width)), mload(add(add(data, 0x20), offset)))
        }
    }

    function _slice(bytes memory page, uint256 offset, uint256 length) private pure returns (bytes memory part) {
        part = new bytes(length);
        assembly ("memory-safe") {
            mcopy(add(part, 0x20), add(add(page, 0x20), offset), length)
        }
    }
}
