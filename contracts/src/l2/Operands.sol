// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IInputs} from "../interfaces/IInputs.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {Capacity} from "../lib/Capacity.sol";
import {Fields} from "../lib/Fields.sol";
import {Orders} from "../lib/Orders.sol";
import {Pairs} from "../lib/Pairs.sol";
import {ScorePage} from "../lib/ScorePage.sol";
import {Standings} from "../lib/Standings.sol";

/// @title The operands of a judgement, read from L2's own storage as of T: docs/formats.md, section 3.
/// @dev Total in what a header or a list may name: any round number, any id. The schedule never changes, so it is
/// kept here.
abstract contract Operands {
    using Fields for bytes;
    using Standings for uint256;

    /// @notice Where schedule and policy come from.
    IRounds public immutable rounds;
    /// @notice Where orders and leases come from.
    IMarket public immutable market;
    /// @notice Where stake, uptime, reputation, slash rate and status come from.
    IProviders public immutable providers;

    uint64 internal immutable _genesis;
    uint32 internal immutable _period;
    uint32 private immutable _healthEpoch;

    /// @notice Round 0 would close at the beginning of time, and T(0) lie before it.
    error ZeroGenesis();

    /// @notice How an order stands to a round.
    enum Standing {
        Unknown, // there is no such order
        NotOpen, // at T
        Matched, // by a round before; of requests only
        Input
    }

    /// @dev A request with its standing, and its place in the list of the round asked for.
    struct Candidate {
        Pairs.Request request;
        uint256 closed;
        uint256 matchedIn; // 0-based round + 1, or 0
        uint256 position; // in that round's list
        Standing standing;
    }

    constructor(IRounds rounds_, IMarket market_, IProviders providers_) {
        (rounds, market, providers) = (rounds_, market_, providers_);
        IRounds.Schedule memory s = rounds_.schedule();
        if (s.genesis == 0) revert ZeroGenesis();
        (_genesis, _period, _healthEpoch) = (s.genesis, s.period, s.healthEpoch);
    }

    /// @dev The numbers of round n, and its policy.
    function _roundOf(uint64 n) internal view returns (Pairs.Round memory c) {
        (c.n, c.genesis, c.period) = (n, _genesis, _period);
        unchecked {
            // Past the end of time no order is open; the views below take 64 bits.
            uint256 t = c.genesis + c.n * c.period - 1;
            if (t > type(uint64).max) t = type(uint64).max;
            c.t = t;
            c.healthEpoch = t < c.genesis ? 0 : (t - c.genesis) / _healthEpoch;
        }
        c.policy = ScorePage.load(rounds.policyPageAt(n));
    }

    /// @dev A request and its standing in a round. One that was matched before is so, open or not.
    function _candidate(Pairs.Round memory c, uint64 id) internal view returns (Candidate memory r) {
        address page;
        uint256 offset;
        (page, offset, r.request.created, r.closed, r.matchedIn, r.position) = _inputs().requestAt(id);
        if (page == address(0)) return r;
        r.request.record = Fields.fromCode(page, offset, Orders.REQUEST);
        if (r.matchedIn != 0 && r.matchedIn <= c.n) r.standing = Standing.Matched;
        else if (_isOpen(r, c.t)) r.standing = Standing.Input;
        else r.standing = Standing.NotOpen;
    }

    /// @dev A machine with all that the rules ask of it, and its standing.
    function _machine(Pairs.Round memory c, uint64 id)
        internal
        view
        returns (Pairs.Machine memory m, Standing standing)
    {
        uint64 t = uint64(c.t);
        (address page, uint256 offset, uint256 used) = _inputs().offerAt(id, t);
        if (page == address(0)) {
            bool known = id != 0 && id <= market.offerCount();
            return (m, known ? Standing.NotOpen : Standing.Unknown);
        }
        m.record = Fields.fromCode(page, offset, Orders.OFFER);
        uint256 word = m.record.wordAt(Orders.OFFER_CAPACITY);
        if (t >= Orders.availableUntilOf(word)) return (m, Standing.NotOpen);
        uint256 capacity = Orders.capacityOf(word, m.record.wordAt(Orders.OFFER_GPUS));
        m.free = Capacity.minus(Capacity.spread(capacity), Capacity.spread(used));
        _readStanding(m, id, t);
        standing = Standing.Input;
    }

    /// @dev What has been seen of a machine, and its provider's state.
    function _readStanding(Pairs.Machine memory m, uint64 id, uint64 t) private view {
        address provider = address(uint160(m.record.wordAt(0)));
        (uint256 machine, uint256 owner) = providers.standingAt(id, provider, t);
        (m.uptime, m.flags) = (machine.uptime(), machine.flags());
        (m.stake, m.registeredGpus, m.reputation) = (owner.stake(), owner.gpus(), owner.reputation());
        (m.slash, m.slashEpoch, m.providerFlags) = (owner.slash(), owner.slashEpoch(), owner.flags());
    }

    /// @dev What a request takes, spread. Zero where there is no such request.
    function _demandOf(uint64 id) internal view returns (bool exists, uint256 demand) {
        (address page, uint256 offset,,,,) = _inputs().requestAt(id);
        if (page == address(0)) return (false, 0);
        return (true, _demandOf(Fields.fromCode(page, offset, Orders.REQUEST)));
    }

    /// @dev What a request takes, spread.
    function _demandOf(bytes memory request) internal pure returns (uint256) {
        return Capacity.spread(Orders.demandOf(request.wordAt(Orders.REQUEST_DEMAND)));
    }

    function _inputs() private view returns (IInputs) {
        return IInputs(address(market));
    }

    /// @dev `created <= T < closed` and `T < valid_until`.
    function _isOpen(Candidate memory r, uint256 t) private pure returns (bool) {
        return r.request.created <= t && t < r.closed
            && t < Orders.validUntilOf(r.request.record.wordAt(Orders.REQUEST_DEMAND));
    }
}
