//! The mapped trace is a market on which most find what they want, and some do not.

use std::collections::BTreeMap;

use devnet::trace::{Mapping, Script, TraceSeed, Window};
use quorate_canon::{OfferId, RequestId, Round, Stake, Timestamp, Version};
use quorate_matching::{
    MachineState, OfferInput, ProviderState, RequestInput, RoundContext, Seed, Snapshot,
    match_round, policy::defaults::policy_v1,
};

const START: u64 = 1_800_000_000;

/// All machines, and all tasks of the dense window at once.
fn snapshot() -> Snapshot {
    let script = Script::new(
        Window::DENSE,
        Mapping {
            seed: TraceSeed(1),
            start: START,
        },
    )
    .expect("trace");
    let created = Timestamp::new(START);
    let offers = script.machines.into_iter().zip(1..).map(|(machine, id)| {
        let mut offer = machine.offer;
        offer.id = OfferId::new(id);
        offer.version = Version::new(1);
        let provider = ProviderState {
            stake: Stake::new(u64::MAX),
            registered_gpus: 1,
            ..ProviderState::default()
        };
        OfferInput {
            offer,
            created,
            used: Default::default(),
            machine: MachineState::default(),
            provider,
        }
    });
    let requests = script.tasks.into_iter().zip(1..).map(|(task, id)| {
        let mut request = task.request;
        request.id = RequestId::new(id);
        request.version = Version::new(1);
        RequestInput { request, created }
    });
    Snapshot::new(offers.collect(), requests.collect()).expect("valid")
}

#[test]
fn most_tasks_find_a_machine_and_some_do_not() {
    let context = RoundContext {
        round: Round::new(1),
        time: Timestamp::new(START + 10),
        genesis: Timestamp::new(START),
        period: 5,
        ..RoundContext::default()
    };
    let outcome = match_round(&snapshot(), &policy_v1().score, &context, &Seed([1; 32]));
    let mut reasons = BTreeMap::new();
    for (_, reason) in &outcome.unmatched {
        *reasons.entry(format!("{reason:?}")).or_insert(0) += 1;
    }
    assert!(
        (700..1_000).contains(&outcome.matches.len()),
        "{} matched, {reasons:?}",
        outcome.matches.len()
    );
    assert!(!outcome.unmatched.is_empty());
}
