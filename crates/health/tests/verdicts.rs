//! Each reason of the table, at its threshold: just not, and just so.

mod support;

use quorate_canon::{HealthEpoch, OfferId, OperatorIndex, Timestamp};
use quorate_health::{
    Answer, Environment, GpuRecord, HealthPolicy, LeaseState, Maintenance, Nonce, Previous,
    ProbeView, Reason, Report, Signals, Subject, Verdict, Why, Window, XidClass, XidEvent, verdict,
};
use support::{NOW, card, leases, report, uuid, view, with_card};

/// Something that is done to a value.
type Change<T> = fn(&mut T);

fn judge(view: &ProbeView) -> Verdict {
    verdict(view, &HealthPolicy::recommended())
}

/// The code of a FAIL, or 0 for PASS.
fn code(view: &ProbeView) -> u8 {
    match judge(view) {
        Verdict::Fail(reason) => reason.code(),
        Verdict::Pass => 0,
        Verdict::Unknown(why) => panic!("{why}"),
    }
}

fn leased(view: ProbeView) -> ProbeView {
    let lease = LeaseState::LeasedSince(Timestamp::new(NOW - 10_000));
    leases(view, lease, lease)
}

/// Codes when the machine is free and when it is leased.
fn both(change: impl Fn(&mut GpuRecord)) -> (u8, u8) {
    let view = with_card(change);
    (code(&view), code(&leased(view)))
}

fn with_report(change: impl FnOnce(&mut Report)) -> ProbeView {
    let mut report = report(vec![card(1), card(2)]);
    change(&mut report);
    ProbeView {
        answer: Answer::Report(Box::new(report)),
        ..view()
    }
}

#[test]
fn a_machine_with_nothing_wrong_passes() {
    assert_eq!(judge(&view()), Verdict::Pass);
    assert_eq!(judge(&leased(view())), Verdict::Pass);
}

#[test]
fn silence_and_noise_fail_in_a_lease_too() {
    for (answer, expected) in [
        (Answer::Silence, Reason::Silent),
        (Answer::Unreadable, Reason::Unreadable),
    ] {
        let view = ProbeView { answer, ..view() };
        assert_eq!(judge(&view), Verdict::Fail(expected));
        assert_eq!(judge(&leased(view)), Verdict::Fail(expected));
    }
}

#[test]
fn a_report_of_another_probe_fails() {
    let changes: [(&str, Change<Report>); 6] = [
        ("subject", |report| {
            report.subject = Subject::Machine(OfferId::new(1))
        }),
        ("operator", |report| report.operator = OperatorIndex::new(6)),
        ("health epoch", |report| {
            report.epoch = HealthEpoch::new(899)
        }),
        ("window", |report| report.window = Window(11)),
        ("nonce", |report| report.nonce = Nonce([5; 16])),
        ("lease", |report| {
            report.lease = LeaseState::LeasedSince(Timestamp::new(NOW));
        }),
    ];
    for (field, change) in changes {
        assert_eq!(
            judge(&with_report(change)),
            Verdict::Fail(Reason::OtherProbe { field })
        );
    }
}

#[test]
fn simulated_cards_fail_unless_the_policy_allows_them() {
    let view = with_report(|report| report.simulated = true);
    assert_eq!(judge(&view), Verdict::Fail(Reason::Simulated));
    let devnet = HealthPolicy {
        simulated_allowed: true,
        ..HealthPolicy::recommended()
    };
    assert_eq!(verdict(&view, &devnet), Verdict::Pass);
}

#[test]
fn a_card_that_is_missing_or_lost_fails_in_a_lease_too() {
    let missing = with_report(|report| {
        report.gpus.remove(0);
    });
    let lost = Verdict::Fail(Reason::CardLost { card: uuid(1) });
    assert_eq!((judge(&missing), judge(&leased(missing))), (lost, lost));
    assert_eq!(both(|card| card.lost = true), (5, 5));
}

#[test]
fn a_card_that_is_not_registered_fails() {
    let swapped = with_report(|report| {
        report.gpus[1].uuid = uuid(9);
    });
    // The one that is missing comes first in the table.
    assert_eq!(
        judge(&swapped),
        Verdict::Fail(Reason::CardLost { card: uuid(2) })
    );
    let more = with_report(|report| report.gpus.push(card(9)));
    assert_eq!(
        judge(&more),
        Verdict::Fail(Reason::WrongCard { card: uuid(9) })
    );
}

#[test]
fn another_model_fails_and_so_does_one_that_nobody_knows() {
    assert_eq!(both(|card| card.model = 50), (7, 7));
    assert_eq!(both(|card| card.model = 0), (7, 7));
}

#[test]
fn a_required_signal_has_to_be_there() {
    assert_eq!(
        both(|card| card.signals = Signals::ALL.without(Signals::MEMORY)),
        (8, 8)
    );
    assert_eq!(
        both(|card| card.signals = Signals::ALL.without(Signals::REMAP)),
        (0, 0)
    );
}

#[test]
fn a_tenth_less_memory_than_registered_is_too_little() {
    // 90 % of 81 920.
    assert_eq!(both(|card| card.memory_mib = 73_728), (0, 0));
    assert_eq!(both(|card| card.memory_mib = 73_727), (9, 9));
}

fn event(xid: u16, seconds_ago: u32, with_process: bool) -> XidEvent {
    XidEvent {
        xid,
        seconds_ago,
        with_process,
    }
}

#[test]
fn an_xid_of_the_hardware_fails_whoever_held_the_card() {
    for with_process in [false, true] {
        assert_eq!(
            both(|card| card.xids = vec![event(79, 600, with_process)]),
            (10, 10)
        );
        assert_eq!(
            both(|card| card.xids = vec![event(79, 601, with_process)]),
            (0, 0)
        );
    }
    // Behind a newer one that is the application's.
    assert_eq!(
        both(|card| card.xids = vec![event(31, 1, true), event(48, 9, true)]),
        (10, 10)
    );
}

#[test]
fn an_xid_of_the_application_or_of_nobody_is_no_verdict() {
    let policy = HealthPolicy::recommended();
    for (xid, class) in [
        (31, XidClass::Application),
        (63, XidClass::Ignored),
        (200, XidClass::Unlisted),
        (79 + 256, XidClass::Unlisted),
        (999, XidClass::Unlisted),
    ] {
        assert_eq!(policy.class_of(xid), class, "{xid}");
        assert_eq!(
            both(|card| card.xids = vec![event(xid, 0, true)]),
            (0, 0),
            "{xid}"
        );
    }
}

#[test]
fn a_card_that_needs_a_reset_fails() {
    assert_eq!(both(|card| card.needs_reset = true), (11, 11));
}

#[test]
fn a_failed_remapping_fails_and_a_pending_one_by_policy_only() {
    assert_eq!(both(|card| card.remap.failure = true), (12, 12));
    assert_eq!(both(|card| card.remap.pending = true), (0, 0));
    let strict = HealthPolicy {
        pending_fails: true,
        ..HealthPolicy::recommended()
    };
    let pending = with_card(|card| card.remap.pending = true);
    assert_eq!(
        verdict(&pending, &strict),
        Verdict::Fail(Reason::RemapPending { card: uuid(1) })
    );
}

#[test]
fn uncorrected_errors_fail_above_the_policys_number() {
    assert_eq!(both(|card| card.volatile.uncorrected = 8), (0, 0));
    assert_eq!(both(|card| card.volatile.uncorrected = 9), (14, 14));
    // Those of the card's whole life are no verdict: a reset has dealt with them.
    assert_eq!(both(|card| card.aggregate.uncorrected = 900), (0, 0));
}

/// A view with an earlier report, so many seconds before.
fn since(seconds: u64, before: GpuRecord, after: GpuRecord) -> ProbeView {
    ProbeView {
        previous: Some(Previous {
            report: Box::new(report(vec![before, card(2)])),
            answered: Timestamp::new(NOW - seconds),
        }),
        answer: Answer::Report(Box::new(report(vec![after, card(2)]))),
        ..view()
    }
}

fn corrected(seconds: u64, before: u64, after: u64) -> u8 {
    let counted = |corrected| {
        let mut card = card(1);
        card.volatile.corrected = corrected;
        card
    };
    code(&since(seconds, counted(before), counted(after)))
}

#[test]
fn a_storm_of_corrected_errors_fails_by_its_rate() {
    assert_eq!(corrected(1_800, 7, 50_007), 0);
    assert_eq!(corrected(1_800, 7, 50_008), 15);
    assert_eq!(corrected(1, 0, 1_666), 0, "a minute at least");
    assert_eq!(corrected(1, 0, 1_667), 15);
    assert_eq!(
        corrected(60, 90_000_000, 5),
        0,
        "the driver was loaded anew"
    );
}

#[test]
fn without_an_earlier_report_there_is_no_rate() {
    assert_eq!(both(|card| card.volatile.corrected = u64::MAX), (0, 0));
    assert_eq!(both(|card| card.replays = u32::MAX), (0, 0));
}

#[test]
fn a_card_is_too_hot_at_its_own_threshold() {
    assert_eq!(both(|card| card.celsius = 88), (0, 0));
    assert_eq!(both(|card| card.celsius = 89), (16, 16));
    let unknown = |card: &mut GpuRecord| {
        card.celsius = 120;
        card.signals = card.signals.without(Signals::SLOWDOWN);
    };
    assert_eq!(both(unknown), (0, 0));
    let general = HealthPolicy {
        max_celsius: 95,
        heat_margin: 2,
        ..HealthPolicy::recommended()
    };
    assert_eq!(
        verdict(&with_card(unknown), &general),
        Verdict::Fail(Reason::Hot {
            card: uuid(1),
            got: 120,
            limit: 95
        })
    );
    assert_eq!(
        verdict(&with_card(|card| card.celsius = 87), &general),
        Verdict::Fail(Reason::Hot {
            card: uuid(1),
            got: 87,
            limit: 87
        })
    );
}

#[test]
fn throttling_fails_for_the_policys_reasons_only() {
    for (reasons, expected) in [
        (0x1, 0),
        (0x4, 0),
        (0x8, 0),
        (0x20, 0),
        (0x40, 17),
        (0x84, 17),
    ] {
        assert_eq!(
            both(|card| card.throttle = reasons).0,
            expected,
            "{reasons:#x}"
        );
    }
}

#[test]
fn a_link_of_less_than_half_its_lanes_fails_and_an_idle_generation_does_not() {
    assert_eq!(both(|card| card.link.width = 8), (0, 0));
    assert_eq!(both(|card| card.link.width = 4), (18, 18));
    assert_eq!(both(|card| card.link.generation = 1), (0, 0));
}

fn replays(max_width: u8, max_generation: u8, count: u32) -> u8 {
    let counted = |replays| {
        let mut card = card(1);
        card.link.width = max_width;
        card.link.max_width = max_width;
        card.link.max_generation = max_generation;
        card.replays = replays;
        card
    };
    code(&since(60, counted(1_000), counted(1_000 + count)))
}

#[test]
fn replays_are_judged_against_what_the_link_carries() {
    // 80 a minute at 16 lanes of generation 3, in proportion to lanes and rate elsewhere.
    for (lanes, generation, limit) in [
        (16, 3, 80),
        (16, 4, 160),
        (16, 5, 320),
        (8, 3, 40),
        (4, 1, 6),
    ] {
        assert_eq!(
            replays(lanes, generation, limit),
            0,
            "x{lanes} gen {generation}"
        );
        assert_eq!(
            replays(lanes, generation, limit + 1),
            19,
            "x{lanes} gen {generation}"
        );
    }
    assert_eq!(
        replays(16, 9, 81),
        19,
        "an unknown generation is the reference"
    );
}

#[test]
fn a_card_held_without_a_lease_fails_and_a_lease_excuses_it() {
    assert_eq!(both(|card| card.processes = 1), (20, 0));
    assert_eq!(both(|card| card.held = 1_024 << 20), (0, 0));
    assert_eq!(both(|card| card.held = 1_025 << 20), (20, 0));
}

#[test]
fn a_card_rented_or_given_back_in_mid_check_is_in_use() {
    let held = with_card(|card| card.processes = 1);
    let judged = |before, after| code(&leases(held.clone(), before, after));
    let at = |ago| Timestamp::new(NOW - ago);
    assert_eq!(judged(LeaseState::Free, LeaseState::Free), 20);
    assert_eq!(judged(LeaseState::Free, LeaseState::LeasedSince(at(0))), 0);
    assert_eq!(
        judged(LeaseState::LeasedSince(at(900)), LeaseState::EndedAt(at(1))),
        0
    );
    assert_eq!(
        judged(LeaseState::EndedAt(at(299)), LeaseState::EndedAt(at(299))),
        0
    );
    assert_eq!(
        judged(LeaseState::EndedAt(at(300)), LeaseState::EndedAt(at(300))),
        20
    );
}

#[test]
fn an_operator_in_trouble_says_nothing() {
    let trouble: [(Why, Change<Environment>); 4] = [
        (Why::OwnNetwork, |environment| environment.network = false),
        (Why::Relay, |environment| environment.relay = false),
        (Why::Chain, |environment| environment.chain = false),
        (Why::Beacon, |environment| environment.beacon = false),
    ];
    for (why, break_it) in trouble {
        let mut view = view();
        break_it(&mut view.environment);
        assert_eq!(judge(&view), Verdict::Unknown(why));
        view.answer = Answer::Silence;
        assert_eq!(judge(&view), Verdict::Unknown(why));
    }
}

#[test]
fn maintenance_counts_where_it_was_announced_in_time() {
    let policy = HealthPolicy::recommended();
    let silent = |notice: u64| {
        let from = NOW - 60;
        judge(&ProbeView {
            answer: Answer::Silence,
            maintenance: Some(Maintenance {
                announced: Timestamp::new(from - notice),
                from: Timestamp::new(from),
                until: Timestamp::new(from + 3_600),
                used_seconds: 0,
            }),
            ..view()
        })
    };
    let notice = u64::from(policy.maintenance_notice);
    assert_eq!(silent(notice), Verdict::Unknown(Why::Maintenance));
    assert_eq!(silent(notice - 1), Verdict::Fail(Reason::Silent));
}

#[test]
fn a_lost_card_is_judged_as_lost_and_nothing_else() {
    let view = with_card(|card| {
        *card = GpuRecord {
            uuid: card.uuid,
            lost: true,
            ..GpuRecord::default()
        };
    });
    let faults = quorate_health::faults(&view, &HealthPolicy::recommended());
    assert_eq!(faults, [Reason::CardLost { card: uuid(1) }]);
}
