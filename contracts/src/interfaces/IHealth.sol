// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Downtime of machines: certified by seats, appealed by receipts, settled by time (docs/formats.md, section 14).
/// @notice Health epoch e is judged by a committee for each machine, drawn by stake from the epoch's beacon. After its
/// end lists of windows DOWN are taken for `certify_seconds`; then receipts strike seats for `appeal_seconds`; then it
/// is settled: what stands, stands.
interface IHealth {
    event EpochOpened(uint32 indexed epoch, bytes32 randomness, bytes beaconSignature);
    /// @notice A list was certified, the `number`-th of its epoch (from 0). Followed, in the same transaction, by
    /// `MachineDown` for each entry that counted.
    event ListCertified(
        uint32 indexed epoch, uint32 number, bytes32 digest, uint64 time, bytes list, bytes bitmap, bytes aggregate
    );
    /// @notice `windows`: those of the entry that were not DOWN before; 0 where it is only stronger than what named them.
    /// `seats` of the committee stand behind them.
    event MachineDown(uint32 indexed epoch, uint64 indexed offerId, uint32 number, uint256 windows, uint16 seats);
    /// @notice A receipt struck an operator's seats for one window, in every list of the epoch; it was shown against list
    /// `number`. `fell`: no list holds the window up any more, it is not DOWN.
    event SeatsStruck(
        uint32 indexed epoch,
        uint64 indexed offerId,
        uint32 number,
        uint16 window,
        uint32 operatorIndex,
        uint16 seats,
        bool fell,
        bytes receiptSignature
    );
    /// @notice For `windows` windows DOWN in `epoch` and the next, stake was taken, in millionths; `bounty` of it went to
    /// `to`, the rest was burned. The machine is jailed until `until`.
    event MachineSlashed(
        uint64 indexed offerId,
        address indexed provider,
        uint32 epoch,
        uint256 windows,
        uint64 taken,
        uint64 bounty,
        address to,
        uint64 until
    );
    event MachineReleased(uint64 indexed offerId, uint64 time);
    /// @notice Epochs up to and with `epoch` are in the machine's uptime and trust level.
    event MachineObserved(uint64 indexed offerId, uint32 epoch, uint16 uptime, uint8 level);

    /// @notice Stores the randomness of an epoch that has begun: `beaconSignature` (48 bytes) is the beacon's of the
    /// epoch's round. Anyone, once, until it is settled, which one that is not open is a health epoch after its end at the
    /// latest; not before the close of the round whose policy is the epoch's.
    function openEpoch(uint32 epoch, bytes calldata beaconSignature) external;
    /// @notice Certifies a list of windows DOWN (section 14): each entry needs signers with more than two thirds of the
    /// seats of its machine. Anyone, after the epoch's end, for `certify_seconds`; the epoch must be open. Entries that do
    /// not count are passed over: without the seats, of a machine that was not registered when the epoch began, with
    /// nothing new and no stronger than what was there, or where 768 lists name the machine. Windows that stand only on seats struck before do not count.
    function certify(bytes calldata list, bytes calldata bitmap, bytes calldata aggregate) external;
    /// @notice Shows a receipt of an operator that signed a list that calls the same window DOWN. Anyone, until the
    /// epoch is settled; each operator once for (machine, window), against any such list.
    /// @param receiptSignature 128 bytes, EIP-2537
    function appeal(
        uint32 epoch,
        uint32 number,
        uint64 offerId,
        uint16 window,
        uint32 operatorIndex,
        bytes calldata receiptSignature
    ) external;
    /// @notice Slashes a machine that was DOWN in both `epoch` and `epoch + 1`, together for at least `slash_windows`,
    /// once both are settled, and for the time of unbonding after `epoch + 1` has waited for receipts: while stake that was
    /// there then is still here. Anyone; each epoch counts once.
    function slash(uint64 offerId, uint32 epoch) external;
    /// @notice Lets a slashed machine out once its time is over and its provider's stake is whole. Anyone.
    function release(uint64 offerId) external;
    /// @notice Carries uptime and trust level over settled epochs, at most `most` of them. Anyone.
    function observe(uint64 offerId, uint16 most) external;

    // --- views ---
    function epochStart(uint32 epoch) external view returns (uint64);
    /// @notice The last second in which lists of an epoch are taken.
    function certifiableUntil(uint32 epoch) external view returns (uint64);
    /// @notice The last second in which receipts are taken; the epoch, if it was opened, is settled after it.
    function appealableUntil(uint32 epoch) external view returns (uint64);
    /// @notice The start of the first health epoch that is not settled: before it, what was DOWN is known for good. Never
    /// goes back.
    function settledUntil() external view returns (uint64 time);
    /// @notice When a slashed machine may be released; 0 if it is not jailed.
    function jailedUntil(uint64 offerId) external view returns (uint64 time);
    /// @notice The windows DOWN, as they stand. Window w is bit w.
    function downOf(uint64 offerId, uint32 epoch) external view returns (uint256 windows);
    /// @notice Seconds of [from, to) in windows DOWN or in maintenance, none counted twice.
    function unpaidSeconds(uint64 offerId, uint64 from, uint64 to) external view returns (uint64);
    function randomnessOf(uint32 epoch) external view returns (bytes32);
    /// @notice The beacon round of an epoch: the first that is not before its start.
    function beaconRoundOf(uint32 epoch) external view returns (uint64);
    /// @notice The operator of each seat, in the order of drawing.
    function committeeOf(uint32 epoch, uint64 offerId) external view returns (uint32[] memory);
    function lists(uint32 epoch) external view returns (uint32 count);
    /// @return uptime basis points, 65,535 before any; @return level of the trust ladder, 0 to 6; @return next first epoch not observed
    function standingOf(uint64 offerId) external view returns (uint16 uptime, uint8 level, uint32 next);
}
