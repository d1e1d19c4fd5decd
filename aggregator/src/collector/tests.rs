//! The pure collector: what arrival order, garbage and liars can and cannot do.

use std::time::{Duration, Instant};

use proptest::{prelude::*, sample::Index};
use quorate_canon::{Digest, Epoch, OperatorIndex, Round, Timestamp};
use quorate_protocol::{Evidence, Header, Unverified, Vote};
use quorate_rpc::VoteRejection;

use super::{Judgement, Limits, Millis, RoundVotes, Screening, Source, State};
use crate::{clock::now, testing::World};

const GRACE: Millis = Millis(150);

/// What the actor does with a vote, without disk and tasks.
fn hand_in(round: &mut RoundVotes, world: &World, vote: Vote<Unverified>, at: Millis) {
    if let Ok(vote) = vote.verify(&world.table) {
        round.record(vote, at);
    }
}

fn certified(round: &RoundVotes) -> Option<Digest> {
    let digest = round.due(Millis(10_000), GRACE)?;
    Some(round.certificate(digest).unwrap().unwrap().digest())
}

fn state(world: &World) -> State {
    let mut state = State::new(world.facts.domain, world.facts.schedule, Limits::default());
    state.put_table(world.table.clone());
    state
}

fn rejected(screening: Screening) -> Option<VoteRejection> {
    match screening {
        Screening::Reject(reason, _) => Some(reason),
        _ => None,
    }
}

#[test]
fn the_quorum_is_exact_to_the_unit() {
    for (stake, reached) in [(6_699, false), (6_700, true), (6_701, true)] {
        let world = World::new(&[stake, 10_000 - stake]);
        let mut round = RoundVotes::new(world.table.clone());
        round.record(world.verified(0, world.header(Round::new(1), 0)), Millis(0));
        assert_eq!(certified(&round).is_some(), reached, "{stake}");
    }
}

#[test]
fn an_operator_counts_once_whatever_it_sends() {
    let world = World::new(&[60, 40]);
    let mut round = RoundVotes::new(world.table.clone());
    let header = world.header(Round::new(1), 0);
    for _ in 0..5 {
        round.record(world.verified(0, header), Millis(0));
        round.record(world.verified(0, world.header(Round::new(1), 1)), Millis(0));
    }
    let (digest, _, stake, signers) = round.leader().unwrap();
    assert_eq!((digest, stake, signers), (header.digest(), 60, 1));
    assert_eq!(certified(&round), None);
}

#[test]
fn a_second_header_is_evidence_that_judges_itself() {
    let world = World::new(&[60, 40]);
    let mut round = RoundVotes::new(world.table.clone());
    round.record(world.verified(1, world.header(Round::new(1), 0)), Millis(0));
    let second = world.verified(1, world.header(Round::new(1), 1));
    let Judgement::Equivocation(evidence) = round.judge(&second) else {
        panic!("no evidence")
    };
    assert!(matches!(*evidence, Evidence::Equivocation(_)));
    let operator = OperatorIndex::new(1);
    assert!(
        evidence
            .judge(
                &world.facts.domain,
                operator,
                world.table.key(operator).unwrap()
            )
            .is_ok()
    );
    round.record(second, Millis(0));
    assert!(matches!(
        round.judge(&world.verified(1, world.header(Round::new(1), 2))),
        Judgement::Known
    ));
}

#[test]
fn nothing_is_waited_for_when_everybody_has_voted() {
    let world = World::new(&[50, 50]);
    let mut round = RoundVotes::new(world.table.clone());
    round.record(world.verified(0, world.header(Round::new(1), 0)), Millis(0));
    round.record(world.verified(1, world.header(Round::new(1), 0)), Millis(1));
    assert!(round.due(Millis(1), GRACE).is_some());
}

#[test]
fn stragglers_get_their_grace_and_no_more() {
    let world = World::new(&[40, 40, 20]);
    let mut round = RoundVotes::new(world.table.clone());
    let header = world.header(Round::new(1), 0);
    round.record(world.verified(0, header), Millis(0));
    assert_eq!(round.wake_at(GRACE), None);
    round.record(world.verified(1, header), Millis(1_000));
    assert_eq!(round.due(Millis(1_149), GRACE), None);
    assert_eq!(round.wake_at(GRACE), Some(Millis(1_150)));
    assert_eq!(round.due(Millis(1_150), GRACE), Some(header.digest()));
}

#[test]
fn a_decided_round_stays_decided() {
    let world = World::new(&[70, 20, 10]);
    let mut round = RoundVotes::new(world.table.clone());
    let header = world.header(Round::new(1), 0);
    round.record(world.verified(0, header), Millis(0));
    round.decide(header.digest());
    for operator in [1, 2] {
        round.record(
            world.verified(operator, world.header(Round::new(1), 1)),
            Millis(1),
        );
    }
    round.decide(world.header(Round::new(1), 1).digest());
    assert_eq!(round.decided(), Some(header.digest()));
    assert_eq!(round.due(Millis(10_000), GRACE), None);
}

#[test]
fn another_outcome_of_the_same_inputs_is_a_divergence_and_other_inputs_are_not() {
    let world = World::new(&[70, 20, 10]);
    let mut round = RoundVotes::new(world.table.clone());
    let right = world.header(Round::new(1), 0);
    let fork = Header {
        snapshot_hash: Digest([9; 32]),
        ..world.header(Round::new(1), 1)
    };
    round.record(world.verified(0, right), Millis(0));
    round.record(world.verified(1, world.header(Round::new(1), 1)), Millis(0));
    round.record(world.verified(2, fork), Millis(0));
    let found = round.divergences(&right);
    assert_eq!(
        found
            .iter()
            .map(|(operator, _)| operator.get())
            .collect::<Vec<_>>(),
        [1]
    );
    assert!(
        found[0]
            .1
            .judge(
                &world.facts.domain,
                OperatorIndex::new(1),
                world.table.key(OperatorIndex::new(1)).unwrap()
            )
            .is_ok()
    );
}

#[test]
fn votes_are_screened_by_domain_time_and_table() {
    let world = World::new(&[70, 30, 0]);
    let (state, clock) = (state(&world), now());
    let good = world.header(world.round(), 0);
    let screen = |vote| rejected(state.screen(&vote, None, clock));
    assert_eq!(
        state.screen(&world.vote(0, good), None, clock),
        Screening::Verify
    );

    let foreign = Header {
        domain: quorate_protocol::Domain {
            operator_set: 9,
            ..good.domain
        },
        ..good
    };
    assert_eq!(
        screen(world.vote(0, foreign)),
        Some(VoteRejection::WrongDomain)
    );
    assert_eq!(
        screen(world.vote(0, world.header(Round::new(110), 0))),
        Some(VoteRejection::RoundNotClosed)
    );
    let mut far = world.header(world.round(), 0);
    far.round = Round::new(u64::MAX);
    assert_eq!(
        screen(world.vote(0, far)),
        Some(VoteRejection::RoundNotClosed)
    );
    assert_eq!(screen(world.vote(2, good)), Some(VoteRejection::NoStake));
    assert_eq!(
        screen(world.forged(7, 0, good)),
        Some(VoteRejection::UnknownOperator)
    );

    let late = Timestamp::new(clock.get() + 3_600 + 700);
    assert_eq!(
        rejected(state.screen(&world.vote(0, good), None, late)),
        Some(VoteRejection::RoundOver)
    );
}

#[test]
fn a_vote_waits_for_the_table_of_its_own_epoch() {
    let world = World::new(&[70, 30]);
    let state = State::new(world.facts.domain, world.facts.schedule, Limits::default());
    let vote = world.vote(0, world.header(world.round(), 0));
    assert_eq!(
        state.screen(&vote, None, now()),
        Screening::NeedTable(Epoch::new(0))
    );
}

#[test]
fn the_17th_bad_signature_from_one_address_is_not_looked_at_and_others_are() {
    let world = World::new(&[70, 30]);
    let mut state = state(&world);
    let vote = world.forged(0, 1, world.header(world.round(), 0));
    let (liar, other) = (
        Some("192.0.2.1".parse().unwrap()),
        Some("192.0.2.2".parse().unwrap()),
    );
    for _ in 0..16 {
        assert_eq!(state.screen(&vote, liar, now()), Screening::Verify);
        forge(&mut state, &vote, liar, Instant::now()).unwrap();
    }
    assert_eq!(
        rejected(state.screen(&vote, liar, now())),
        Some(VoteRejection::TooManyFailures)
    );
    let honest = world.vote(0, world.header(world.round(), 0));
    assert_eq!(state.screen(&honest, other, now()), Screening::Verify);
    assert_eq!(
        state.screen(&world.vote(1, world.header(world.round(), 0)), liar, now()),
        Screening::Verify
    );
}

/// Hands in a vote that turns out to be forged, if it is looked at.
fn forge(
    state: &mut State,
    vote: &Vote<Unverified>,
    source: Source,
    at: Instant,
) -> Result<(), VoteRejection> {
    let ticket = state
        .claim(vote, source, at)
        .map_err(|(reason, _)| reason)?;
    state.forged(vote, source, ticket);
    Ok(())
}

#[test]
fn forgers_with_any_number_of_addresses_silence_no_operator() {
    let world = World::new(&[70, 30]);
    let mut state = state(&world);
    let forged = world.forged(0, 1, world.header(world.round(), 1));
    let mut at = Instant::now();
    // More than are remembered, from each more than are looked at, as fast as they are.
    let mut checked = 0;
    for address in 0..20_000u32 {
        let source = Some(std::net::IpAddr::from(address.to_be_bytes()));
        for _ in 0..2 {
            checked += u32::from(forge(&mut state, &forged, source, at).is_ok());
        }
        at += Duration::from_millis(8);
    }
    assert!(checked >= 20_000, "{checked}");
    let honest = world.vote(0, world.header(world.round(), 0));
    for last in 1..=8 {
        let fresh = Some(std::net::IpAddr::from([203, 0, 113, last]));
        assert_eq!(state.screen(&honest, fresh, now()), Screening::Verify);
        match state.claim(&honest, fresh, at) {
            Ok(ticket) => state.unchecked(&honest, fresh, ticket, at),
            Err((reason, _)) => assert_eq!(reason, VoteRejection::Overloaded),
        }
        let later = at + Duration::from_secs(10);
        assert!(state.claim(&honest, fresh, later).is_ok());
    }
}

#[test]
fn a_flood_of_forgeries_delays_no_operator_that_is_known_here() {
    let world = World::new(&[70, 30]);
    let mut state = state(&world);
    let (home, at) = (Some("192.0.2.1".parse().unwrap()), Instant::now());
    let before = world.vote(0, world.header(Round::new(99), 0));
    let ticket = state.claim(&before, home, at).unwrap();
    state.good(&before, home, ticket, at);
    let forged = world.forged(0, 1, world.header(world.round(), 1));
    let mut refused = 0;
    for address in 0..10_000u32 {
        let source = Some(std::net::IpAddr::from(address.to_be_bytes()));
        refused += u32::from(forge(&mut state, &forged, source, at).is_err());
    }
    assert!(refused > 0, "nothing was saturated");
    let vote = world.vote(0, world.header(world.round(), 0));
    assert_eq!(state.screen(&vote, home, now()), Screening::Verify);
    assert!(state.claim(&vote, home, at).is_ok());
}

#[test]
fn who_repeats_a_vote_with_another_signature_is_refused_unchecked() {
    let world = World::new(&[70, 30]);
    let mut state = state(&world);
    let header = world.header(world.round(), 0);
    let round = state.round_mut(world.round()).unwrap();
    round.record(world.verified(0, header), Millis(0));
    let clock = now();
    let again = state.screen(&world.vote(0, header), None, clock);
    assert_eq!(again, Screening::Duplicate);
    let other = state.screen(&world.forged(0, 1, header), None, clock);
    assert_eq!(rejected(other), Some(VoteRejection::BadSignature));
}

#[test]
fn rounds_beyond_the_window_are_forgotten_and_memory_stays_bounded() {
    let world = World::new(&[70, 30]);
    let mut state = state(&world);
    let genesis = world.facts.schedule.genesis.get();
    let mut most = 0;
    for n in 0..2_000u64 {
        let clock = Timestamp::new(genesis + n * 10 + 1);
        let vote = world.vote(0, world.header(Round::new(n), 0));
        assert_eq!(state.screen(&vote, None, clock), Screening::Verify);
        state.round_mut(Round::new(n)).unwrap();
        state.forget(clock, |_| false);
        most = most.max(state.rounds().count());
    }
    assert!(most <= 422, "{most}");
    assert!(state.round(Round::new(1)).is_none());
}

#[test]
fn rounds_that_are_over_are_forgotten_before_their_deadline() {
    let world = World::new(&[70, 30]);
    let mut state = state(&world);
    let (genesis, round) = (world.facts.schedule.genesis.get(), Round::new(3));
    let vote = world.vote(0, world.header(round, 0));
    state.round_mut(round).unwrap();
    let soon = Timestamp::new(genesis + 30 + 600);
    assert!(state.forget(soon, |_| true).is_empty());
    let later = Timestamp::new(genesis + 30 + 601);
    assert_eq!(state.forget(later, |_| true), [round]);
    assert_eq!(
        rejected(state.screen(&vote, None, later)),
        Some(VoteRejection::RoundOver)
    );
}

/// A vote as somebody may send it: who, signed by whom, for which header.
fn some_vote() -> impl Strategy<Value = (u32, u32, u8)> {
    (0u32..7, 0u32..7, 0u8..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_arrival_order_gives_the_same_certificate(order in Just(vec![0u32, 1, 2, 3, 4, 5, 6]).prop_shuffle()) {
        // 5 of 7 for one header (71 %), two for another.
        let world = World::new(&[10; 7]);
        let mut round = RoundVotes::new(world.table.clone());
        for (at, operator) in order.iter().enumerate() {
            let flavour = u8::from(*operator >= 5);
            let vote = world.vote(*operator, world.header(Round::new(1), flavour));
            hand_in(&mut round, &world, vote, Millis(at as u64));
        }
        let digest = certified(&round);
        prop_assert_eq!(digest, Some(world.header(Round::new(1), 0).digest()));
        let certificate = round.certificate(digest.unwrap()).unwrap().unwrap();
        let signers: Vec<_> = certificate.signers().iter().map(|signer| signer.get()).collect();
        prop_assert_eq!(signers, vec![0, 1, 2, 3, 4]);
    }

    #[test]
    fn garbage_never_changes_the_result(
        garbage in proptest::collection::vec((some_vote(), any::<Index>()), 0..24),
    ) {
        // Operators 0 to 4 are honest; 5 and 6 sign anything, and anybody forges.
        let world = World::new(&[10; 7]);
        let right = world.header(Round::new(1), 0);
        let mut votes: Vec<_> = (0..5).map(|operator| world.vote(operator, right)).collect();
        for ((operator, signer, flavour), place) in garbage {
            let honest_key = signer < 5 && signer == operator;
            if honest_key {
                continue;
            }
            let vote = world.forged(operator, signer, world.header(Round::new(1), flavour));
            votes.insert(place.index(votes.len() + 1), vote);
        }
        let mut round = RoundVotes::new(world.table.clone());
        for (at, vote) in votes.into_iter().enumerate() {
            hand_in(&mut round, &world, vote, Millis(at as u64));
        }
        prop_assert_eq!(certified(&round), Some(right.digest()));
        for (operator, _) in round.divergences(&right) {
            prop_assert!(operator.get() >= 5, "an honest operator is accused");
        }
    }
}
