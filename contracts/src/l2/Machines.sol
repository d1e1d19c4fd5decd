// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ERC2771Context} from "@openzeppelin/contracts/metatx/ERC2771Context.sol";
import {IMachines} from "../interfaces/IMachines.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {Maintenances} from "../lib/Maintenances.sol";
import {Orders} from "../lib/Orders.sol";
import {PolicyPage} from "../lib/PolicyPage.sol";
import {Roster} from "../lib/Roster.sol";

/// @title Machines beside their offers: the agent's address, the cards, maintenance, pauses.
/// @notice What a stolen machine key can do: move the endpoint, pause the machine, announce maintenance up to the
/// policy's cap. All of that ends when the provider names another key in its offer. It reaches neither stake nor price
/// nor cards, which take the provider's own key.
/// @notice What keeps strangers from registering somebody's cards: before their owner first does, they would have to know
/// the UUIDs, which nobody publishes before registering; from then on the cards are its machine's, and when that is
/// retired, which anyone may do to a closed offer, they stay its provider's for `RESERVED`. Nothing else does: the stake
/// that registering asks for is not bound by it, and who pauses a machine that it has not got is not judged. So who
/// knows UUIDs that were never registered, or that nobody has listed for that long, can keep them out of the market.
/// @dev The contract has the role MACHINES of `Providers`, for the flags of maintenance and of pauses.
contract Machines is IMachines, ERC2771Context {
    using Maintenances for Maintenances.Entry[];
    using Roster for Roster.List;

    /// @notice The most cards of a machine: as many as a report holds.
    uint256 public constant MAX_CARDS = 16;
    /// @notice The longest endpoint, bytes.
    uint256 public constant MAX_ENDPOINT = 128;
    /// @notice How far ahead a maintenance may end, seconds.
    uint64 public constant MAX_AHEAD = 365 days;
    /// @notice For how long the cards of a retired machine are kept for its provider, seconds.
    uint64 public constant RESERVED = 30 days;
    /// @notice In how many seconds before a maintenance others count against the policy's cap.
    uint64 public constant CAP_SPAN = 30 days;

    /// @dev Code of the lowest tier.
    uint8 private constant ENTRY = 0;
    uint8 private constant IN_MAINTENANCE = 2;
    uint8 private constant PAUSED = 4;
    bytes8 private constant SCHEME = "https://";

    /// @notice Where offers are.
    IMarket public immutable market;
    /// @notice Where the flags lie, and stake.
    IProviders public immutable providers;
    /// @notice Where policies are.
    IRounds public immutable rounds;
    uint256 private immutable _genesis;
    uint256 private immutable _period;

    struct Machine {
        address provider;
        uint40 registeredAt;
        uint40 retiredAt;
        bool paused;
        bytes32 certificate;
        bytes16[] cards;
        Maintenances.Entry[] maintenances;
    }

    struct Card {
        uint64 offerId; // the machine that it is in, or was in last; 0 if it never was in one
        uint40 reservedUntil; // 0 while it is in a machine
    }

    mapping(uint64 offerId => Machine) private _machines;
    /// @dev Every machine, in the order of registering; retired ones stay.
    uint64[] private _numbered;
    mapping(bytes16 uuid => Card) private _cards;
    Roster.List private _forHire;

    /// @notice The offer is not open (it may never have been).
    error NotOpen(uint64 offerId);
    /// @notice The caller is neither the provider nor, where that is enough, the agent.
    error NotAllowed(address got, address provider, address agent);
    /// @notice The offer names no agent: an address, with twelve zero bytes before it.
    error NoMachineKey(bytes32 got);
    /// @notice The machine has an agent already, or had one.
    error AlreadyRegistered(uint64 offerId);
    /// @notice The machine has no agent.
    error NotRegistered(uint64 offerId);
    /// @notice The machine is retired.
    error AlreadyRetired(uint64 offerId);
    /// @notice The offer was not retired from the market.
    error OfferNotRetired(uint64 offerId);
    /// @notice Another number of cards than the offer's GPUs, or more than a report holds.
    error BadCardCount(uint256 got, uint256 expected);
    /// @notice UUIDs are not zero, and ascend strictly.
    error CardsNotAscending(bytes16 got, bytes16 last);
    /// @notice The card is in another machine.
    error CardTaken(bytes16 uuid, uint64 offerId);
    /// @notice The card's last provider has retired it, and may alone register it until `until`.
    error CardReserved(bytes16 uuid, address provider, uint64 until);
    /// @notice The provider has less stake than its registered GPUs need in this tier.
    error StakeTooSmall(uint256 got, uint256 expected);
    /// @notice The endpoint is too short or too long.
    error BadEndpointLength(uint256 got, uint256 least, uint256 most);
    /// @notice The byte at `index` of the endpoint is not what it must be: `https://`, then printable ASCII, no spaces.
    error BadEndpoint(uint256 index, bytes1 got);
    /// @notice A certificate's hash is never zero.
    error NoCertificate();
    /// @notice A maintenance begins sooner than the policy's notice allows.
    error TooSoon(uint64 got, uint64 earliest);
    /// @notice A maintenance ends later than can be announced now.
    error TooFarAhead(uint64 got, uint64 latest);
    /// @notice More maintenance than the policy's cap, with that of the 30 days before it.
    error TooMuchMaintenance(uint256 got, uint256 most);

    /// @param forwarder the trusted ERC2771Forwarder, zero for none
    constructor(IMarket market_, IProviders providers_, IRounds rounds_, address forwarder) ERC2771Context(forwarder) {
        (market, providers, rounds) = (market_, providers_, rounds_);
        IRounds.Schedule memory s = rounds_.schedule();
        (_genesis, _period) = (s.genesis, s.period);
    }

    /// @inheritdoc IMachines
    function register(uint64 offerId, string calldata endpoint, bytes32 certificate, bytes16[] calldata cards)
        external
    {
        Machine storage m = _machines[offerId];
        if (m.registeredAt != 0) revert AlreadyRegistered(offerId);
        (bytes memory record, IMarket.OfferStatus status) = market.newestOffer(offerId);
        if (status != IMarket.OfferStatus.Open) revert NotOpen(offerId);
        Orders.Identity memory offer = Orders.decodeIdentity(record);
        if (_msgSender() != offer.provider) revert NotAllowed(_msgSender(), offer.provider, address(0));
        if (_agent(offer.machineKey) == address(0)) revert NoMachineKey(offer.machineKey);
        _checkEndpoint(endpoint, certificate);
        _payFee(offer);
        _checkStake(offer.provider, offer.tier);

        (m.provider, m.registeredAt, m.certificate) = (offer.provider, uint40(block.timestamp), certificate);
        _numbered.push(offerId);
        _takeCards(m, offerId, offer.gpus, cards);
        _forHire.put(offerId, true);
        emit MachineRegistered(offerId, offer.provider, uint64(block.timestamp), endpoint, certificate, cards);
    }

    /// @inheritdoc IMachines
    function retire(uint64 offerId) external {
        Machine storage m = _active(offerId);
        (, IMarket.OfferStatus status) = market.newestOffer(offerId);
        if (status != IMarket.OfferStatus.Retired) revert OfferNotRetired(offerId);
        uint256 count = m.cards.length; // at most `MAX_CARDS`
        uint40 until = uint40(block.timestamp + RESERVED);
        for (uint256 i; i < count; ++i) {
            _cards[m.cards[i]].reservedUntil = until;
        }
        delete m.cards;
        m.retiredAt = uint40(block.timestamp);
        _forHire.put(offerId, false);
        emit MachineRetired(offerId, uint64(block.timestamp));
    }

    /// @inheritdoc IMachines
    function setEndpoint(uint64 offerId, string calldata endpoint, bytes32 certificate) external {
        Machine storage m = _own(offerId);
        _checkEndpoint(endpoint, certificate);
        m.certificate = certificate;
        emit EndpointChanged(offerId, uint64(block.timestamp), endpoint, certificate);
    }

    /// @inheritdoc IMachines
    /// @dev Nothing happens where nothing changes.
    function setPaused(uint64 offerId, bool paused) external {
        Machine storage m = _own(offerId);
        if (m.paused == paused) return;
        m.paused = paused;
        emit PauseChanged(offerId, uint64(block.timestamp), paused);
        providers.changeMachineFlags(offerId, paused ? 0 : PAUSED, paused ? PAUSED : 0);
        _syncForHire(offerId, m);
    }

    /// @inheritdoc IMachines
    function syncForHire(uint64 offerId) external {
        _syncForHire(offerId, _active(offerId));
    }

    /// @inheritdoc IMachines
    /// @dev What is allowed here is in force from its first to its last second by the rule of verdicts (section 14),
    /// unless the policy changes meanwhile.
    function announceMaintenance(uint64 offerId, uint64 from, uint64 until) external returns (uint32 index) {
        Maintenances.Entry[] storage list = _own(offerId).maintenances;
        PolicyPage.Health memory rules = PolicyPage.health(_policy());
        uint64 now_ = uint64(block.timestamp);
        if (from < now_ + rules.maintenanceNotice) revert TooSoon(from, now_ + rules.maintenanceNotice);
        if (until > now_ + MAX_AHEAD) revert TooFarAhead(until, now_ + MAX_AHEAD);
        index = list.push(from, until);
        uint64 before = from < CAP_SPAN ? 0 : from - CAP_SPAN;
        uint256 used = list.secondsBefore(until) - list.secondsBefore(before);
        if (used > rules.maintenanceCap) revert TooMuchMaintenance(used, rules.maintenanceCap);
        emit MaintenanceAnnounced(offerId, index, now_, from, until);
    }

    /// @inheritdoc IMachines
    /// @dev One that has begun takes its flag with it.
    function endMaintenance(uint64 offerId) external {
        (uint32 index, uint64 until) = _own(offerId).maintenances.endLast();
        emit MaintenanceEnded(offerId, index, uint64(block.timestamp), until);
        _syncMaintenance(offerId);
    }

    /// @inheritdoc IMachines
    function syncMaintenance(uint64 offerId) external {
        _active(offerId);
        _syncMaintenance(offerId);
    }

    /// @inheritdoc IMachines
    function machineOf(uint64 offerId)
        external
        view
        returns (uint64 registeredAt, uint64 retiredAt, bool paused, bytes32 certificate)
    {
        Machine storage m = _machines[offerId];
        return (m.registeredAt, m.retiredAt, m.paused, m.certificate);
    }

    /// @inheritdoc IMachines
    function machineOfCard(bytes16 uuid) external view returns (uint64 offerId) {
        Card memory card = _cards[uuid];
        return card.reservedUntil == 0 ? card.offerId : 0;
    }

    /// @inheritdoc IMachines
    function agentOf(uint64 offerId) public view returns (address) {
        (bytes memory record, IMarket.OfferStatus status) = market.newestOffer(offerId);
        if (status == IMarket.OfferStatus.None) return address(0);
        return _agent(Orders.decodeIdentity(record).machineKey);
    }

    /// @inheritdoc IMachines
    function machineCount() external view returns (uint64) {
        return uint64(_numbered.length);
    }

    /// @inheritdoc IMachines
    /// @dev 0, which is no offer's id, where there is none.
    function machineByNumber(uint64 number) external view returns (uint64 offerId) {
        return number < _numbered.length ? _numbered[number] : 0;
    }

    /// @inheritdoc IMachines
    function forHireOf(uint64 offerId) external view returns (bool listed, bool due) {
        Machine storage m = _machines[offerId];
        bool active = m.registeredAt != 0 && m.retiredAt == 0;
        return (_forHire.has(offerId), active && !m.paused && _isForHire(offerId, m.provider));
    }

    /// @inheritdoc IMachines
    function forHireCount(uint64 time) external view returns (uint64) {
        return _forHire.sizeAt(time);
    }

    /// @inheritdoc IMachines
    /// @dev 0, which is no offer's id, where there is none.
    function forHireAt(uint64 time, uint64 place) external view returns (uint64 offerId) {
        return _forHire.idAt(time, place);
    }

    /// @inheritdoc IMachines
    function maintenances(uint64 offerId) external view returns (uint32 count) {
        return uint32(_machines[offerId].maintenances.length);
    }

    /// @inheritdoc IMachines
    /// @dev All zero where there is none.
    function maintenance(uint64 offerId, uint32 index)
        external
        view
        returns (uint64 announced, uint64 from, uint64 until)
    {
        Maintenances.Entry[] storage list = _machines[offerId].maintenances;
        if (index >= list.length) return (0, 0, 0);
        Maintenances.Entry memory e = list[index];
        return (e.announced, e.from, e.until);
    }

    /// @inheritdoc IMachines
    function maintenanceSeconds(uint64 offerId, uint64 from, uint64 to) external view returns (uint64) {
        Maintenances.Entry[] storage list = _machines[offerId].maintenances;
        return from < to ? list.secondsBefore(to) - list.secondsBefore(from) : 0;
    }

    /// @dev Gives the machine its cards.
    function _takeCards(Machine storage m, uint64 offerId, uint8 gpus, bytes16[] calldata cards) private {
        if (cards.length != gpus) revert BadCardCount(cards.length, gpus);
        if (cards.length > MAX_CARDS) revert BadCardCount(cards.length, MAX_CARDS);
        bytes16 last;
        for (uint256 i; i < cards.length; ++i) {
            bytes16 uuid = cards[i];
            if (uuid <= last) revert CardsNotAscending(uuid, last);
            _checkFree(uuid, m.provider);
            _cards[uuid] = Card(offerId, 0);
            last = uuid;
        }
        m.cards = cards;
    }

    /// @dev Reverts if a card is in a machine, or is kept for another provider than this.
    function _checkFree(bytes16 uuid, address provider) private view {
        Card memory card = _cards[uuid];
        if (card.offerId == 0) return;
        if (card.reservedUntil == 0) revert CardTaken(uuid, card.offerId);
        if (block.timestamp >= card.reservedUntil) return;
        address last = _machines[card.offerId].provider;
        if (last != provider) revert CardReserved(uuid, last, card.reservedUntil);
    }

    /// @dev Writes the flag only where it is not what it should be, so that nobody fills the checkpoints.
    function _syncMaintenance(uint64 offerId) private {
        uint64 now_ = uint64(block.timestamp);
        bool during = _machines[offerId].maintenances.isDuring(now_);
        (, uint8 flags) = providers.machineAt(offerId, now_);
        if ((flags & IN_MAINTENANCE != 0) == during) return;
        providers.changeMachineFlags(offerId, during ? 0 : IN_MAINTENANCE, during ? IN_MAINTENANCE : 0);
    }

    /// @dev A registered machine that is not retired.
    function _active(uint64 offerId) private view returns (Machine storage m) {
        m = _machines[offerId];
        if (m.registeredAt == 0) revert NotRegistered(offerId);
        if (m.retiredAt != 0) revert AlreadyRetired(offerId);
    }

    /// @dev Such a machine, of the caller: its provider, or its agent.
    function _own(uint64 offerId) private view returns (Machine storage m) {
        m = _active(offerId);
        address sender = _msgSender();
        if (sender == m.provider) return m;
        address agent = agentOf(offerId);
        if (sender != agent) revert NotAllowed(sender, m.provider, agent);
    }

    /// @dev So that a provider does not shed a machine's record by registering it anew. An entry tier's provider may have
    /// no stake yet: what it earns is withheld instead, anew each time.
    function _payFee(Orders.Identity memory offer) private {
        if (offer.tier == ENTRY) return;
        uint256 fee = uint256(PolicyPage.registerFee(_policy())) * offer.gpus;
        if (fee != 0) providers.burn(offer.provider, fee);
    }

    /// @dev The rule by which an offer of this tier is eligible at all. Without it cards could be claimed for nothing.
    function _checkStake(address provider, uint8 tier) private view {
        (uint256 staked, uint256 least) = _stakeOf(provider, tier);
        if (staked < least) revert StakeTooSmall(staked, least);
    }

    /// @dev What a provider has staked, and what all its GPUs need in a tier.
    function _stakeOf(address provider, uint8 tier) private view returns (uint256 staked, uint256 least) {
        uint32 gpus;
        (staked, gpus,,,,) = providers.providerAt(provider, uint64(block.timestamp));
        least = uint256(PolicyPage.minStake(_policy(), tier)) * gpus;
    }

    /// @dev Of a machine that is not retired.
    function _syncForHire(uint64 offerId, Machine storage m) private {
        _forHire.put(offerId, !m.paused && _isForHire(offerId, m.provider));
    }

    /// @dev What operators ask for too before they judge a machine that is in no lease; flags that time takes away again
    /// are not asked for, or else somebody would have to put the machine back.
    function _isForHire(uint64 offerId, address provider) private view returns (bool) {
        (bytes memory record, IMarket.OfferStatus status) = market.newestOffer(offerId);
        if (status != IMarket.OfferStatus.Open) return false;
        (uint256 staked, uint256 least) = _stakeOf(provider, Orders.decodeIdentity(record).tier);
        return staked >= least;
    }

    /// @dev The policy of the first round that does not close before now.
    function _policy() private view returns (address page) {
        uint256 round;
        if (block.timestamp > _genesis) round = (block.timestamp - _genesis + _period - 1) / _period;
        (,, page) = rounds.policyAt(uint64(round));
    }

    function _agent(bytes32 machineKey) private pure returns (address) {
        uint256 word = uint256(machineKey);
        return word >> 160 == 0 ? address(uint160(word)) : address(0);
    }

    function _checkEndpoint(string calldata endpoint, bytes32 certificate) private pure {
        bytes calldata text = bytes(endpoint);
        if (text.length <= SCHEME.length || text.length > MAX_ENDPOINT) {
            revert BadEndpointLength(text.length, SCHEME.length + 1, MAX_ENDPOINT);
        }
        for (uint256 i; i < text.length; ++i) {
            bytes1 char = text[i];
            bool good = i < SCHEME.length ? char == SCHEME[i] : char > 0x20 && char < 0x7f;
            if (!good) revert BadEndpoint(i, char);
        }
        if (certificate == 0) revert NoCertificate();
    }
}
