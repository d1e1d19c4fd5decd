//! What a certificate costs: `cargo run --release -p quorate-bls --example certificates`.
//!
//! All figures are of one core, the best of several runs, in milliseconds. Keys are known from the
//! stake table and signatures are read before the clock starts, except in the rows that read them.

#![allow(clippy::disallowed_types, reason = "a benchmark reads the clock")]

use std::{hint::black_box, time::Instant};

use quorate_bls::{
    BatchError, Domain, PublicKey, SecretKey, Signature, SignaturePoint, aggregate_keys,
    subtract_keys, verify_each, verify_same_message, verify_sum,
};

const RUNS: usize = 5;
const MESSAGE: &[u8; 32] = b"the digest of a header, 32 bytes";

fn main() {
    for count in [1_000, 10_000] {
        let votes = votes(count);
        all_good(&votes);
        forged(&votes);
    }
}

fn votes(count: u32) -> Vec<(PublicKey, Signature)> {
    let master = SecretKey::from_seed(&[7; 32]).expect("seed is long enough");
    (0..count)
        .map(|index| master.child(index))
        .map(|secret| (secret.public_key(), secret.sign(Domain::Vote, MESSAGE)))
        .collect()
}

fn all_good(votes: &[(PublicKey, Signature)]) {
    let count = votes.len();
    let (keys, signatures): (Vec<_>, Vec<_>) = votes.iter().copied().unzip();
    let points: Vec<SignaturePoint> = signatures.iter().map(|s| (*s).into()).collect();
    let total = aggregate_keys(&keys).expect("keys do not cancel");
    row(
        &format!("{count} votes, good: sum, keys of the table"),
        || {
            assert!(verify_sum(Domain::Vote, MESSAGE, &total, &points).is_some());
        },
    );
    let (absent, present) = (&keys[..count / 10], &points[count / 10..]);
    row(&format!("{count} votes, good: sum, 10 % absent"), || {
        let key = subtract_keys(&total, absent).expect("keys do not cancel");
        assert!(verify_sum(Domain::Vote, MESSAGE, &key, present).is_some());
    });
    row(&format!("{count} votes, good: sum, keys added too"), || {
        assert!(verify_same_message(Domain::Vote, MESSAGE, votes).is_ok());
    });
    row(&format!("{count} votes, good: each for itself"), || {
        assert!(verify_each(Domain::Vote, MESSAGE, votes).is_ok());
    });
    let bytes: Vec<[u8; 96]> = signatures.iter().map(Signature::to_bytes96).collect();
    row(&format!("{count} signatures read, on the curve"), || {
        assert!(
            bytes
                .iter()
                .all(|bytes| SignaturePoint::from_bytes96(black_box(bytes)).is_ok())
        );
    });
    row(&format!("{count} signatures read, in the subgroup"), || {
        assert!(
            bytes
                .iter()
                .all(|bytes| Signature::from_bytes96(black_box(bytes)).is_ok())
        );
    });
}

fn forged(votes: &[(PublicKey, Signature)]) {
    let count = votes.len();
    let mut votes = votes.to_vec();
    // One in a hundred, at scattered places, each a real signature over another message.
    let expected: Vec<usize> = (0..count / 100)
        .map(|i| i * 100 + (i * 37 + 11) % 100)
        .collect();
    let master = SecretKey::from_seed(&[7; 32]).expect("seed is long enough");
    for place in &expected {
        let secret = master.child(u32::try_from(*place).expect("few votes"));
        votes[*place].1 = secret.sign(Domain::Vote, b"another header");
    }
    let expected = Err(BatchError::Forged(expected));
    row(
        &format!("{count} votes, 1 % forged: sum, forgers named"),
        || {
            assert_eq!(
                verify_same_message(Domain::Vote, MESSAGE, &votes).map(drop),
                expected
            );
        },
    );
    row(
        &format!("{count} votes, 1 % forged: each for itself"),
        || {
            assert_eq!(verify_each(Domain::Vote, MESSAGE, &votes), expected);
        },
    );
}

fn row(name: &str, mut work: impl FnMut()) {
    let best = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    println!("{name:<50} {:>9.3} ms", best.as_secs_f64() * 1e3);
}
