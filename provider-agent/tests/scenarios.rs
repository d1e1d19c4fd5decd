//! The example scenarios: each does what its first line says, and the verdict over the reports is the
//! one that it is there to show.

use std::path::PathBuf;

use provider_agent::compose::compose;
use provider_agent::reader::GpuReader as _;
use provider_agent::reader::simulated::{Scenario, SimulatedReader};
use provider_agent::xids::XidLog;
use quorate_canon::{HealthEpoch, OfferId, OperatorIndex, Timestamp};
use quorate_health::{
    Answer, Checks, Environment, Expected, HealthPolicy, LeaseState, Nonce, Previous, ProbeView,
    Question, Reason, Report, Subject, Verdict, Window, verdict,
};

const START: u64 = 1_700_000_000;

fn question() -> Question {
    Question {
        subject: Subject::Machine(OfferId::new(7)),
        operator: OperatorIndex::new(3),
        epoch: HealthEpoch::new(12),
        window: Window(4),
        nonce: Nonce([9; 16]),
        lease: LeaseState::Free,
        checks: Checks::REPORT,
    }
}

/// A scenario, played; the reports at some seconds.
fn reports<const N: usize>(name: &str, seconds: [u64; N]) -> (Expected, [Report; N]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.toml"));
    let mut reader = SimulatedReader::new(Scenario::load(&path).unwrap());
    let expected = Expected {
        cards: reader.cards().iter().map(|card| card.uuid).collect(),
        model: 51,
        vram_mib: 81_559,
    };
    let mut log = XidLog::new(Timestamp::new(START));
    let mut played = 0;
    let reports = seconds.map(|second| {
        // Once a second, as the agent polls.
        for second in played..=second {
            log.add(&reader.events_until(second), Timestamp::new(START + second));
        }
        played = second + 1;
        let readings = reader.readings_at(second);
        compose(
            &question(),
            &reader,
            &readings,
            &log,
            Timestamp::new(START + second),
        )
    });
    (expected, reports)
}

fn judged(
    expected: &Expected,
    report: &Report,
    lease: LeaseState,
    before: Option<&Report>,
) -> Verdict {
    let policy = HealthPolicy {
        simulated_allowed: true,
        ..HealthPolicy::recommended()
    };
    let view = ProbeView {
        question: question(),
        expected: expected.clone(),
        lease_after: lease,
        maintenance: None,
        environment: Environment::SOUND,
        answer: Answer::Report(Box::new(report.clone())),
        previous: before.map(|report| Previous {
            report: Box::new(report.clone()),
            answered: report.time,
        }),
        now: report.time,
    };
    verdict(&view, &policy)
}

fn free(name: &str, seconds: [u64; 2]) -> [Verdict; 2] {
    let (expected, [first, second]) = reports(name, seconds);
    [
        judged(&expected, &first, LeaseState::Free, None),
        judged(&expected, &second, LeaseState::Free, Some(&first)),
    ]
}

#[test]
fn steady_cards_pass() {
    assert_eq!(free("steady", [0, 3_000]), [Verdict::Pass, Verdict::Pass]);
}

#[test]
fn a_hot_card_fails() {
    let [before, after] = free("hot", [29, 30]);
    assert_eq!(before, Verdict::Pass);
    assert!(
        matches!(
            after,
            Verdict::Fail(Reason::Hot {
                got: 91,
                limit: 89,
                ..
            })
        ),
        "{after}"
    );
}

#[test]
fn a_card_that_fell_off_the_bus_fails_in_a_lease_too() {
    let (expected, [before, after]) = reports("xid-79", [29, 31]);
    let leased = LeaseState::LeasedSince(Timestamp::new(START));
    assert_eq!(judged(&expected, &before, leased, None), Verdict::Pass);
    let lost = expected.cards[5];
    let verdict = judged(&expected, &after, leased, Some(&before));
    assert_eq!(verdict, Verdict::Fail(Reason::CardLost { card: lost }));
    let record = after.gpus.iter().find(|gpu| gpu.uuid == lost).unwrap();
    assert_eq!(record.xids[0].xid, 79, "its last word is in the report");
}

#[test]
fn a_storm_of_memory_errors_fails() {
    let [before, after] = free("ecc-storm", [29, 100]);
    assert_eq!(before, Verdict::Pass);
    assert!(
        matches!(after, Verdict::Fail(Reason::HardwareXid { xid: 48, .. })),
        "{after}"
    );
    // The XID is past its horizon; the counters are not.
    let [_, later] = free("ecc-storm", [29, 700]);
    assert!(
        matches!(later, Verdict::Fail(Reason::Uncorrected { got: 120, .. })),
        "{later}"
    );
}

#[test]
fn a_card_that_is_gone_fails() {
    let [before, after] = free("gone", [29, 30]);
    assert_eq!(before, Verdict::Pass);
    assert!(
        matches!(after, Verdict::Fail(Reason::CardLost { .. })),
        "{after}"
    );
}

#[test]
fn a_card_rented_in_mid_check_does_not_fail_and_one_held_without_a_lease_does() {
    let (expected, [report]) = reports("rented", [60]);
    let leased = LeaseState::LeasedSince(Timestamp::new(START + 59));
    assert_eq!(judged(&expected, &report, leased, None), Verdict::Pass);
    let free = judged(&expected, &report, LeaseState::Free, None);
    assert!(
        matches!(free, Verdict::Fail(Reason::Occupied { processes: 1, .. })),
        "{free}"
    );
    let xids: Vec<_> = report.gpus.iter().flat_map(|gpu| &gpu.xids).collect();
    assert_eq!(
        (xids.len(), xids[0].xid, xids[0].with_process),
        (1, 31, true)
    );
}

#[test]
fn every_report_of_simulated_cards_says_so_and_fails_in_production() {
    for name in ["steady", "hot", "xid-79", "ecc-storm", "gone", "rented"] {
        let (expected, reports) = reports(name, [0, 31, 500]);
        for report in reports {
            assert!(report.simulated, "{name}");
            let read = Report::from_bytes(&report.to_bytes()).unwrap();
            assert_eq!(read, report, "{name}");
            let view = ProbeView {
                question: question(),
                expected: expected.clone(),
                lease_after: LeaseState::Free,
                maintenance: None,
                environment: Environment::SOUND,
                answer: Answer::Report(Box::new(report)),
                previous: None,
                now: Timestamp::new(START),
            };
            let production = verdict(&view, &HealthPolicy::recommended());
            assert_eq!(production, Verdict::Fail(Reason::Simulated), "{name}");
        }
    }
}

#[test]
fn events_are_told_once() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios/xid-79.toml");
    let mut reader = SimulatedReader::new(Scenario::load(&path).unwrap());
    assert!(reader.events_until(29).is_empty());
    assert_eq!(reader.events_until(30).len(), 1);
    assert!(reader.events_until(30).is_empty());
    assert!(reader.events_until(500).is_empty());
}

#[test]
fn a_scenario_that_makes_no_sense_is_refused() {
    let cards = "seed = \"s\"\n[[card]]\nname = \"NVIDIA L4\"\nmemory_mib = 23034\n";
    let refused = |more: &str| Scenario::parse(&format!("{cards}{more}")).unwrap_err();
    assert!(Scenario::parse(cards).is_ok());
    assert!(refused("colour = 1\n").contains("colour"));
    assert!(refused("[[event]]\nwhat = \"explode\"\n").contains("explode"));
    assert!(refused("[[event]]\nwhat = \"gone\"\ncard = 1\n").contains("card 1"));
    assert!(refused("[[event]]\nwhat = \"gone\"\nfro = 1\n").contains("fro"));
    assert!(refused("count = 17\n").contains("17"));
    assert!(Scenario::parse("seed = \"s\"\ncard = []\n").is_err());
}
