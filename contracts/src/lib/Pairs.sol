// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ScorePage} from "./ScorePage.sol";

/// @title What the rules of docs/formats.md, section 6, look at: a round, a request and a machine, as of T.
library Pairs {
    /// @notice "No observation" of uptime or reputation: the policy's prior stands for it.
    uint256 internal constant UNOBSERVED = type(uint16).max;

    /// @notice The numbers of a round.
    struct Round {
        uint256 n;
        uint256 t; // T(n)
        uint256 genesis;
        uint256 period;
        uint256 healthEpoch; // of T
        ScorePage.Score policy;
    }

    /// @notice A request that is an input of the round.
    struct Request {
        bytes record;
        uint256 created;
    }

    /// @notice A machine that is an input of the round, with its provider.
    struct Machine {
        bytes record;
        uint256 free; // Capacity, spread
        uint256 uptime;
        uint256 flags;
        uint256 stake;
        uint256 registeredGpus;
        uint256 reputation;
        uint256 slash;
        uint256 slashEpoch;
        uint256 providerFlags;
    }
}
