// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Machines beside their offers: the agent's address, the cards, maintenance, pauses.
/// @notice A machine is its offer's id. Its agent speaks with the key that the offer's `machine_key` names. The agent
/// may move its endpoint and pause its machine, and nothing else; the provider's own key may do all.
interface IMachines {
    /// @notice A machine has an agent: operators probe it from the next health epoch on.
    event MachineRegistered(
        uint64 indexed offerId,
        address indexed provider,
        uint64 time,
        string endpoint,
        bytes32 certificate,
        bytes16[] cards
    );
    /// @notice The machine is not probed any more. Its provider may register the cards anew at once, others in 30 days.
    event MachineRetired(uint64 indexed offerId, uint64 time);
    event EndpointChanged(uint64 indexed offerId, uint64 time, string endpoint, bytes32 certificate);
    /// @notice Paused machines win no lease and, without a lease, are not judged.
    event PauseChanged(uint64 indexed offerId, uint64 time, bool paused);
    /// @notice `index` counts the machine's maintenances from 0.
    event MaintenanceAnnounced(uint64 indexed offerId, uint32 index, uint64 time, uint64 from, uint64 until);
    /// @notice It did not begin, or ends now: `until` is the time of this event, or `from` if that is later.
    event MaintenanceEnded(uint64 indexed offerId, uint32 index, uint64 time, uint64 until);

    /// @notice Registers the agent of an open offer that has a `machine_key`. Provider only, once.
    /// The provider has the least stake that its registered GPUs need in the offer's tier, after the policy's
    /// `register_fee` for each card was burned of it.
    /// @param endpoint `https://host:port`, at most 128 bytes of printable ASCII without spaces
    /// @param certificate SHA-256 of the agent's TLS certificate (DER)
    /// @param cards UUIDs of the cards, strictly ascending, as many as the offer has GPUs. A card is in one machine of
    /// the whole market, and for 30 days from a machine's retiring its last provider's; a machine has at most 16.
    function register(uint64 offerId, string calldata endpoint, bytes32 certificate, bytes16[] calldata cards) external;
    /// @notice After the offer was retired: frees the cards, for the machine's provider at once, for others in 30 days. Anyone.
    function retire(uint64 offerId) external;
    /// @notice Provider or machine key.
    function setEndpoint(uint64 offerId, string calldata endpoint, bytes32 certificate) external;
    /// @notice Provider or machine key. Sets or clears bit 2 of the machine's flags.
    function setPaused(uint64 offerId, bool paused) external;
    /// @notice Announces that the machine may be down in [from, until). Provider or machine key; under the policy in
    /// force: at least `maintenance_notice` ahead, and with what is announced in the 30 days before `from` at most
    /// `maintenance_cap`. Maintenances follow each other in time, and end within a year.
    function announceMaintenance(uint64 offerId, uint64 from, uint64 until) external returns (uint32 index);
    /// @notice Ends the last maintenance early, or cancels it, once. Provider or machine key.
    function endMaintenance(uint64 offerId) external;
    /// @notice Writes bit 1 of the machine's flags as the time says. Anyone.
    function syncMaintenance(uint64 offerId) external;

    /// @notice Puts a machine into the list of those for hire, or takes it out, as its state says: it is in the list while
    /// it is not retired, not paused, its offer is open, and its provider has the least stake that its registered GPUs
    /// need in the offer's tier. Registering, retiring and pausing do this by themselves; who sees an offer closed or a
    /// stake withdrawn calls it. Anyone.
    function syncForHire(uint64 offerId) external;

    // --- views ---
    /// @return registeredAt 0 if it has no agent, @return retiredAt 0 if it is not retired
    function machineOf(uint64 offerId)
        external
        view
        returns (uint64 registeredAt, uint64 retiredAt, bool paused, bytes32 certificate);
    /// @notice The machine that a card belongs to, 0 if none.
    function machineOfCard(bytes16 uuid) external view returns (uint64 offerId);
    /// @notice The address of the machine key of the offer's newest version, zero if it has none.
    function agentOf(uint64 offerId) external view returns (address);
    /// @notice How many machines were ever registered, retired ones too.
    function machineCount() external view returns (uint64);
    /// @notice The machine of a number, from 0, in the order of registering.
    function machineByNumber(uint64 number) external view returns (uint64 offerId);
    /// @notice Whether the machine is in the list of those for hire, and whether its state says that it should be: where
    /// they differ, `syncForHire` is for anyone to call.
    function forHireOf(uint64 offerId) external view returns (bool listed, bool due);
    /// @notice How many machines were in the list of those for hire at the end of a second that is over.
    function forHireCount(uint64 time) external view returns (uint64);
    /// @notice The machine at a place of that list, from 0 and below its count then.
    function forHireAt(uint64 time, uint64 place) external view returns (uint64 offerId);
    /// @notice How many were announced.
    function maintenances(uint64 offerId) external view returns (uint32 count);
    /// @notice One of them; a cancelled one is empty.
    function maintenance(uint64 offerId, uint32 index)
        external
        view
        returns (uint64 announced, uint64 from, uint64 until);
    /// @notice Seconds of [from, to) in maintenance.
    function maintenanceSeconds(uint64 offerId, uint64 from, uint64 to) external view returns (uint64);
}
