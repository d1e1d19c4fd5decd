use quorate_canon::codec::{Reader, Writer};
use quorate_canon::{Address, Digest, Round, Timestamp};
use quorate_protocol::Schedule;

use super::{Refuted, RoundError, RoundEvent, RoundLog, Settled};

const N: Round = Round::new(4);
const PROPOSER: Address = Address([9; 20]);

fn schedule() -> Schedule {
    Schedule {
        genesis: Timestamp::new(1_000),
        period: 100,
        settle_timeout: 400,
        delay: 20,
        depth: 2,
        stake_epoch: 100_000,
        health_epoch: 1_000,
        challenge_window: 50,
        reveal_window: 50,
        beacon_genesis: Timestamp::new(0),
        beacon_period: 3,
        beacon_chain_hash: Digest([7; 32]),
    }
}

fn certified(digest: u8, time: u64) -> RoundEvent {
    RoundEvent::Certified {
        round: N,
        digest: Digest([digest; 32]),
        time: Timestamp::new(time),
        transaction: Digest([digest ^ 0xff; 32]),
    }
}

fn proposed() -> RoundEvent {
    RoundEvent::Proposed {
        round: N,
        proposer: PROPOSER,
    }
}

fn settled(time: u64) -> RoundEvent {
    RoundEvent::Settled {
        round: N,
        settled: Settled {
            time: Timestamp::new(time),
            count: 3,
            block: 12,
        },
    }
}

fn refuted(round: Round, time: u64) -> RoundEvent {
    RoundEvent::Refuted {
        round,
        refuted: Refuted {
            time: Timestamp::new(time),
            code: 14,
            position: u32::MAX,
        },
    }
}

/// A log with these events, one block each from 1 on.
fn log(events: &[RoundEvent]) -> RoundLog {
    let mut log = RoundLog::default();
    for (block, event) in (1..).zip(events) {
        log.apply(block, [event], true).unwrap();
    }
    log
}

#[test]
fn a_proposal_names_its_proposer() {
    let log = log(&[certified(1, 1_600), proposed()]);
    assert_eq!(log.get(N).unwrap().proposer, Some(PROPOSER));
}

#[test]
fn a_certificate_names_none() {
    assert_eq!(log(&[certified(1, 1_450)]).get(N).unwrap().proposer, None);
}

#[test]
fn a_certificate_takes_the_place_of_a_proposal() {
    let log = log(&[certified(1, 1_600), proposed(), certified(2, 1_700)]);
    let stands = log.get(N).unwrap();
    assert_eq!(stands.digest, Digest([2; 32]));
    assert_eq!(stands.certified, Timestamp::new(1_700));
    assert_eq!((stands.proposer, stands.block), (None, 3));
}

#[test]
fn a_certificate_of_the_same_header_confirms_a_proposal() {
    let log = log(&[certified(1, 1_600), proposed(), certified(1, 1_700)]);
    let stands = log.get(N).unwrap();
    assert_eq!(stands.digest, Digest([1; 32]));
    assert_eq!((stands.proposer, stands.block), (None, 3));
}

#[test]
fn a_certificate_takes_no_other_place() {
    for before in [
        vec![certified(1, 1_450)],
        vec![certified(1, 1_600), proposed(), certified(1, 1_650)],
        vec![certified(1, 1_600), proposed(), settled(1_650)],
        vec![certified(1, 1_600), proposed(), refuted(N, 1_650)],
    ] {
        let mut log = log(&before);
        let unchanged = log.clone();
        assert_eq!(
            log.apply(9, &[certified(2, 1_700)], true),
            Err(RoundError::CertifiedTwice(N))
        );
        assert_eq!(log, unchanged);
    }
}

#[test]
fn a_proposal_without_header_is_refused() {
    assert_eq!(
        RoundLog::default().apply(1, &[proposed()], true),
        Err(RoundError::NotCertified(N))
    );
}

#[test]
fn a_later_refutation_leaves_the_end_and_the_live_rounds() {
    let before = log(&[certified(1, 1_450), settled(1_520)]);
    let mut after = before.clone();
    after.apply(3, &[refuted(N, 1_560)], true).unwrap();
    assert!(after.get(N).unwrap().refuted.is_some());
    assert_eq!(
        after.get(N).unwrap().settled,
        before.get(N).unwrap().settled
    );
    for n in 0..40 {
        assert_eq!(
            after.is_live(&schedule(), Round::new(n)).unwrap(),
            before.is_live(&schedule(), Round::new(n)).unwrap(),
            "round {n}"
        );
    }
}

#[test]
fn a_round_refuted_before_its_last_chunk_ends_at_its_deadline() {
    let log = log(&[certified(1, 1_450), refuted(N, 1_460)]);
    // close 1,400, deadline 1,800: the first close after that is round 9's.
    assert_eq!(
        log.first_live(&schedule(), Round::new(30)).unwrap(),
        Round::new(9)
    );
}

#[test]
fn the_refutation_of_a_forgotten_round_changes_nothing() {
    let mut log = log(&[certified(1, 1_450), settled(1_520)]);
    let unchanged = log.clone();
    log.apply(3, &[refuted(Round::new(2), 1_560)], true)
        .unwrap();
    assert_eq!(log, unchanged);
    log.rollback(2);
    assert_eq!(log, unchanged);
    assert_eq!(
        log.apply(3, &[refuted(Round::new(5), 1_560)], true),
        Err(RoundError::NotCertified(Round::new(5)))
    );
}

#[test]
fn every_block_can_be_taken_back() {
    let events = [
        certified(1, 1_600),
        proposed(),
        certified(2, 1_700),
        settled(1_720),
        refuted(N, 1_740),
    ];
    let mut whole = log(&events);
    for kept in (0..events.len()).rev() {
        whole.rollback(u64::try_from(kept).unwrap());
        assert_eq!(whole, log(&events[..kept]), "{kept} blocks");
    }
}

#[test]
fn one_block_is_applied_whole_or_not_at_all() {
    let mut log = log(&[certified(1, 1_600), proposed()]);
    let unchanged = log.clone();
    let events = [certified(2, 1_700), certified(3, 1_700)];
    assert_eq!(
        log.apply(3, &events, true),
        Err(RoundError::CertifiedTwice(N))
    );
    assert_eq!(log, unchanged);
}

#[test]
fn a_log_survives_as_bytes() {
    for events in [
        vec![certified(1, 1_600), proposed()],
        vec![certified(1, 1_450), settled(1_520), refuted(N, 1_560)],
    ] {
        let log = log(&events);
        let mut out = Writer::default();
        log.write(&mut out);
        let bytes = out.into_bytes();
        let mut input = Reader::new(&bytes);
        assert_eq!(RoundLog::read(&mut input).unwrap(), log);
        input.finish().unwrap();
    }
}
