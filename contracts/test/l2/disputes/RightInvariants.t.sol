// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IDisputes} from "../../../src/interfaces/IDisputes.sol";
import {IVerifier} from "../../../src/interfaces/IVerifier.sol";
import {Base} from "../../Base.t.sol";
import {RightHandler} from "./RightHandler.sol";

/// @notice Whatever anyone does, no round that was settled rightly is refuted.
/// forge-config: default.invariant.runs = 8
/// forge-config: default.invariant.depth = 32
contract RightInvariants is Base {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    RightHandler private handler;

    function setUp() external {
        handler = new RightHandler();
        handler.setUp();
        targetContract(address(handler));
    }

    function targetSelectors() external view returns (FuzzSelector[] memory all) {
        all = new FuzzSelector[](1);
        bytes4[] memory s = new bytes4[](11);
        (s[0], s[1], s[2]) = (RightHandler.pass.selector, RightHandler.pass.selector, RightHandler.postOffer.selector);
        (s[3], s[4]) = (RightHandler.postRequest.selector, RightHandler.revise.selector);
        (s[5], s[6]) = (RightHandler.observe.selector, RightHandler.close.selector);
        (s[7], s[8]) = (RightHandler.settle.selector, RightHandler.settle.selector);
        (s[9], s[10]) = (RightHandler.attack.selector, RightHandler.attackMalformed.selector);
        all[0] = FuzzSelector(address(handler), s);
    }

    function invariant_noRightRoundIsRefuted() external view {
        uint64[] memory rounds = handler.rounds_();
        for (uint256 i; i < rounds.length; ++i) {
            assertTrue(!handler.refuted(rounds[i]), "stands");
        }
    }

    /// @dev The handler is worth its name: one walk settles rounds with matches and fails to refute them in every way.
    function test_theHandlerReachesEveryEnd() external {
        for (uint256 i; i < 160; ++i) {
            uint256 x = uint256(keccak256(abi.encode(i)));
            uint256 a = i % 8;
            if (a == 0) handler.pass(59);
            if (a == 1) handler.postRequest(x);
            if (a == 2) handler.settle();
            if (a == 3) handler.postOffer(x);
            if (a == 4) handler.revise(uint64(x), x >> 64);
            if (a == 5) handler.close(uint64(x));
            if (a == 6) handler.attack(x);
            if (a == 7) handler.attackMalformed(x, x >> 3);
        }
        emit log_named_uint("rounds", handler.rounds_().length);
        emit log_named_uint("matches", handler.matches());
        emit log_named_uint("no fault", handler.failures(IDisputes.NoFault.selector));
        emit log_named_uint("malformed", handler.failures(IVerifier.BadWitness.selector));
        assertTrue(handler.rounds_().length > 3 && handler.matches() > 3, "rounds with matches");
        assertTrue(handler.failures(IDisputes.NoFault.selector) > 5, "well-formed attacks");
        assertTrue(handler.failures(IVerifier.BadWitness.selector) > 5, "malformed ones");
        this.invariant_noRightRoundIsRefuted();
    }
}
