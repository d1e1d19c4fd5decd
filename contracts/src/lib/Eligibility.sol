// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Capacity} from "./Capacity.sol";
import {Fields} from "./Fields.sol";
import {Orders} from "./Orders.sol";
import {Pairs} from "./Pairs.sol";
import {ScorePage} from "./ScorePage.sol";

/// @title Which pairs exist: docs/formats.md, section 6. The rules stand in the order of their codes.
library Eligibility {
    using Fields for bytes;
    using ScorePage for ScorePage.Score;


    /// @notice 0 if the pair exists, else the code (1 to 22) of the first rule that it breaks.
    function check(Pairs.Request memory r, Pairs.Machine memory m, Pairs.Round memory c)
        internal
        view
        returns (uint8 code)
    {
        code = _machine(r.record, m.record, c.policy);
        if (code == 0) code = _room(r.record, m.free);
        if (code == 0) code = _terms(r.record, m.record, c.t);
        if (code == 0) code = _standing(r.record, m, c.policy);
    }

    /// @dev What the machine is.
    function _machine(bytes memory request, bytes memory offer, ScorePage.Score memory policy)
        private
        view
        returns (uint8)
    {
        // model 1 byte ‖ gpus ‖ region ‖ kind ‖ tier
        uint256 what = offer.uintAt(148, 5);
        if (policy.referencePrice(what >> 32) == 0) return 1;
        if (request.wordAt(32) >> (what >> 32) & 1 == 0) return 2; // models
        if (request.wordAt(64) >> (what >> 16 & 0xff) & 1 == 0) return 3; // regions
        if (request.uintAt(288, 1) >> (what >> 8 & 0xff) & 1 == 0) return 4; // kinds
        if (request.uintAt(289, 1) >> (what & 0xff) & 1 == 0) return 5; // tiers
        if (offer.uintAt(104, 4) < request.uintAt(252, 4)) return 6; // vram_mib
        return 0;
    }

    /// @dev Whether what is free holds the request; codes 7 to 11 are the components.
    function _room(bytes memory request, uint256 free) private pure returns (uint8) {
        uint256 demand = Capacity.spread(Orders.demandOf(request.wordAt(Orders.REQUEST_DEMAND)));
        if (Capacity.fits(demand, free)) return 0;
        uint8 code = 7;
        while (demand >> 192 <= free >> 192) {
            // the next component comes to the top
            demand = (demand << 64) >> 16;
            free = (free << 64) >> 16;
            ++code;
        }
        return code;
    }

    /// @dev Capabilities, price and time.
    function _terms(bytes memory request, bytes memory offer, uint256 t) private pure returns (uint8) {
        uint256 has = offer.wordAt(64);
        if (request.wordAt(96) & ~has != 0) return 12; // needs
        if (request.wordAt(128) & has != 0) return 13; // refuses
        if (offer.uintAt(96, 8) > request.uintAt(244, 8)) return 14; // ask, budget
        if (offer.uintAt(124, 4) >> request.uintAt(290, 1) & 1 == 0) return 15; // currencies
        uint256 term = request.uintAt(272, 4);
        if (term < offer.uintAt(136, 4)) return 16;
        if (term > offer.uintAt(140, 4)) return 17;
        if (t + term > offer.uintAt(128, 8)) return 18; // available_until
        return 0;
    }

    /// @dev Whether machine and provider are active, staked and up enough.
    function _standing(bytes memory request, Pairs.Machine memory m, ScorePage.Score memory policy)
        private
        pure
        returns (uint8)
    {
        if (m.flags != 0) return 19;
        if (m.providerFlags != 0) return 20;
        uint256 least = policy.minStake(m.record.uintAt(152, 1)) * m.registeredGpus;
        if (m.registeredGpus == 0 || m.stake < least) return 21;
        uint256 uptime = m.uptime == Pairs.UNOBSERVED ? policy.priorUptime() : m.uptime;
        return uptime < request.uintAt(284, 2) ? 22 : 0;
    }
}
