// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Stake, uptime, reputation, slash rate and status, checkpointed by time.
interface IProviders {
    /// @notice The whole state of a provider after a change; `time` is the block's timestamp.
    event ProviderChanged(
        address indexed provider,
        uint64 time,
        uint64 stake,
        uint32 gpus,
        uint16 reputation,
        uint16 slash,
        uint32 slashEpoch,
        uint8 flags
    );
    /// @notice The whole state of a machine (keyed by offer id) after a change.
    event MachineChanged(uint64 indexed offerId, uint64 time, uint16 uptime, uint8 flags);

    /// @notice Stakes the network's token, pulled from the caller; counted in millionths.
    function stake(uint256 amount) external;
    /// @notice ERC-2612 for whoever holds no gas: anyone hands in the owner's signature, by which `stake` may pull. One
    /// that was used already changes nothing, and does not fail.
    function permit(address owner, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
    function requestUnstake(uint256 amount) external;
    function withdraw() external;

    // --- roles (OpenZeppelin AccessControl): MARKET, HEALTH, MACHINES, MONEY ---
    function addGpus(address provider, uint32 gpus) external; // MARKET
    function removeGpus(address provider, uint32 gpus) external; // MARKET
    function setUptime(uint64 offerId, uint16 uptime) external; // HEALTH
    /// @notice Clears, then sets bits of a machine's flags: 1 jailed, 2 in maintenance, 4 paused.
    function changeMachineFlags(uint64 offerId, uint8 clear, uint8 set) external; // HEALTH, or MACHINES for bits 2 and 4
    function setReputation(address provider, uint16 reputation) external; // MONEY
    function setSlash(address provider, uint16 slash, uint32 healthEpoch) external; // HEALTH
    /// @notice Burns `amount` millionths of what a provider has staked, as a fee: nothing else about it changes. Refused
    /// where it has less.
    function burn(address provider, uint256 amount) external; // MACHINES
    /// @notice Takes at most `amount` millionths of a provider's stake, first what is staked, then what is leaving; pays
    /// at most `bounty` of it to `to` and burns the rest. Writes the provider's slash rate.
    /// @return taken millionths
    function slash(address provider, uint64 amount, uint64 bounty, address to, uint32 healthEpoch)
        external
        returns (uint64 taken); // HEALTH
    function setProviderFlags(address provider, uint8 flags) external; // HEALTH

    // --- views ---
    function providerAt(address provider, uint64 t)
        external
        view
        returns (uint64 stake_, uint32 gpus, uint16 reputation, uint16 slash, uint32 slashEpoch, uint8 flags);
    function machineAt(uint64 offerId, uint64 t) external view returns (uint16 uptime, uint8 flags);
    /// @notice What a provider has in unbonding, millionths, and from when on it can be taken out.
    function leaving(address provider) external view returns (uint64 amount, uint64 readyAt);
    /// @notice Seconds from leaving stake to taking it out.
    function unbonding() external view returns (uint32);
    /// @notice Both in one call, packed as `Standings` reads them: what a dispute asks of a machine and its provider.
    function standingAt(uint64 offerId, address provider, uint64 t)
        external
        view
        returns (uint256 machine, uint256 owner);
}
