//! When things happen, drawn.

use quorate_canon::Timestamp;
use quorate_health::{HealthPolicy, Maintenance};

use super::dice::Dice;
use super::spans::{END, HOUR, LEAD, MINUTE, Ms, SECOND, Spans};
use super::story::BASE;

/// The most seats that are at most a third.
pub(super) fn third(policy: &HealthPolicy) -> usize {
    usize::from(policy.seats / 3)
}

/// One stretch of at least `least` and up to six hours; half of them shorter than half an hour.
pub(super) fn outage(dice: &mut Dice, least: Ms) -> Spans {
    let most = if dice.happens(5_000) {
        6 * HOUR
    } else {
        30 * MINUTE
    };
    let length = dice.between(least, most.max(least + 1));
    let from = dice.between(LEAD, END);
    Spans::one(from, from + length)
}

/// Up and down all day, the same time each way.
pub(super) fn flapping(dice: &mut Dice) -> Spans {
    let minutes = [1, 2, 3, 6, 12, 13, 20, 30, 60, 120];
    let half = if dice.happens(1_000) {
        20 * SECOND
    } else {
        dice.one_of(&minutes) * MINUTE
    };
    let mut spans = Spans::none();
    let mut at = dice.between(LEAD, LEAD + 2 * half);
    while at < END {
        spans.push(at, at + half);
        at += 2 * half;
    }
    spans
}

/// A silence shorter than a slice of the window, a few times a day.
pub(super) fn restarts(dice: &mut Dice) -> Spans {
    let mut spans = Spans::none();
    let mut at = dice.between(LEAD, LEAD + 2 * HOUR);
    while at < END {
        let until = at + dice.between(5 * SECOND, 90 * SECOND);
        spans.push(at, until);
        at = until + dice.between(10 * MINUTE, 4 * HOUR);
    }
    spans
}

/// A lease after the other, minutes each, with pauses: as many beginnings in mid-check as a day holds.
pub(super) fn busy(dice: &mut Dice) -> Spans {
    let mut spans = Spans::none();
    let mut at = dice.between(0, HOUR);
    while at < END {
        // Blocks have whole seconds.
        let from = at / SECOND * SECOND;
        let until = from + dice.between(10, 900) * SECOND;
        spans.push(from, until);
        at = until + dice.between(2, 900) * SECOND;
    }
    spans
}

pub(super) fn planned(from: u64, seconds: u64, notice: u64, used: u64) -> Maintenance {
    Maintenance {
        announced: Timestamp::new(BASE + from - notice),
        from: Timestamp::new(BASE + from),
        until: Timestamp::new(BASE + from + seconds),
        used_seconds: u32::try_from(used).unwrap_or(u32::MAX),
    }
}
