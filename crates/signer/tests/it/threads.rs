//! R1: many threads, different headers, one round: exactly one wins.

use std::collections::BTreeSet;

use quorate_canon::Round;
use quorate_protocol::rules::Refusal;
use quorate_signer::SignerError;

use crate::trials;
use crate::world::{Place, fix, header, signer};

const THREADS: u64 = 20;

#[test]
fn of_many_threads_with_different_headers_exactly_one_wins() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    let rounds = trials("QUORATE_SIGNER_RACES", 15, 1_000) as u64;
    for round in 1..=rounds {
        fix(&signer, round);
        let results: Vec<_> = std::thread::scope(|scope| {
            let signer = &signer;
            let threads: Vec<_> = (0..THREADS)
                .map(|outcome| scope.spawn(move || signer.sign_vote(&header(round, outcome))))
                .collect::<Vec<_>>();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let won: Vec<_> = results.iter().filter_map(|r| r.as_ref().ok()).collect();
        assert_eq!(won.len(), 1, "round {round}");
        let named: BTreeSet<_> = results
            .iter()
            .filter_map(|result| match result {
                Err(SignerError::Rule(Refusal::AlreadySigned { signed, .. })) => Some(*signed),
                _ => None,
            })
            .collect();
        assert_eq!(named, BTreeSet::from([won[0].digest()]));
        let stored = signer.stored_vote(Round::new(round)).unwrap().unwrap();
        assert_eq!(stored.to_bytes(), won[0].to_bytes());
    }
}

#[test]
fn many_threads_with_the_same_header_get_the_same_vote() {
    let place = Place::new();
    let signer = signer(place.create(), 0);
    fix(&signer, 1);
    let votes: BTreeSet<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| scope.spawn(|| signer.sign_vote(&header(1, 0)).unwrap().to_bytes()))
            .collect::<Vec<_>>();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(votes.len(), 1);
}
