// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../../src/interfaces/IMarket.sol";
import {Charges} from "../../src/lib/Charges.sol";
import {Base} from "../Base.t.sol";

/// @notice What requests lock and leases cost, for any terms.
contract ChargesTest is Base {
    function _terms(uint256 seed) private pure returns (IMarket.LeaseMoney memory m) {
        m.gpus = uint8(bound(seed, 1, 255));
        m.budget = uint64(bound(seed >> 8, 1, type(uint64).max));
        m.ask = uint64(bound(seed >> 72, 1, m.budget));
        m.term = uint32(bound(seed >> 136, 1, type(uint32).max));
        m.extra = uint32(seed >> 168);
        m.start = 1_000;
        m.until = m.start + uint64(bound(seed >> 200, 0, uint256(m.term) + m.extra));
        m.reason = uint8(bound(seed >> 250, 1, 4));
        m.ended = true;
    }

    /// @dev A lease within its budget is never cut short: the lock covers its whole time.
    function testFuzz_theLockCoversTheWholeTime(uint256 seed) external pure {
        IMarket.LeaseMoney memory m = _terms(seed);
        uint256 seconds_ = uint256(m.term) + m.extra;
        uint256 raw = m.gpus * uint256(m.ask) * seconds_ / 3_600;
        assertEq(Charges.earnedOf(m, seconds_), raw, "earned");
        assertLe(raw, Charges.lockedOf(m), "locked");
    }

    function testFuzz_noLeaseCostsMoreThanItsLock(uint256 seed, uint64 ask, uint64 least, uint40 paid) external pure {
        IMarket.LeaseMoney memory m = _terms(seed);
        m.ask = ask; // whatever was paired
        assertLe(Charges.earnedOf(m, paid), Charges.lockedOf(m), "earned");
        assertLe(Charges.totalOf(m, paid, least), Charges.lockedOf(m), "total");
    }

    /// @dev Every second more is paid at least as much, and no second is paid more than the ask, rounded up.
    function testFuzz_everySecondCostsTheAskAtMost(uint256 seed, uint32 at_) external pure {
        IMarket.LeaseMoney memory m = _terms(seed);
        uint256 paid = bound(at_, 0, uint256(m.term) + m.extra - 1);
        (uint256 before, uint256 after_) = (Charges.earnedOf(m, paid), Charges.earnedOf(m, paid + 1));
        assertLe(before, after_, "monotone");
        assertLe(after_ - before, (m.gpus * uint256(m.ask) + 3_599) / 3_600, "a second");
    }

    /// @dev Only who leaves a machine that served every second pays the least charge.
    function testFuzz_theLeastChargeIsATenantsWhoLeft(uint256 seed, uint64 least, uint32 down) external pure {
        IMarket.LeaseMoney memory m = _terms(seed);
        uint256 span = m.until - m.start;
        uint256 paid = span - bound(down, 0, span);
        uint256 expected = Charges.earnedOf(m, paid);
        if (m.reason == 1 && paid == span && expected < least) {
            expected = least < Charges.lockedOf(m) ? least : Charges.lockedOf(m);
        }
        assertEq(Charges.totalOf(m, paid, least), expected, "total");
    }

    /// @dev What can still come never grows while seconds become known: what went back was too much for nobody.
    function testFuzz_whatALeaseCanCostOnlyFalls(uint256 seed, uint64 least, uint32 known, uint32 down) external pure {
        IMarket.LeaseMoney memory m = _terms(seed);
        uint256 span = m.until - m.start;
        uint256 most = Charges.totalOf(m, span, least);
        uint256 walked = bound(known, 0, span);
        uint256 paid = walked - bound(down, 0, walked);
        uint256 next = Charges.totalOf(m, paid + span - walked, least);
        assertLe(next, most, "falls");
        assertLe(Charges.earnedOf(m, paid), next, "and covers what was paid");
    }
}
