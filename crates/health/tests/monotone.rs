//! More bad news never gives a better verdict, and UNKNOWN is no shield.

mod support;

use proptest::prelude::*;
use proptest::sample::Index;
use quorate_health::{
    Answer, Environment, GpuRecord, LeaseState, Nonce, ProbeView, Report, Signals, Verdict,
    XidEvent, faults, verdict,
};
use support::{any_answer, any_lease, any_policy, any_view, leases, view};

/// The partial order "worse news": whether `worse` says of every single thing the same as `better` or
/// something worse. The operator's own state, the chain's, the question and the previous report are the
/// same.
fn is_worse_news(worse: &ProbeView, better: &ProbeView) -> bool {
    let rest = |view: &ProbeView| ProbeView {
        answer: Answer::Silence,
        ..view.clone()
    };
    rest(worse) == rest(better) && worse_answer(&worse.answer, &better.answer, better)
}

/// No answer is worse than any report; so is one that cannot be read.
fn worse_answer(worse: &Answer, better: &Answer, view: &ProbeView) -> bool {
    match (worse, better) {
        (Answer::Report(worse), Answer::Report(better)) => worse_report(worse, better, view),
        (Answer::Report(_), Answer::Silence | Answer::Unreadable) => false,
        (Answer::Silence | Answer::Unreadable, _) => true,
    }
}

fn worse_report(worse: &Report, better: &Report, view: &ProbeView) -> bool {
    let answers = |report: &Report| {
        let question = view.question;
        report.nonce == question.nonce
            && report.window == question.window
            && report.epoch == question.epoch
            && report.operator == question.operator
            && report.subject == question.subject
            && (report.lease, report.checks) == (question.lease, question.checks)
    };
    // A report of another probe is as bad as none.
    if !answers(worse) {
        return true;
    }
    let registered = |card: &GpuRecord| view.expected.cards.contains(&card.uuid);
    let find = |report: &Report, card: &GpuRecord| {
        report
            .gpus
            .iter()
            .find(|other| other.uuid == card.uuid)
            .cloned()
    };
    answers(better)
        && worse.simulated >= better.simulated
        // A registered card may go missing, and one that is not registered may appear.
        && worse.gpus.iter().all(|card| {
            find(better, card).map_or(!registered(card), |before| worse_card(card, &before))
        })
        && better
            .gpus
            .iter()
            .all(|card| registered(card) || find(worse, card).is_some())
}

/// A lost card is the worst. Of two that answer, each signal tells the same or worse.
fn worse_card(worse: &GpuRecord, better: &GpuRecord) -> bool {
    if worse.lost {
        return true;
    }
    let known = |event: &XidEvent| {
        worse.xids.iter().any(|other| {
            (other.xid, other.with_process) == (event.xid, event.with_process)
                && other.seconds_ago <= event.seconds_ago
        })
    };
    !better.lost
        && worse.signals == better.signals
        && worse.needs_reset >= better.needs_reset
        && worse.celsius >= better.celsius
        && worse.slowdown == better.slowdown
        && worse.shutdown == better.shutdown
        && (worse.model == better.model || worse.model == 0)
        && worse.memory_mib <= better.memory_mib
        && worse.held >= better.held
        && worse.processes >= better.processes
        && worse.link.width <= better.link.width
        && worse.link.max_width == better.link.max_width
        && worse.link.max_generation == better.link.max_generation
        && worse.replays >= better.replays
        && worse.volatile.corrected >= better.volatile.corrected
        && worse.volatile.uncorrected >= better.volatile.uncorrected
        && worse.remap.pending >= better.remap.pending
        && worse.remap.failure >= better.remap.failure
        && worse.throttle & better.throttle == better.throttle
        && better.xids.iter().all(known)
}

/// One piece of bad news.
#[derive(Debug, Clone)]
enum News {
    Silence,
    Unreadable,
    OtherNonce,
    Simulated,
    Missing,
    Stranger(GpuRecord),
    Lost,
    NeedsReset,
    Hotter(u8),
    UnknownModel,
    LessMemory(u32),
    MoreHeld(u64),
    MoreProcesses(u16),
    Narrower(u8),
    MoreReplays(u32),
    MoreCorrected(u64),
    MoreUncorrected(u64),
    Pending,
    RemapFailure,
    Throttled(u64),
    Xid(XidEvent),
}

fn any_news() -> impl Strategy<Value = News> {
    prop_oneof![
        1 => Just(News::Silence),
        1 => Just(News::Unreadable),
        1 => Just(News::OtherNonce),
        1 => Just(News::Simulated),
        2 => Just(News::Missing),
        2 => support::any_card(9).prop_map(News::Stranger),
        2 => Just(News::Lost),
        2 => Just(News::NeedsReset),
        3 => (0_u8..60).prop_map(News::Hotter),
        1 => Just(News::UnknownModel),
        2 => (0_u32..20_000).prop_map(News::LessMemory),
        2 => (0_u64..4 << 30).prop_map(News::MoreHeld),
        2 => (0_u16..5).prop_map(News::MoreProcesses),
        2 => (0_u8..16).prop_map(News::Narrower),
        2 => (0_u32..1_000_000).prop_map(News::MoreReplays),
        2 => (0_u64..10_000_000).prop_map(News::MoreCorrected),
        2 => (0_u64..20).prop_map(News::MoreUncorrected),
        1 => Just(News::Pending),
        1 => Just(News::RemapFailure),
        2 => any::<u64>().prop_map(News::Throttled),
        4 => support::xid().prop_map(News::Xid),
    ]
}

/// The view after the news, about the card at `at`.
fn after(view: &ProbeView, news: &News, at: Index) -> ProbeView {
    let mut view = view.clone();
    match news {
        News::Silence => view.answer = Answer::Silence,
        News::Unreadable => view.answer = Answer::Unreadable,
        _ => {
            if let Answer::Report(report) = &mut view.answer {
                tell(report, news, at);
            }
        }
    }
    view
}

fn tell(report: &mut Report, news: &News, at: Index) {
    match news {
        News::OtherNonce => report.nonce = Nonce([0xee; 16]),
        News::Simulated => report.simulated = true,
        News::Stranger(card) => {
            if report.gpus.iter().all(|other| other.uuid != card.uuid) {
                report.gpus.push(card.clone());
            }
        }
        _ if report.gpus.is_empty() => {}
        News::Missing => {
            let at = at.index(report.gpus.len());
            // A card that is not registered would be missed by nobody: that would be good news.
            if report.gpus[at].uuid.0[0] < 3 {
                report.gpus.remove(at);
            }
        }
        _ => {
            let at = at.index(report.gpus.len());
            tell_card(&mut report.gpus[at], news);
        }
    }
}

fn tell_card(card: &mut GpuRecord, news: &News) {
    match news {
        News::Lost => card.lost = true,
        News::NeedsReset => card.needs_reset = true,
        News::Hotter(by) => card.celsius = card.celsius.saturating_add(*by),
        News::UnknownModel => card.model = 0,
        News::LessMemory(by) => card.memory_mib = card.memory_mib.saturating_sub(*by),
        News::MoreHeld(by) => card.held += by,
        News::MoreProcesses(by) => card.processes += by,
        News::Narrower(by) => card.link.width = card.link.width.saturating_sub(*by),
        News::MoreReplays(by) => card.replays += by,
        News::MoreCorrected(by) => card.volatile.corrected += by,
        News::MoreUncorrected(by) => card.volatile.uncorrected += by,
        News::Pending => card.remap.pending = true,
        News::RemapFailure => card.remap.failure = true,
        News::Throttled(reasons) => card.throttle |= reasons,
        News::Xid(event) => card.xids.push(*event),
        other => panic!("{other:?} is not about a card"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    /// The heart of it. The order is checked for each pair, so that it is not about nothing.
    #[test]
    fn worse_news_never_gives_a_better_verdict(
        view in any_view(),
        policy in any_policy(),
        news in proptest::collection::vec((any_news(), any::<Index>()), 1..4),
    ) {
        let worse = news.iter().fold(view.clone(), |view, (news, at)| after(&view, news, *at));
        prop_assert!(is_worse_news(&worse, &view), "{news:?}");
        let (now, before) = (verdict(&worse, &policy), verdict(&view, &policy));
        prop_assert!(now.rank() <= before.rank(), "{before} became {now} by {news:?}");
    }

    /// Whether a verdict is UNKNOWN does not depend on the answer, on leases, or on what was said
    /// before: nothing that a provider says or leaves unsaid turns a FAIL into it.
    #[test]
    fn unknown_is_no_shield(
        view in any_view(),
        answer in any_answer(),
        lease in any_lease(),
        policy in any_policy(),
    ) {
        let other = ProbeView {
            answer,
            previous: None,
            ..view.clone()
        };
        let other = leases(other, lease, lease);
        let unknown = |view: &ProbeView| match verdict(view, &policy) {
            Verdict::Unknown(why) => Some(why),
            _ => None,
        };
        prop_assert_eq!(unknown(&view), unknown(&other));
    }

    /// With a sound operator and no maintenance there is no UNKNOWN at all.
    #[test]
    fn a_sound_operator_judges(view in any_view(), policy in any_policy()) {
        let sound = ProbeView {
            environment: Environment::SOUND,
            maintenance: None,
            ..view
        };
        prop_assert!(!matches!(verdict(&sound, &policy), Verdict::Unknown(_)));
    }

    /// A lease, the provider's own too, excuses what needs a card for itself and nothing else.
    #[test]
    fn a_lease_excuses_exclusive_checks_only(view in any_view(), policy in any_policy()) {
        let lease = |lease| leases(view.clone(), lease, lease);
        let free = faults(&lease(LeaseState::Free), &policy);
        let leased = faults(&lease(LeaseState::LeasedSince(view.now)), &policy);
        let shared: Vec<_> = free.iter().filter(|reason| !reason.excused_in_use()).copied().collect();
        prop_assert_eq!(leased, shared);
    }

    /// A signal that a card does not give is never held against it, unless the policy asks for it.
    #[test]
    fn silence_about_a_signal_is_judged_only_where_it_is_required(view in any_view(), policy in any_policy()) {
        let mut bare = view;
        if let Answer::Report(report) = &mut bare.answer {
            for card in &mut report.gpus {
                card.signals = Signals::NONE;
                card.xids.clear();
                card.needs_reset = false;
            }
        }
        for reason in faults(&bare, &policy) {
            prop_assert!(reason.code() <= 8, "{reason}");
        }
    }

    #[test]
    fn faults_come_in_the_order_of_their_table(view in any_view(), policy in any_policy()) {
        let codes: Vec<_> = faults(&view, &policy).iter().map(quorate_health::Reason::code).collect();
        prop_assert!(codes.is_sorted());
    }
}

/// The strategies reach all three verdicts and most reasons; else the properties would say little.
#[test]
fn the_views_are_of_all_kinds() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut ranks, mut codes) = ([0_u32; 3], std::collections::BTreeSet::new());
    for _ in 0..2_000 {
        let view = any_view().new_tree(&mut runner).unwrap().current();
        let policy = any_policy().new_tree(&mut runner).unwrap().current();
        ranks[usize::from(verdict(&view, &policy).rank())] += 1;
        codes.extend(
            faults(&view, &policy)
                .iter()
                .map(quorate_health::Reason::code),
        );
    }
    assert!(ranks.iter().all(|count| *count > 50), "{ranks:?}");
    assert!(codes.len() >= 18, "{codes:?}");
    assert_eq!(
        verdict(&view(), &quorate_health::HealthPolicy::recommended()),
        Verdict::Pass
    );
}
