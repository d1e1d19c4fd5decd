// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ISlasher} from "../../src/interfaces/ISlasher.sol";
import {Dialect} from "../../src/l1/CoreAdapter.sol";
import {ServiceManager} from "../../src/l1/ServiceManager.sol";
import {Slasher} from "../../src/l1/Slasher.sol";
import {BLS12381} from "../../src/lib/BLS12381.sol";
import {Headers} from "../../src/lib/Headers.sol";
import {Base} from "../Base.t.sol";
import {BlsKit} from "../BlsKit.sol";
import {L1Base} from "./L1Base.sol";

/// @notice Operators that vote, and a world that accuses them with whatever lies about. Operators 0 to 2 are
/// honest: one header a round, the right one. 3 and 4 sign anything. L2 speaks the truth or not at all.
contract SlasherHandler is Base {
    struct Vote {
        uint256 operator;
        bytes header;
        bytes signature;
    }

    uint256 private constant ROUNDS_PLAYED = 4;

    Slasher public immutable slasher;
    ServiceManager public immutable manager;
    address private immutable _guardian;
    bytes private _prefix;
    Vote[] private _votes;
    bytes32[] private _charges;
    uint256 public convictions;

    error HonestConvicted(uint256 operator);

    constructor(Slasher slasher_, ServiceManager manager_, bytes memory prefix, address guardian) {
        (slasher, manager, _prefix, _guardian) = (slasher_, manager_, prefix, guardian);
    }

    function _header(uint64 n, uint256 outcome) private view returns (bytes memory) {
        return
            Headers.encode(_prefix, Headers.Body(n, 1, bytes32("s"), bytes32("p"), bytes32("i"), 0, bytes32(outcome)));
    }

    function vote(uint8 operator, uint64 n, uint8 outcome) external {
        uint256 i = operator % 5;
        bytes memory header = _header(n % uint64(ROUNDS_PLAYED), i < 3 ? 0 : outcome % 3);
        _votes.push(Vote(i, header, BlsKit.sign(5000 + i, BLS12381.DST_VOTE, sha256(header))));
    }

    function accuse(uint128 x, uint128 y, uint8 accused) external {
        if (_votes.length == 0) return;
        Vote memory a = _votes[x % _votes.length];
        Vote memory b = _votes[y % _votes.length];
        // Mostly two votes of one operator: chance alone would rarely find them.
        for (uint256 k = 0; accused % 4 != 0 && k < _votes.length && b.operator != a.operator; ++k) {
            b = _votes[(uint256(y) + k) % _votes.length];
        }
        uint32 i = accused % 2 == 0 ? uint32(a.operator) : accused % 5;
        try slasher.proveEquivocation(i, a.header, a.signature, b.header, b.signature) {
            if (i < 3) revert HonestConvicted(i);
            ++convictions;
        } catch {}
    }

    /// @dev Against a real vote: with the right header as the certified one, or an invented one.
    function charge(uint256 x, uint64 n, uint8 outcome) external {
        if (_votes.length == 0) return;
        Vote memory v = _votes[x % _votes.length];
        bytes memory certified = _header(n % uint64(ROUNDS_PLAYED), outcome % 3);
        try slasher.chargeDivergence(uint32(v.operator), certified, v.header, v.signature) returns (bytes32 id) {
            _charges.push(id);
        } catch {}
    }

    function execute(uint256 x) external {
        if (_charges.length == 0) return;
        try slasher.execute(_charges[x % _charges.length]) {} catch {}
    }

    function cancel(uint256 x) external {
        if (_charges.length == 0) return;
        bytes32 id = _charges[x % _charges.length];
        vm.prank(_guardian);
        try slasher.cancel(id) {} catch {}
    }

    /// @dev L2's word, as the bridge hands it over: of the right header, whatever the verdict.
    function word(uint64 n, uint8 verdict) external {
        n = n % uint64(ROUNDS_PLAYED);
        bytes memory payload = abi.encodePacked(n, sha256(_header(n, 0)), verdict);
        vm.prank(slasher.bridge());
        try slasher.receiveMessage(payload) {} catch {}
    }

    function pass(uint32 time) external {
        vm.warp(vm.getBlockTimestamp() + time % 1 days);
    }
}

contract SlasherInvariantTest is L1Base {
    uint256 private constant HELD = 1e18;
    SlasherHandler private handler;

    function setUp() external {
        _deploy(Dialect.Appointee, 0);
        for (uint256 i = 0; i < 5; ++i) {
            core.setStake(_operator(i), STRATEGY_A, HELD);
            _register(i);
        }
        bytes memory prefix =
            Headers.prefix(Headers.Domain(uint64(block.chainid), L2_CHAIN, ROUNDS, address(manager), SET_ID));
        handler = new SlasherHandler(slasher, manager, prefix, GUARDIAN);
        targetContract(address(handler));
    }

    /// @dev The invariants mean something only if the guilty are caught.
    function test_theHandlerCatchesLiars() external {
        handler.vote(3, 0, 0);
        handler.vote(3, 0, 1);
        handler.accuse(0, 1, 0);
        assertEq(handler.convictions(), 1, "equivocation");
        handler.vote(4, 1, 1);
        handler.charge(2, 1, 0);
        handler.word(1, 1);
        handler.execute(0);
        assertEq(HELD - core.stake(_operator(4), STRATEGY_A), HELD / 100, "divergence");
    }

    function invariant_theHonestAreNeverSlashed() external view {
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(core.stake(_operator(i), STRATEGY_A), HELD, "stake of the honest");
            (, bool registered) = manager.operatorAt(uint32(i));
            assertTrue(registered, "still in");
        }
    }

    /// @dev All rounds played lie in one epoch: the cap binds, and what is counted is what was taken.
    function invariant_nobodyLosesMoreThanHisOffencesCost() external view {
        for (uint32 i = 3; i < 5; ++i) {
            uint256 sum = 0;
            for (uint64 n = 0; n < 4; ++n) {
                (ISlasher.Offence offence, uint256 wad) = slasher.offenceOf(i, n);
                assertLe(wad, slasher.shareOf(offence), "one offence, once");
                sum += wad;
            }
            assertEq(slasher.lostIn(i, 0), sum, "counted");
            assertLe(sum, slasher.EPOCH_CAP(), "capped");
            // Each slash takes its share of what the one before left: never more than the sum of the shares.
            assertLe(HELD - core.stake(_operator(i), STRATEGY_A), sum + 8, "taken");
        }
    }
}
