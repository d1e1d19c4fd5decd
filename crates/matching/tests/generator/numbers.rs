//! The logarithm and the lottery.

use quorate_canon::{OfferId, RequestId};
use quorate_matching::{Seed, fold, jitter, log2q, offer_key, request_key};

use super::json::{Object, bytes, number};
use crate::common::world::Dice;

/// `x`, `y = log2q(x)`.
pub fn log2q_file() -> String {
    let mut dice = Dice(1);
    let mut xs: Vec<u64> = (1..=40).collect();
    for exponent in 2..64 {
        xs.extend([(1 << exponent) - 1, 1 << exponent, (1 << exponent) + 1]);
    }
    xs.push(u64::MAX);
    xs.extend((0..150).map(|i| (dice.roll() >> (i % 64)).max(1)));
    let mut file = Object::default();
    file.many("x", xs.iter().map(|x| number(*x)));
    file.many("y", xs.iter().map(|x| number(log2q(*x))));
    file.finish()
}

/// `key(kind, id)` under `seed`; then `foldTie = fold(foldRequest, foldOffer)` and its jitter.
pub fn keys_file() -> String {
    let mut dice = Dice(2);
    let mut cases = Vec::new();
    for i in 0..120 {
        let seed = Seed(dice.bytes());
        let wide = dice.roll() >> (i % 64);
        let id = if i < 24 { i } else { wide };
        cases.push((seed, 1_u8, id, offer_key(&seed, OfferId::new(id))));
        cases.push((seed, 2_u8, id, request_key(&seed, RequestId::new(id))));
    }
    let pairs: Vec<(u64, u64)> = [(0, 0), (u64::MAX, u64::MAX), (0, u64::MAX), (1, 2)]
        .into_iter()
        .chain((0..100).map(|_| (dice.roll(), dice.roll())))
        .collect();
    let ties: Vec<u64> = pairs.iter().map(|(a, b)| fold(*a, *b)).collect();
    let mut file = Object::default();
    file.many("seed", cases.iter().map(|case| bytes(case.0.0)));
    file.many("kind", cases.iter().map(|case| number(case.1)));
    file.many("id", cases.iter().map(|case| number(case.2)));
    file.many("key", cases.iter().map(|case| number(case.3)));
    file.many("foldRequest", pairs.iter().map(|pair| number(pair.0)));
    file.many("foldOffer", pairs.iter().map(|pair| number(pair.1)));
    file.many("foldTie", ties.iter().map(|tie| number(*tie)));
    file.many("foldJitter", ties.iter().map(|tie| number(jitter(*tie))));
    file.finish()
}
