// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title What share of their work operators are shown to have done, by stake epoch (docs/formats.md, section 15).
/// @notice When a stake epoch is over, a sample of its rounds and of its (machine, window)s is drawn from the beacon.
/// Whoever signed is shown by anyone, with signatures that exist anyway; then the shares are told to L1. Nobody's share
/// grows because somebody else's falls.
interface ITally {
    /// @notice The sample of a stake epoch is known. `machines`: how many were for hire when the last
    /// health epoch began of which nobody could know its randomness.
    event Drawn(uint64 indexed epoch, bytes32 randomness, uint64 machines);
    /// @notice Operators' words about a sampled (machine, window); of `bitmap` some may have been known before.
    event ProbeShown(uint64 indexed epoch, uint16 sample, bytes bitmap);
    /// @notice The epoch is counted: `message` went to L1 (docs/formats.md, section 12).
    event Tallied(uint64 indexed epoch, bytes message);

    /// @notice The epoch's sample was drawn before.
    error AlreadyDrawn(uint64 epoch);
    /// @notice The epoch has no sample.
    error NotDrawn(uint64 epoch);
    /// @notice The health epoch that the sample is drawn from, or that of a sampled probe, is not open.
    error NoRandomness(uint32 healthEpoch);
    /// @notice The epoch was told before.
    error AlreadyTold(uint64 epoch);
    /// @notice Outside the time in which this is taken.
    error OutOfTime(uint256 time, uint256 from, uint256 to);
    /// @notice There are fewer samples, or the epoch has none of this kind.
    error NoSuchSample(uint16 got, uint16 count);
    /// @notice No machine was for hire when the sampled health epoch began.
    error NoMachine(uint32 healthEpoch);
    /// @notice The list has no entry of the sampled machine and window.
    error NotInList();

    /// @notice Draws the sample of a stake epoch that is over, from the randomness of the first health epoch that begins
    /// after it, which must be open. Anyone, once, up to `showableUntil`.
    function draw(uint64 epoch) external;
    /// @notice Shows who gave a receipt of a sampled (machine, window): an aggregate over that one receipt.
    function showReceipts(uint64 epoch, uint16 sample, bytes calldata bitmap, bytes calldata aggregate) external;
    /// @notice Shows who called a sampled (machine, window) DOWN: an aggregate over any list that has it.
    function showDowns(
        uint64 epoch,
        uint16 sample,
        bytes calldata list,
        bytes calldata bitmap,
        bytes calldata aggregate
    ) external;
    /// @notice Counts a drawn epoch after `showableUntil` and tells L1. Anyone, once.
    function tell(uint64 epoch) external payable;

    // --- views ---
    /// @notice The health epoch whose randomness draws the sample.
    function healthEpochOf(uint64 epoch) external view returns (uint32);
    /// @notice The last second in which work of an epoch is shown: that in which its last round takes presentations.
    function showableUntil(uint64 epoch) external view returns (uint64);
    /// @return randomness zero before it was drawn, @return machines that `Drawn` told, @return told to L1
    function sampleOf(uint64 epoch) external view returns (bytes32 randomness, uint64 machines, bool told);
    /// @notice The sampled rounds, in the order of drawing; a round may come more than once.
    function sampledRounds(uint64 epoch) external view returns (uint64[] memory rounds);
    /// @notice One sampled (machine, window) and its health epoch. The machine is 0 if none was for hire when that began.
    function sampledProbe(uint64 epoch, uint16 sample)
        external
        view
        returns (uint32 healthEpoch, uint64 offerId, uint16 window);
    /// @notice Whether an operator's word about a sampled probe was shown.
    function isShown(uint64 epoch, uint16 sample, uint32 operatorIndex) external view returns (bool);
    /// @notice What `tell` would send now. @return rounds weight counted, @return probes counted, @return shares basis points by operator index
    function sharesOf(uint64 epoch) external view returns (uint16 rounds, uint16 probes, uint16[] memory shares);
}
