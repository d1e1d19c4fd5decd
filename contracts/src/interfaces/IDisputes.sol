// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Where wrong outcomes are refuted, in one transaction, by anyone; and the bonds and bounties around it.
/// @notice All amounts in wei. Money is credited and withdrawn, never pushed.
interface IDisputes {
    /// @notice Round n was refuted with this witness.
    event Refutation(uint64 indexed n, address indexed challenger, uint8 code, uint32 position);
    event Committed(uint64 indexed n, address indexed challenger, bytes32 commitment, uint64 time);
    /// @notice A committed witness was shown. `bounty` is 0 but for the first.
    event Revealed(uint64 indexed n, address indexed challenger, uint256 bounty);
    /// @notice The bond of a proposal was taken in, went back, or was lost.
    event BondHeld(uint64 indexed n, address indexed proposer, uint256 amount);
    event BondReturned(uint64 indexed n, address indexed proposer, uint256 amount);
    event BondLost(uint64 indexed n, address indexed proposer, uint256 amount);
    /// @notice A pair that was shown ineligible lost its lease.
    event Annulled(uint64 indexed n, uint64 indexed requestId, uint8 code);
    event Funded(address indexed from, uint256 amount);
    event Withdrawn(address indexed account, uint256 amount);

    /// @notice The witness shows no fault of this header.
    error NoFault();
    /// @notice The header is not the one that stands in round n.
    error WrongHeader(bytes32 got, bytes32 expected);
    /// @notice The round takes no challenge (any more, or not of this kind before it is posted in full).
    error NotChallengeable(uint64 n);

    /// @notice Refutes the round of `header` in one step, without bounty.
    function challenge(bytes calldata header, bytes calldata witness) external;

    /// @notice Binds the caller to a witness inside the challenge window, for a bond of exactly `commitBond()`.
    /// @param commitment `commitmentOf(caller, salt, header, witness)`
    function commit(uint64 n, bytes32 commitment) external payable;

    /// @notice Shows a committed witness up to the end of the reveal window, in a later block than the commitment.
    /// Refutes the round if nothing has; the bond goes back; the first of all reveals whose commitment is older
    /// than the refutation gets the bounty.
    function reveal(bytes32 salt, bytes calldata header, bytes calldata witness) external;

    /// @notice Ends the lease of an entry of a refuted round that the witness shows to be no eligible pair.
    function annul(bytes calldata header, bytes calldata witness) external;

    /// @notice Takes a proposal's bond. `Rounds` only.
    function holdBond(uint64 n, address proposer) external payable;
    /// @notice Releases a proposal's bond before the round is final, because a certificate took its place. `Rounds` only.
    function releaseBond(uint64 n) external;
    /// @notice Credits a proposal's bond back when the round is final; it is lost when the round is void (refuted: first
    /// to the bounty; then, as when it was not posted in full, to the pot). Anyone.
    function settleBond(uint64 n) external;
    /// @notice Moves a commitment's bond into the pot when its window passed without a valid reveal. Anyone.
    function forfeit(uint64 n, address challenger) external;
    /// @notice Pays into the pot that bounties come from.
    function fund() external payable;
    /// @notice Sends the caller all that it was credited.
    function withdraw() external returns (uint256 amount);

    function commitmentOf(address challenger, bytes32 salt, bytes calldata header, bytes calldata witness)
        external
        pure
        returns (bytes32);
    function commitBond() external view returns (uint256);
    /// @notice The most that one refutation pays: the cost of a refutation plus a margin.
    function bountyCap() external view returns (uint256);
    function pot() external view returns (uint256);
    function creditOf(address account) external view returns (uint256);
    function verifier() external view returns (address);
}
