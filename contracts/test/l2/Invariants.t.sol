// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Capacity} from "../../src/lib/Capacity.sol";
import {Base} from "../Base.t.sol";
import {MarketHandler} from "./MarketHandler.sol";
import {MoneyHandler} from "./MoneyHandler.sol";

/// @notice What holds of market and rounds whatever anyone does.
contract MarketInvariants is Base {
    /// @dev As forge asks for it: which functions of the handler it may call.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    MoneyHandler private handler;

    function setUp() external {
        handler = new MoneyHandler();
        handler.setUp();
        targetContract(address(handler));
    }

    function targetSelectors() external view returns (FuzzSelector[] memory all) {
        all = new FuzzSelector[](1);
        bytes4[26] memory own = [
            MarketHandler.pass.selector,
            MarketHandler.postOffer.selector,
            MarketHandler.reviseOffer.selector,
            MarketHandler.closeOffer.selector,
            MarketHandler.postRequest.selector,
            MarketHandler.cancel.selector,
            MarketHandler.reclaim.selector,
            MarketHandler.certify.selector,
            MarketHandler.certifyAnother.selector,
            MarketHandler.postChunk.selector,
            MarketHandler.closeLease.selector,
            MoneyHandler.settleLease.selector,
            MoneyHandler.withdraw.selector,
            MarketHandler.propose.selector,
            MarketHandler.confirm.selector,
            MarketHandler.refute.selector,
            MarketHandler.annul.selector,
            MoneyHandler.collectDebt.selector,
            MarketHandler.noteEnds.selector,
            MoneyHandler.extend.selector,
            MoneyHandler.down.selector,
            MoneyHandler.settleHealth.selector,
            MoneyHandler.rewardSettler.selector,
            MoneyHandler.forfeit.selector,
            MoneyHandler.retireOffer.selector,
            MoneyHandler.releaseDeposit.selector
        ];
        // The actions that bring a round about come more often.
        bytes4[] memory selectors = new bytes4[](own.length + 5);
        for (uint256 i; i < own.length; ++i) {
            selectors[i] = own[i];
        }
        selectors[own.length] = MarketHandler.postRequest.selector;
        selectors[own.length + 1] = MarketHandler.postOffer.selector;
        selectors[own.length + 2] = MarketHandler.pass.selector;
        selectors[own.length + 3] = MarketHandler.certify.selector;
        selectors[own.length + 4] = MarketHandler.postChunk.selector;
        all[0] = FuzzSelector(address(handler), selectors);
    }

    /// @dev Held is owed, to the last unit: no money is stuck, none is promised twice.
    function invariant_theEscrowHoldsWhatItOwes() external view {
        for (uint8 currency; currency < 2; ++currency) {
            (uint256 owed, uint256 held) = handler.owedAndHeld(currency);
            assertEq(held, owed, "held and owed");
        }
    }

    /// @dev For each request: refund, pay, fee and what is withheld make up its lock, to the micro-dollar.
    function invariant_whatCameInIsHeldOrWentOut() external view {
        (, uint64 requests) = handler.counts();
        for (uint64 id = 1; id <= requests; ++id) {
            assertEq(handler.lockedOf(id) + handler.wentOut(id), handler.cameIn(id), "held and gone");
            if (handler.isEmpty(id)) assertEq(handler.wentOut(id), handler.cameIn(id), "all gone");
            assertLe(handler.cost(id), handler.cameIn(id), "cost");
        }
    }

    /// @dev In the end a lease has cost its seconds that were served, the protocol's share of it by the policy's one
    /// table, however it was paid.
    function invariant_aLeaseCostsItsServedSeconds() external view {
        (, uint64 requests) = handler.counts();
        for (uint64 id = 1; id <= requests; ++id) {
            assertEq(handler.fees(id), handler.cost(id) * 250 / 10_000, "fee");
            if (handler.isEmpty(id)) assertEq(handler.cost(id), handler.expectedCost(id), "cost");
        }
    }

    function invariant_aRoundHasOneCertificate() external view {
        for (uint64 n; n <= handler.lastRound(); ++n) {
            assertEq(handler.digestOf(n), handler.firstDigest(n), "digest");
        }
    }

    /// @dev A refutation rewrites no end, and no deadline that passed is made up for: what was known stays.
    function invariant_endsAndVoidsStay() external view {
        for (uint64 n; n <= handler.lastRound(); ++n) {
            (uint64 end, uint64 voided) = handler.endsOf(n);
            if (handler.firstEnd(n) != 0) assertEq(end, handler.firstEnd(n), "end");
            if (handler.firstVoid(n) != 0) assertEq(voided, handler.firstVoid(n), "void");
        }
    }

    /// @dev Every bond lies with disputes, until a certificate has come in time.
    function invariant_bondsOfProposalsAreHeld() external view {
        for (uint64 n; n <= handler.lastRound(); ++n) {
            (uint256 held, uint256 stuck) = handler.bondsOf(n);
            assertEq(held, handler.isBonded(n) ? 1 ether : 0, "bond");
            assertEq(stuck, 0, "in rounds");
        }
    }

    function invariant_aRequestIsMatchedOnceAndNeverAfterReclaiming() external view {
        (, uint64 requests) = handler.counts();
        for (uint64 id = 1; id <= requests; ++id) {
            uint64 round = handler.roundOfLease(id);
            assertEq(round, handler.firstRound(id), "round of the lease");
            assertTrue(round == 0 || !handler.reclaimed(id), "not reclaimed");
        }
    }

    function invariant_usedIsWhatLeasesTakeAndWithinCapacity() external view {
        (uint64 offers,) = handler.counts();
        for (uint64 id = 1; id <= offers; ++id) {
            (uint256 byLeases, uint256 used, uint256 capacity) = handler.usedOf(id);
            assertEq(used, byLeases, "used");
            assertTrue(Capacity.fits(Capacity.spread(used), Capacity.spread(capacity)), "within capacity");
        }
    }

    /// @dev One random action; weights as above.
    function _act(uint256 seed) private {
        uint256 a = seed % 46;
        uint64 id = uint64(seed >> 8);
        (uint8 x, uint8 y, uint16 z) = (uint8(seed >> 72), uint8(seed >> 80), uint16(seed >> 88));
        if (a == 0 || a == 13) handler.pass(x);
        if (a == 1 || a == 14) handler.postOffer(x, y, z);
        if (a == 2) handler.reviseOffer(id, z);
        if (a == 3 && x < 64) handler.closeOffer(id);
        if (a == 4 || a == 15) handler.postRequest(x, y, x, z, uint16(seed >> 104), uint16(seed >> 120), x % 2 == 0);
        if (a == 5) handler.cancel(id);
        if (a == 6) handler.reclaim(id);
        if (a == 7 || a == 16) handler.certify(seed >> 8, x % 3 == 0);
        if (a == 8) handler.certifyAnother(seed);
        if (a == 9 || a == 17) handler.postChunk();
        if (a == 10 || a == 34) handler.closeLease(id, x);
        if (a == 11 || a >= 38) handler.settleLease(id);
        if (a == 12) handler.withdraw(x, y);
        if (a == 26 || a == 33 || a == 37) handler.extend(id, z);
        if (a == 27) handler.down(id, x);
        if (a == 28 || a == 35) handler.settleHealth(x);
        if (a == 29) handler.rewardSettler(x % 8);
        if (a == 30 && y < 64) handler.forfeit(x, z);
        if (a == 31) handler.retireOffer(id);
        if (a == 32) handler.releaseDeposit(x, y);
        if (a == 18 || a == 19) handler.propose(seed >> 8, x % 3 == 0);
        if (a == 20) handler.confirm();
        if (a == 21) handler.refute(x, y);
        if (a == 22) handler.annul(id);
        if (a == 23) handler.collectDebt(x);
        if (a == 24) handler.noteEnds();
        if (a == 25 || a == 36) handler.pass(x);
    }

    /// @dev The handler is worth its name: in one long walk all kinds of ends are reached.
    function test_theHandlerReachesEveryEnd() external {
        uint256 leases;
        uint256 reclaimed;
        uint256 paid;
        uint256 annulled;
        uint256 bonds;
        uint256[5] memory turns;
        for (uint256 walk; walk < 3; ++walk) {
            if (walk != 0) {
                handler = new MoneyHandler();
                handler.setUp();
            }
            for (uint256 i; i < 800; ++i) {
                _act(uint256(keccak256(abi.encode(walk, i))));
            }
            this.invariant_theEscrowHoldsWhatItOwes();
            this.invariant_whatCameInIsHeldOrWentOut();
            this.invariant_aLeaseCostsItsServedSeconds();
            this.invariant_usedIsWhatLeasesTakeAndWithinCapacity();
            this.invariant_endsAndVoidsStay();
            this.invariant_bondsOfProposalsAreHeld();
            handler.finish();
            this.invariant_whatCameInIsHeldOrWentOut();
            this.invariant_aLeaseCostsItsServedSeconds();
            (, uint256 dollars) = handler.owedAndHeld(0);
            (uint256 owed, uint256 others) = handler.owedAndHeld(1);
            assertEq(dollars, handler.pot(), "only the pot is left");
            assertEq(owed + others, 0, "nothing is left");
            (, uint64 requests) = handler.counts();
            for (uint64 id = 1; id <= requests; ++id) {
                assertTrue(handler.isEmpty(id), "all requests' money has left");
                if (handler.roundOfLease(id) != 0) {
                    ++leases;
                    if (handler.isEmpty(id) && !handler.annulled(id)) ++paid;
                }
                if (handler.reclaimed(id)) ++reclaimed;
                if (handler.annulled(id)) ++annulled;
            }
            for (uint64 n; n <= handler.lastRound(); ++n) {
                if (handler.isBonded(n)) ++bonds;
            }
            turns[0] += handler.extensions();
            turns[1] += handler.downLeases();
            turns[2] += handler.parts();
            turns[3] += handler.forfeits();
            turns[4] += handler.releases();
        }
        emit log_named_uint("leases", leases);
        emit log_named_uint("paid", paid);
        emit log_named_uint("reclaimed", reclaimed);
        emit log_named_uint("annulled", annulled);
        emit log_named_uint("bonds", bonds);
        emit log_named_uint("refuted", handler.refuted());
        emit log_named_uint("extensions", turns[0]);
        emit log_named_uint("leases with downtime paid", turns[1]);
        emit log_named_uint("paid in part", turns[2]);
        emit log_named_uint("forfeits", turns[3]);
        emit log_named_uint("deposits given back", turns[4]);
        assertTrue(leases > 5 && paid > 2 && reclaimed > 2 && handler.refuted() != 0, "all ends");
        assertTrue(annulled != 0 && bonds != 0, "all new ends");
        for (uint256 i; i < turns.length; ++i) {
            assertTrue(turns[i] != 0, "all turns");
        }
    }
}
