//! Views for tests: one that passes, and strategies that make others of it.
#![allow(dead_code, reason = "each test file uses its own part")]

use proptest::collection::vec;
use proptest::prelude::*;
use quorate_canon::{Address, ChainId, HealthEpoch, OfferId, OperatorIndex, Timestamp};
use quorate_health::{
    Answer, Checks, Ecc, Environment, Expected, GpuRecord, GpuUuid, HealthPolicy, LeaseState, Link,
    Maintenance, Network, Nonce, Previous, ProbeView, Question, Release, Remap, Report, Signals,
    Subject, Window, XidEvent,
};

/// The operator's clock in all views.
pub(crate) const NOW: u64 = 1_800_000_000;
/// The offer's model.
pub(crate) const MODEL: u8 = 51;

pub(crate) fn uuid(number: u8) -> GpuUuid {
    GpuUuid([number; 16])
}

pub(crate) fn network() -> Network {
    Network {
        l1_chain: ChainId::new(1),
        l2_chain: ChainId::new(42_161),
        rounds: Address([1; 20]),
        avs: Address([2; 20]),
        operator_set: 3,
    }
}

pub(crate) fn question() -> Question {
    Question {
        subject: Subject::Machine(OfferId::new(77)),
        operator: OperatorIndex::new(5),
        epoch: HealthEpoch::new(900),
        window: Window(12),
        nonce: Nonce([6; 16]),
        lease: LeaseState::Free,
        checks: Checks::REPORT,
    }
}

/// A card with nothing wrong.
pub(crate) fn card(number: u8) -> GpuRecord {
    GpuRecord {
        uuid: uuid(number),
        signals: Signals::ALL,
        celsius: 50,
        slowdown: 89,
        shutdown: 92,
        model: MODEL,
        memory_mib: 81_559,
        link: Link {
            width: 16,
            max_width: 16,
            generation: 1,
            max_generation: 5,
        },
        ..GpuRecord::default()
    }
}

pub(crate) fn report(gpus: Vec<GpuRecord>) -> Report {
    let question = question();
    Report {
        subject: question.subject,
        operator: question.operator,
        epoch: question.epoch,
        window: question.window,
        nonce: question.nonce,
        lease: question.lease,
        checks: question.checks,
        time: Timestamp::new(NOW),
        listening_since: Timestamp::new(NOW - 1_000_000),
        agent: Release::default(),
        driver: Release {
            major: 550,
            minor: 54,
            patch: 15,
        },
        simulated: false,
        gpus,
    }
}

/// A free machine of two cards that passes.
pub(crate) fn view() -> ProbeView {
    ProbeView {
        question: question(),
        expected: Expected {
            cards: vec![uuid(1), uuid(2)],
            model: MODEL,
            vram_mib: 81_920,
        },
        lease_after: LeaseState::Free,
        maintenance: None,
        environment: Environment::SOUND,
        answer: Answer::Report(Box::new(report(vec![card(1), card(2)]))),
        previous: None,
        now: Timestamp::new(NOW),
    }
}

/// The same with one card changed.
pub(crate) fn with_card(change: impl FnOnce(&mut GpuRecord)) -> ProbeView {
    let mut broken = card(1);
    change(&mut broken);
    ProbeView {
        answer: Answer::Report(Box::new(report(vec![broken, card(2)]))),
        ..view()
    }
}

pub(crate) fn signals() -> impl Strategy<Value = Signals> {
    (0..=Signals::ALL.bits()).prop_map(|bits| {
        // Mostly all: a card without signals has little to judge.
        if bits % 3 == 0 {
            Signals::from_bits(bits).unwrap()
        } else {
            Signals::ALL
        }
    })
}

pub(crate) fn xid() -> impl Strategy<Value = XidEvent> {
    (
        prop_oneof![Just(79_u16), Just(48), Just(31), Just(63), 0_u16..300],
        prop_oneof![0_u32..1_500, any::<u32>()],
        any::<bool>(),
    )
        .prop_map(|(xid, seconds_ago, with_process)| XidEvent {
            xid,
            seconds_ago,
            with_process,
        })
}

fn memory() -> impl Strategy<Value = (u32, u64, Ecc, Ecc, Remap)> {
    let ecc = || {
        (0_u64..200_000, 0_u64..12).prop_map(|(corrected, uncorrected)| Ecc {
            corrected,
            uncorrected,
        })
    };
    let remap = (any::<(u8, u8)>(), any::<(bool, bool)>()).prop_map(|(rows, flags)| Remap {
        correctable: rows.0.into(),
        uncorrectable: rows.1.into(),
        pending: flags.0,
        failure: flags.1 && rows.0 > 200,
    });
    (
        prop_oneof![Just(81_559_u32), 70_000_u32..82_000],
        prop_oneof![Just(0_u64), 0_u64..(4 << 30)],
        ecc(),
        ecc(),
        remap,
    )
}

fn bus() -> impl Strategy<Value = (Link, u32, u64)> {
    let link =
        (0_u8..=16, 0_u8..=16, 0_u8..8, 0_u8..8).prop_map(|(width, max, now, highest)| Link {
            width,
            max_width: max,
            generation: now,
            max_generation: highest,
        });
    let link = prop_oneof![Just(card(0).link), link];
    let throttle = prop_oneof![Just(0_u64), Just(1), Just(4), Just(0x40), any::<u64>()];
    (link, 0_u32..100_000, throttle)
}

/// What is usual, and now and then something else.
fn seldom<T: Clone + std::fmt::Debug + 'static>(
    usual: T,
    other: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<T> {
    prop_oneof![6 => Just(usual), 1 => other].boxed()
}

/// A card in any state; well about as often as not.
pub(crate) fn any_card(number: u8) -> BoxedStrategy<GpuRecord> {
    let well = card(number);
    let state = (signals(), 0_u8..10, 0_u8..10, 30_u8..100, 0_u8..95);
    let state = seldom((Signals::ALL, 1, 1, well.celsius, well.slowdown), state);
    let errors = (well.volatile, well.aggregate, well.remap);
    let memory = seldom(
        (well.memory_mib, 0_u64, errors.0, errors.1, errors.2),
        memory(),
    );
    let bus = seldom((well.link, 0_u32, 1_u64), bus());
    let work = seldom((Vec::new(), 0_u16), (vec(xid(), 0..5), 0_u16..3));
    (state, memory, bus, work)
        .prop_map(move |(state, memory, bus, (xids, processes))| {
            let (signals, lost, reset, celsius, slowdown) = state;
            GpuRecord {
                signals,
                lost: lost == 0,
                needs_reset: reset == 0,
                celsius,
                slowdown,
                memory_mib: memory.0,
                held: memory.1,
                volatile: memory.2,
                aggregate: memory.3,
                remap: memory.4,
                link: bus.0,
                replays: bus.1,
                throttle: bus.2,
                processes,
                xids,
                ..card(number)
            }
            .bounded()
        })
        .boxed()
}

/// A report of a machine of two cards: some of them, in any state, and now and then a third.
pub(crate) fn any_report() -> BoxedStrategy<Report> {
    let third = prop_oneof![4 => Just(None), 1 => any_card(3).prop_map(Some)];
    let first = prop_oneof![5 => any_card(1).prop_map(Some), 1 => Just(None)];
    (first, any_card(2), third, 0_u8..10, 0_u8..10)
        .prop_map(|(first, second, third, simulated, nonce)| {
            let gpus = [first, Some(second), third].into_iter().flatten();
            let mut report = report(gpus.collect());
            report.simulated = simulated == 0;
            if nonce == 0 {
                report.nonce = Nonce([7; 16]);
            }
            report
        })
        .boxed()
}

pub(crate) fn any_answer() -> BoxedStrategy<Answer> {
    prop_oneof![
        1 => Just(Answer::Silence),
        1 => Just(Answer::Unreadable),
        8 => any_report().prop_map(|report| Answer::Report(Box::new(report))),
    ]
    .boxed()
}

pub(crate) fn any_lease() -> impl Strategy<Value = LeaseState> {
    let time = (NOW - 1_000..NOW + 10).prop_map(Timestamp::new);
    prop_oneof![
        Just(LeaseState::Free),
        time.clone().prop_map(LeaseState::LeasedSince),
        time.prop_map(LeaseState::EndedAt),
    ]
}

pub(crate) fn any_maintenance() -> impl Strategy<Value = Option<Maintenance>> {
    let planned = (
        0_u64..400_000,
        -20_000_i64..20_000,
        1_u64..40_000,
        0_u32..40_000,
    )
        .prop_map(|(notice, from, length, used_seconds)| {
            let from = NOW.checked_add_signed(from).unwrap();
            Maintenance {
                announced: Timestamp::new(from - notice),
                from: Timestamp::new(from),
                until: Timestamp::new(from + length),
                used_seconds,
            }
        });
    prop_oneof![3 => Just(None), 1 => planned.prop_map(Some)]
}

pub(crate) fn any_environment() -> impl Strategy<Value = Environment> {
    let works = || prop_oneof![9 => Just(true), 1 => Just(false)];
    (works(), works(), works(), works()).prop_map(|(network, relay, chain, beacon)| Environment {
        network,
        relay,
        chain,
        beacon,
    })
}

/// A view in which anything may be the case.
pub(crate) fn any_view() -> impl Strategy<Value = ProbeView> {
    let previous = (any_report(), 0_u64..10_000).prop_map(|(report, ago)| Previous {
        report: Box::new(report),
        answered: Timestamp::new(NOW - ago),
    });
    (
        (any_lease(), any_lease()),
        any_maintenance(),
        any_environment(),
        any_answer(),
        proptest::option::of(previous),
    )
        .prop_map(|(states, maintenance, environment, answer, previous)| {
            let view = ProbeView {
                maintenance,
                environment,
                answer,
                previous,
                ..view()
            };
            leases(view, states.0, states.1)
        })
}

/// The view with these leases on chain when it was asked and when it was answered; a report repeats what
/// it was asked with.
pub(crate) fn leases(mut view: ProbeView, before: LeaseState, after: LeaseState) -> ProbeView {
    view.question.lease = before;
    view.lease_after = after;
    if let Answer::Report(report) = &mut view.answer {
        report.lease = before;
    }
    view
}

/// Policies that differ where verdicts do.
pub(crate) fn any_policy() -> impl Strategy<Value = HealthPolicy> {
    (
        any::<(bool, bool)>(),
        0_u8..100,
        0_u8..10,
        (0_u16..200, 0_u32..20, 0_u32..500_000),
        seldom(HealthPolicy::recommended().required, signals()),
    )
        .prop_map(
            |(flags, max_celsius, heat_margin, limits, required)| HealthPolicy {
                simulated_allowed: flags.0,
                pending_fails: flags.1,
                max_celsius: if max_celsius > 60 { max_celsius } else { 0 },
                heat_margin,
                replays: limits.0,
                uncorrected_max: limits.1,
                corrected_per_hour: limits.2,
                required: if required == Signals::ALL {
                    HealthPolicy::recommended().required
                } else {
                    required
                },
                ..HealthPolicy::recommended()
            },
        )
}
