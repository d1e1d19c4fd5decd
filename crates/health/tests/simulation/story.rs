//! What happens to one machine in one epoch, and what would be right to say about it.

use quorate_health::{HealthPolicy, Maintenance};

use super::Fault;
use super::ailment::{Ailment, WRONG_REPORTS};
use super::dice::Dice;
use super::draw::{busy, flapping, outage, planned, restarts, third};
use super::spans::{END, HOUR, LEAD, MINUTE, Ms, SECOND, Spans};

/// Unix time of the moment 0.
pub(super) const BASE: u64 = 1_800_000_000;
/// How far operators' clocks are off, at most.
const SKEW: Ms = SECOND;
/// A machine in maintenance goes after its beginning and is back before its end, by more than any
/// clock is off and any deadline lasts.
const MARGIN: Ms = 30 * SECOND;
/// Two reports of one machine to one operator lie at most this far apart while it passes.
const BETWEEN_REPORTS: Ms = 8 * MINUTE;

/// How some of the seats lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lie {
    /// DOWN in every window.
    Accuses,
    /// Nothing, whatever they see.
    Shields,
}

/// One machine's epoch.
#[derive(Debug, Clone)]
pub(super) struct Story {
    /// How an answer looks in `ailing`.
    pub(super) ailment: Ailment,
    /// Where answers look like that.
    pub(super) ailing: Spans,
    /// Where a FAIL is due, and nothing else.
    pub(super) out: Spans,
    /// Where a FAIL is right and a PASS too: counters tell of the time between two reports.
    pub(super) blurred: Spans,
    /// Where windows may be DOWN; holds all of `out`.
    pub(super) may_be_down: Spans,
    pub(super) leases: Spans,
    pub(super) maintenance: Option<Maintenance>,
    /// Probes lost, of 10 000.
    pub(super) lost: u64,
    /// From question to answer, at least and below.
    pub(super) latency: (Ms, Ms),
    /// Where some operators are cut off from their network.
    pub(super) cut: Spans,
    /// How many seats that concerns, at most.
    pub(super) cut_seats: usize,
    /// How far clocks are off, at most.
    pub(super) skew: Ms,
    pub(super) lie: Option<Lie>,
}

impl Story {
    /// Nothing happens.
    fn quiet(dice: &mut Dice) -> Self {
        let leased = dice.happens(5_000);
        Self {
            ailment: Ailment::Silence,
            ailing: Spans::none(),
            out: Spans::none(),
            blurred: Spans::none(),
            may_be_down: Spans::none(),
            leases: if leased {
                Spans::one(0, END + HOUR)
            } else {
                Spans::none()
            },
            maintenance: None,
            lost: 0,
            latency: (20, 2_000),
            cut: Spans::none(),
            cut_seats: 0,
            skew: SKEW,
            lie: None,
        }
    }

    /// The machine is as ill as that in these stretches, and a FAIL is due in them.
    fn ill(self, ailment: Ailment, out: Spans) -> Self {
        Self {
            ailment,
            ailing: out.clone(),
            out: out.clone(),
            may_be_down: out,
            ..self
        }
    }

    /// What a fault brings about, drawn.
    pub(super) fn of(fault: Fault, dice: &mut Dice, policy: &HealthPolicy) -> Self {
        let quiet = Self::quiet(dice);
        match fault {
            Fault::Steady => quiet,
            Fault::KilledInLease => Self {
                leases: Spans::one(0, END + HOUR),
                ..quiet.ill(Ailment::Silence, outage(dice, 10 * SECOND))
            },
            Fault::RentedInMidCheck => Self {
                leases: busy(dice),
                ..quiet
            },
            Fault::DiesLater => {
                let at = dice.between(LEAD + HOUR, END);
                quiet.ill(Ailment::Silence, Spans::one(at, END + HOUR))
            }
            Fault::OperatorsCutOff => Self {
                cut: outage(dice, 20 * SECOND),
                cut_seats: 1 + dice.below(policy.seats.into()),
                ..quiet
            },
            Fault::DownAndOperatorsCutOff => Self {
                cut: outage(dice, 20 * SECOND),
                cut_seats: third(policy),
                ..quiet.ill(Ailment::Silence, outage(dice, 20 * MINUTE))
            },
            Fault::Flapping => quiet.ill(Ailment::Silence, flapping(dice)),
            Fault::Maintenance => quiet.maintained(dice, policy),
            Fault::MaintenanceOverrun => quiet.overrun(dice, policy),
            Fault::AgentRestarted => quiet.ill(Ailment::Silence, restarts(dice)),
            Fault::OtherProbesReports => {
                let wrong = dice.one_of(&WRONG_REPORTS);
                quiet.ill(wrong, outage(dice, 10 * SECOND))
            }
            Fault::LateAnswers => quiet.ill(Ailment::Late, outage(dice, 10 * SECOND)),
            Fault::SlowAnswers => Self {
                latency: (2_000, u64::from(policy.deadline_ms)),
                ..quiet
            },
            Fault::ApplicationXid => {
                let xid = dice.one_of(&[8, 13, 31, 43, 45, 68, 69, 80, 109, 63, 94, 154, 300]);
                Self {
                    ailment: Ailment::Xid(xid),
                    ailing: outage(dice, HOUR),
                    ..quiet
                }
            }
            Fault::HardwareXid => quiet.struck(dice, policy),
            Fault::MemoryErrors => {
                let kind = [
                    Ailment::Uncorrected,
                    Ailment::RemapFailure,
                    Ailment::NeedsReset,
                ];
                let kind = dice.one_of(&kind);
                quiet.ill(kind, outage(dice, 10 * SECOND))
            }
            Fault::StormOfErrors => quiet.storm(dice),
            Fault::HotOrThrottled => {
                let kind = [
                    Ailment::Hot,
                    Ailment::Throttled(0x40),
                    Ailment::Throttled(0x80),
                ];
                let kind = dice.one_of(&kind);
                quiet.ill(kind, outage(dice, 10 * SECOND))
            }
            Fault::CardGone => {
                let kind = [
                    Ailment::LostCard,
                    Ailment::MissingCard,
                    Ailment::OtherCard,
                    Ailment::Simulated,
                ];
                let kind = dice.one_of(&kind);
                quiet.ill(kind, outage(dice, 10 * SECOND))
            }
            Fault::HeldWithoutLease => Self {
                leases: Spans::none(),
                ..quiet.ill(Ailment::Held, outage(dice, 10 * SECOND))
            },
            Fault::LostPackets => Self {
                lost: dice.between(10, 201),
                ..quiet
            },
            Fault::ClocksOff => Self {
                skew: 5 * SECOND,
                ..quiet.ill(Ailment::Silence, outage(dice, 10 * SECOND))
            },
            Fault::ThirdOfSeatsAccuses => Self {
                lie: Some(Lie::Accuses),
                ..quiet
            },
            Fault::ThirdOfSeatsShields => Self {
                lie: Some(Lie::Shields),
                ..quiet.ill(Ailment::Silence, outage(dice, 10 * SECOND))
            },
        }
    }

    /// Away within a maintenance that is in force to its end.
    fn maintained(self, dice: &mut Dice, policy: &HealthPolicy) -> Self {
        let cap = u64::from(policy.maintenance_cap);
        let used = dice.between(0, cap / 2);
        let seconds = dice.between(300, cap - used + 1);
        let from = dice.between(LEAD / SECOND, END / SECOND - 300);
        let notice = u64::from(policy.maintenance_notice) + dice.between(0, 86_400);
        let planned = planned(from, seconds, notice, used);
        Self {
            ailing: Spans::one(from * SECOND + MARGIN, (from + seconds) * SECOND - MARGIN),
            maintenance: Some(planned),
            ..self
        }
    }

    /// Announced too late, longer than the cap, or not over when it should be.
    fn overrun(self, dice: &mut Dice, policy: &HealthPolicy) -> Self {
        let cap = u64::from(policy.maintenance_cap);
        let from = dice.between(LEAD / SECOND, LEAD / SECOND + 4 * 3_600);
        let notice = u64::from(policy.maintenance_notice);
        let (seconds, notice, used, excused) = match dice.between(0, 3) {
            0 => {
                let late = dice.between(1, notice);
                (dice.between(600, cap), notice - late, 0, 0)
            }
            1 => {
                let used = dice.between(1, cap);
                (cap, notice, used, cap - used)
            }
            _ => {
                let seconds = dice.between(600, cap);
                (seconds, notice, 0, seconds)
            }
        };
        let gone = from * SECOND + MARGIN;
        let back = (from + seconds) * SECOND + dice.between(MINUTE, 3 * HOUR);
        // By clocks that are slow the excuse ends later; all are past it from here on.
        let due = if excused == 0 {
            gone
        } else {
            (from + excused + 1) * SECOND + self.skew
        };
        let may = if excused == 0 {
            gone
        } else {
            (from + excused) * SECOND - self.skew
        };
        let from_then = |from: Ms| Spans::one(from.max(gone), back);
        Self {
            ailing: Spans::one(gone, back),
            out: from_then(due),
            blurred: Spans::one(may.min(due), due + 1),
            may_be_down: from_then(may),
            maintenance: Some(planned(from, seconds, notice, used)),
            ..self
        }
    }

    /// An event that counts against the hardware for the policy's horizon, beside a flood that does not.
    fn struck(self, dice: &mut Dice, policy: &HealthPolicy) -> Self {
        let xid = dice.one_of(&[
            46, 48, 54, 62, 64, 79, 95, 110, 119, 120, 136, 140, 143, 158, 167,
        ]);
        let horizon = Ms::from(policy.xid_horizon) * SECOND;
        let (mut ailing, mut out, mut blurred) = (Spans::none(), Spans::none(), Spans::none());
        let mut at = dice.between(LEAD, LEAD + 4 * HOUR);
        while at + horizon < END {
            ailing.push(at, at + 2 * horizon);
            out.push(at, at + horizon);
            // Reports tell whole seconds.
            blurred.push(at + horizon, at + horizon + 2 * SECOND);
            at += 2 * horizon + dice.between(MINUTE, 6 * HOUR);
        }
        Self {
            ailment: Ailment::Xid(xid),
            ailing,
            may_be_down: out.clone(),
            out,
            blurred,
            ..self
        }
    }

    /// A counter that rises far faster than is allowed. It shows in the difference of two reports: at
    /// first of one before and one after the beginning, at last the other way round.
    fn storm(self, dice: &mut Dice) -> Self {
        let from = dice.between(LEAD + HOUR, LEAD + 8 * HOUR);
        let until = from + dice.between(2 * BETWEEN_REPORTS, 6 * HOUR);
        let mut blurred = Spans::one(from, from + BETWEEN_REPORTS);
        blurred.push(until, until + BETWEEN_REPORTS);
        Self {
            ailment: dice.one_of(&[Ailment::Corrected, Ailment::Replays]),
            ailing: Spans::one(from, until),
            out: Spans::one(from + BETWEEN_REPORTS, until),
            blurred,
            may_be_down: Spans::one(from, until),
            ..self
        }
    }
}
