//! Sums with random weights, in which forgeries cannot cancel.

use sha2::{Digest, Sha256};

use crate::{
    PublicKey, Signature,
    equation::{Equation, is_zero},
    sums::Sums,
};

/// Bytes of a weight: a forged vote passes with probability 2^-128.
const BYTES: usize = 16;

/// Positions of all forged votes, ascending; none if every vote is good.
pub(crate) fn forged(equation: &Equation<'_>, votes: &[(PublicKey, Signature)]) -> Vec<usize> {
    let weights = weights(equation, votes);
    let mut forged = Vec::new();
    bisect(equation, votes, &weights, 0, &mut forged);
    forged
}

/// Searches votes of which the first has the position `start`. A vote alone is judged exactly: no
/// weight but zero makes a defect vanish.
fn bisect(
    equation: &Equation<'_>,
    votes: &[(PublicKey, Signature)],
    weights: &[[u8; BYTES]],
    start: usize,
    forged: &mut Vec<usize>,
) {
    if votes.is_empty() || is_zero(&equation.defect_of(&Sums::weighted(votes, weights))) {
        return;
    }
    if votes.len() == 1 {
        return forged.push(start);
    }
    let middle = votes.len() / 2;
    let (left, right) = votes.split_at(middle);
    let (left_weights, right_weights) = weights.split_at(middle);
    bisect(equation, left, left_weights, start, forged);
    bisect(
        equation,
        right,
        right_weights,
        start.saturating_add(middle),
        forged,
    );
}

/// Weights, one a vote, drawn from a hash of everything that is checked (Fiat and Shamir). There is
/// no generator to seed wrongly, and the same votes give the same answer on every machine. 128 bits,
/// because who forges can try offline, which 64 would not withstand.
fn weights(equation: &Equation<'_>, votes: &[(PublicKey, Signature)]) -> Vec<[u8; BYTES]> {
    let mut transcript = Sha256::new();
    transcript.update(b"quorate/bls/weights/v1");
    for part in [equation.domain().tag(), equation.message()] {
        transcript.update(Sha256::digest(part));
    }
    for (key, signature) in votes {
        transcript.update(key.to_bytes192());
        transcript.update(signature.to_bytes96());
    }
    let seed = transcript.finalize();
    (0u64..)
        .take(votes.len())
        .map(|position| weight(&seed, position))
        .collect()
}

fn weight(seed: &[u8], position: u64) -> [u8; BYTES] {
    let digest = Sha256::new()
        .chain_update(seed)
        .chain_update(position.to_be_bytes())
        .finalize();
    let mut weight = [0; BYTES];
    for (to, from) in weight.iter_mut().zip(digest) {
        *to = from;
    }
    weight
}
