// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ISlasher} from "../../src/interfaces/ISlasher.sol";
import {ServiceManager} from "../../src/l1/ServiceManager.sol";
import {Slasher} from "../../src/l1/Slasher.sol";
import {BLS12381} from "../../src/lib/BLS12381.sol";
import {Headers} from "../../src/lib/Headers.sol";
import {Base} from "../Base.t.sol";
import {BlsKit} from "../BlsKit.sol";
import {VerdictBase} from "./VerdictBase.sol";

/// @notice Operators that vote, and a world that accuses them with whatever lies about. Operators 0 to 2 are
/// honest: one header a round, the right one. 3 and 4 sign anything. L2 speaks the truth or not at all: that the
/// right header stands, or that another was refuted.
contract SlasherHandler is Base {
    struct Vote {
        uint256 operator;
        bytes header;
        bytes signature;
    }

    uint256 private constant ROUNDS_PLAYED = 4;
    /// @dev Of outcomes 0 to 3, this one has a seed that somebody chose.
    uint256 private constant CHOSEN_SEED = 3;

    Slasher public immutable slasher;
    ServiceManager public immutable manager;
    address private immutable _guardian;
    bytes private _prefix;
    /// @dev Of each round, what the beacon signed and the seed that follows.
    bytes[] private _beacons;
    bytes32[] private _seeds;
    Vote[] private _votes;
    bytes32[] private _charges;
    uint256 public convictions;

    error HonestConvicted(uint256 operator);

    constructor(
        Slasher slasher_,
        ServiceManager manager_,
        bytes memory prefix,
        address guardian,
        bytes[] memory beacons,
        bytes32[] memory seeds
    ) {
        (slasher, manager, _prefix, _guardian) = (slasher_, manager_, prefix, guardian);
        (_beacons, _seeds) = (beacons, seeds);
    }

    function _header(uint64 n, uint256 outcome) private view returns (bytes memory) {
        bytes32 seed = outcome == CHOSEN_SEED ? bytes32("chosen") : _seeds[n];
        return
            Headers.encode(
                _prefix, Headers.Body(n, 1, bytes32("s"), bytes32("p"), bytes32("i"), seed, bytes32(outcome))
            );
    }

    function vote(uint8 operator, uint64 n, uint8 outcome) external {
        uint256 i = operator % 5;
        bytes memory header = _header(n % uint64(ROUNDS_PLAYED), i < 3 ? 0 : outcome % 4);
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

    /// @dev L2's word, as the bridge hands it over: refuted were wrong headers only.
    function word(uint64 n, uint8 verdict, uint8 outcome) external {
        n = n % uint64(ROUNDS_PLAYED);
        verdict = verdict % 5;
        uint256 about = verdict == 2 || verdict == 3 ? 1 + outcome % 3 : 0;
        bytes memory payload = abi.encodePacked(n, sha256(_header(n, about)), verdict);
        vm.prank(slasher.bridge());
        try slasher.receiveMessage(payload) {} catch {}
    }

    /// @dev A real vote as a certificate of one, mostly said to be of who cast it.
    function prove(uint256 x, uint8 accused) external {
        if (_votes.length == 0) return;
        Vote memory v = _votes[x % _votes.length];
        uint256 i = accused % 4 == 0 ? accused % 5 : v.operator;
        try slasher.proveSigners(v.header, abi.encodePacked(uint8(1 << i)), v.signature) {
            if (i != v.operator) revert HonestConvicted(i);
        } catch {}
    }

    /// @dev With what the beacon signed for that round, or for another one, or with noise.
    function wrongSeed(uint64 n, uint8 outcome, uint8 other, bytes32 noise) external {
        n = n % uint64(ROUNDS_PLAYED);
        uint256 which = other % 6;
        bytes memory signature = which < ROUNDS_PLAYED ? _beacons[which] : bytes.concat(noise, bytes16(noise));
        try slasher.proveWrongSeed(_header(n, outcome % 4), signature) {} catch {}
    }

    function executeVerdict(uint64 n, uint8 outcome, uint8 accused) external {
        bytes32 digest = sha256(_header(n % uint64(ROUNDS_PLAYED), outcome % 4));
        try slasher.executeVerdict(digest, accused % 5) {
            if (accused % 5 < 3) revert HonestConvicted(accused % 5);
            ++convictions;
        } catch {}
    }

    function cancelVerdict(uint64 n, uint8 outcome) external {
        vm.prank(_guardian);
        try slasher.cancelVerdict(sha256(_header(n % uint64(ROUNDS_PLAYED), outcome % 4))) {} catch {}
    }

    function pass(uint32 time) external {
        vm.warp(vm.getBlockTimestamp() + time % 1 days);
    }
}

contract SlasherInvariantTest is VerdictBase {
    SlasherHandler private handler;

    function setUp() external {
        _start(5);
        vm.warp(GENESIS);
        bytes[] memory beacons = new bytes[](4);
        bytes32[] memory seeds = new bytes32[](4);
        for (uint64 n = 0; n < 4; ++n) {
            beacons[n] = _beaconSignature(n);
            seeds[n] = _seed(n, beacons[n]);
        }
        handler = new SlasherHandler(slasher, manager, Headers.prefix(_domain()), GUARDIAN, beacons, seeds);
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
        handler.word(1, 1, 0);
        handler.execute(0);
        assertEq(HELD - _left(4), HELD / 100, "divergence");
        handler.vote(4, 2, 2);
        handler.prove(3, 1);
        handler.word(2, 2, 1);
        handler.executeVerdict(2, 2, 4);
        assertEq(handler.convictions(), 2, "wrong outcome");
        handler.vote(4, 3, 3);
        handler.prove(4, 1);
        handler.wrongSeed(3, 3, 3, 0);
        handler.executeVerdict(3, 3, 4);
        assertEq(handler.convictions(), 3, "wrong seed");
    }

    function invariant_theHonestAreNeverSlashed() external view {
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(_left(i), HELD, "stake of the honest");
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
            assertLe(HELD - _left(i), sum + 8, "taken");
        }
    }
}
