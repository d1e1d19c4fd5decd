//! What a machine answers.

use quorate_canon::{Bps, OfferId, OperatorIndex, Timestamp};
use quorate_health::{
    Answer, Ecc, Expected, GpuRecord, GpuUuid, LeaseState, Link, Nonce, Question, Release, Report,
    Signals, Subject, Window, XidEvent,
};

use super::ailment::Ailment;
use super::spans::{HOUR, MINUTE, Ms, SECOND};
use super::story::{BASE, Story};

/// The offer's model.
const MODEL: u8 = 51;
const VRAM_MIB: u32 = 81_920;
/// A healthy card's corrected memory errors, an hour, and PCIe replays, a minute: much, and allowed.
const CORRECTED: u64 = 1_000;
const REPLAYS: u64 = 15;
/// The same in a storm: ten times what is allowed. A rate is taken over at least a minute, so that a
/// storm just above the limit may pass where two probes come within seconds of each other.
const STORM_CORRECTED: u64 = 1_000_000;
const STORM_REPLAYS: u64 = 3_200;
/// How long after a lease's block its work holds the cards, at the earliest, and how long after its
/// end it may still do so.
const MOVING_IN: Ms = 2 * SECOND;
const MOVING_OUT: Ms = 280 * SECOND;

pub(super) fn expected() -> Expected {
    Expected {
        cards: vec![GpuUuid([1; 16]), GpuUuid([2; 16])],
        model: MODEL,
        vram_mib: VRAM_MIB,
    }
}

/// A report to be filled in.
pub(super) fn blank(question: &Question) -> Report {
    Report {
        subject: question.subject,
        operator: question.operator,
        epoch: question.epoch,
        window: question.window,
        nonce: question.nonce,
        lease: question.lease,
        checks: question.checks,
        time: Timestamp::new(0),
        listening_since: Timestamp::new(0),
        agent: Release::default(),
        driver: Release::default(),
        simulated: false,
        gpus: Vec::new(),
    }
}

/// Unix seconds of a moment.
pub(super) fn unix(at: Ms) -> Timestamp {
    Timestamp::new(BASE + at / SECOND)
}

impl Story {
    /// The machine's leases as a block of that moment has them.
    pub(super) fn lease(&self, at: Ms) -> LeaseState {
        match (self.leases.at(at), self.leases.before(at)) {
            (Some(lease), _) => LeaseState::LeasedSince(unix(lease.from)),
            (None, Some(last)) => LeaseState::EndedAt(unix(last.until)),
            (None, None) => LeaseState::Free,
        }
    }

    /// What the machine answers to a question that came at `sent`, if it answers at `at`. `scratch` is a
    /// report whose memory may be used; the answer's report takes its place.
    pub(super) fn answer(
        &self,
        question: &Question,
        sent: Ms,
        at: Ms,
        mut scratch: Box<Report>,
    ) -> Answer {
        let ailing = self.ailing.has(at);
        match self.ailment {
            // Gone at either end: there is nobody to ask, or nobody left to answer.
            Ailment::Silence if ailing || self.ailing.has(sent) => return Answer::Silence,
            Ailment::Forged if ailing => return Answer::Unreadable,
            _ => {}
        }
        let Report { gpus, .. } = scratch.as_mut();
        gpus.clear();
        gpus.extend([1, 2].map(|number| self.card(number, at)));
        *scratch = Report {
            time: unix(at),
            gpus: std::mem::take(gpus),
            ..blank(question)
        };
        if ailing {
            self.ail(&mut scratch, at);
        }
        Answer::Report(scratch)
    }

    /// A card as it is where nothing ails but what counts up.
    fn card(&self, number: u8, at: Ms) -> GpuRecord {
        let storm = self.ailing.overlap(0, at);
        let counted = |usual: u64, rate: u64, is: Ailment, per: Ms| {
            let more = if self.ailment == is { rate * storm } else { 0 };
            (usual * at + more) / per
        };
        let held = self.holds_the_cards(at);
        GpuRecord {
            uuid: GpuUuid([number; 16]),
            signals: Signals::ALL,
            celsius: 40 + u8::try_from(at / MINUTE % 49).unwrap_or(0),
            slowdown: 89,
            shutdown: 92,
            model: MODEL,
            memory_mib: VRAM_MIB - 300,
            held: if held { 70 << 30 } else { 400 << 20 },
            processes: held.into(),
            link: Link {
                width: 16,
                max_width: 16,
                generation: 1,
                max_generation: 5,
            },
            replays: u32::try_from(counted(REPLAYS, STORM_REPLAYS, Ailment::Replays, MINUTE))
                .unwrap_or(u32::MAX),
            volatile: Ecc {
                corrected: counted(CORRECTED, STORM_CORRECTED, Ailment::Corrected, HOUR),
                uncorrected: 8,
            },
            // At its software's limit of power, as a card at work is.
            throttle: 4,
            xids: self.events(at),
            ..GpuRecord::default()
        }
        .bounded()
    }

    fn holds_the_cards(&self, at: Ms) -> bool {
        let works = self
            .leases
            .at(at)
            .is_some_and(|lease| lease.from + MOVING_IN <= at);
        let leaves = self
            .leases
            .before(at)
            .is_some_and(|last| at < last.until + MOVING_OUT);
        works || leaves
    }

    /// The newest event, and a flood of events that any program can cause.
    fn events(&self, at: Ms) -> Vec<XidEvent> {
        let Ailment::Xid(xid) = self.ailment else {
            return Vec::new();
        };
        let Some(span) = self.ailing.at(at).or_else(|| self.ailing.before(at)) else {
            return Vec::new();
        };
        let event = |xid, seconds_ago| XidEvent {
            xid,
            seconds_ago: u32::try_from(seconds_ago).unwrap_or(u32::MAX),
            with_process: true,
        };
        let flood = (0..20).map(|ago| event(31, ago));
        flood
            .chain([event(xid, (at - span.from) / SECOND)])
            .collect()
    }

    /// What is wrong with a report in a stretch that ails.
    fn ail(&self, report: &mut Report, at: Ms) {
        match self.ailment {
            Ailment::Replayed => {
                report.window = Window(report.window.0.wrapping_sub(1));
                report.nonce = Nonce([9; 16]);
            }
            Ailment::WrongNonce => report.nonce.0[0] ^= 1,
            Ailment::WrongWindow => report.window = Window(report.window.0.wrapping_add(1)),
            Ailment::WrongEpoch => report.epoch = quorate_canon::HealthEpoch::new(0),
            Ailment::WrongOperator => {
                report.operator = OperatorIndex::new(report.operator.get().wrapping_add(1));
            }
            Ailment::WrongMachine => report.subject = Subject::Machine(OfferId::new(u64::MAX)),
            Ailment::WrongLease => report.lease = LeaseState::LeasedSince(unix(at)),
            Ailment::Simulated => report.simulated = true,
            Ailment::MissingCard => report.gpus.truncate(1),
            _ => self.ail_card(&mut report.gpus[0]),
        }
    }

    fn ail_card(&self, card: &mut GpuRecord) {
        match self.ailment {
            Ailment::LostCard => card.lost = true,
            Ailment::OtherCard => card.uuid = GpuUuid([0; 16]),
            Ailment::NeedsReset => card.needs_reset = true,
            Ailment::Uncorrected => card.volatile.uncorrected = 9,
            Ailment::RemapFailure => card.remap.failure = true,
            Ailment::Hot => card.celsius = card.slowdown,
            Ailment::Throttled(reasons) => card.throttle |= reasons,
            Ailment::Held => card.processes = 1,
            // These answer otherwise, or count, or list events.
            _ => {}
        }
    }
}

// A share of the memory is enough: 90 %.
const _: () = assert!((VRAM_MIB - 300) as u64 * Bps::ONE.get() as u64 > VRAM_MIB as u64 * 9_000);
