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
        uint256 what = offer.wordAt(128) >> 56; // .. model ‖ gpus ‖ region ‖ kind ‖ tier, 8 bits each
        uint256 accepted = request.wordAt(288); // kinds ‖ tiers ‖ ..
        if (policy.referencePrice(what >> 32 & 0xff) == 0) return 1;
        if (request.wordAt(32) >> (what >> 32 & 0xff) & 1 == 0) return 2; // models
        if (request.wordAt(64) >> (what >> 16 & 0xff) & 1 == 0) return 3; // regions
        if ((accepted >> 248) >> (what >> 8 & 0xff) & 1 == 0) return 4;
        if ((accepted >> 240 & 0xff) >> (what & 0xff) & 1 == 0) return 5;
        // vram_mib, min_vram_mib
        if (offer.wordAt(96) >> 160 & 0xffffffff < request.wordAt(224) & 0xffffffff) return 6;
        return 0;
    }

    /// @dev Whether what is free holds the request; codes 7 to 11 are the components.
    function _room(bytes memory request, uint256 free) private pure returns (uint8 code) {
        uint256 demand = Capacity.spread(Orders.demandOf(request.wordAt(Orders.REQUEST_DEMAND)));
        if (Capacity.fits(demand, free)) return 0;
        code = 7;
        while (demand >> 192 <= free >> 192) {
            // the next component comes to the top
            demand = (demand << 64) >> 16;
            free = (free << 64) >> 16;
            ++code;
        }
    }

    /// @dev Capabilities, price and time.
    function _terms(bytes memory request, bytes memory offer, uint256 t) private pure returns (uint8) {
        uint256 has = offer.wordAt(64);
        if (request.wordAt(96) & ~has != 0) return 12; // needs
        if (request.wordAt(128) & has != 0) return 13; // refuses
        uint256 price = offer.wordAt(96); // ask ‖ .. ‖ currencies
        if (price >> 192 > request.wordAt(224) >> 32 & 0xffffffffffffffff) return 14; // budget
        if ((price & 0xffffffff) >> (request.wordAt(288) >> 232 & 0xff) & 1 == 0) return 15; // currency
        uint256 times = offer.wordAt(128); // available_until ‖ min_term ‖ max_term ‖ ..
        uint256 term = Orders.termOf(request.wordAt(Orders.REQUEST_DEMAND));
        if (term < times >> 160 & 0xffffffff) return 16;
        if (term > times >> 128 & 0xffffffff) return 17;
        unchecked {
            return t + term > times >> 192 ? 18 : 0; // of 64 and of 32 bits
        }
    }

    /// @dev Whether machine and provider are active, staked and up enough.
    function _standing(bytes memory request, Pairs.Machine memory m, ScorePage.Score memory policy)
        private
        pure
        returns (uint8)
    {
        if (m.flags != 0) return 19;
        if (m.providerFlags != 0) return 20;
        unchecked {
            uint256 least = policy.minStake(m.record.wordAt(128) >> 56 & 0xff) * m.registeredGpus; // 64 and 32 bits
            if (m.registeredGpus == 0 || m.stake < least) return 21;
        }
        uint256 uptime = m.uptime == Pairs.UNOBSERVED ? ScorePage.priorUptime(policy.numbers()) : m.uptime;
        return uptime < request.wordAt(Orders.REQUEST_DEMAND) >> 16 & 0xffff ? 22 : 0; // min_uptime
    }
}
