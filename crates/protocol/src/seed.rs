//! The seed of a round: from the beacon, and from nothing that anybody chooses.

use quorate_canon::{Digest, Round, hash};
use quorate_matching::Seed;

use crate::Domain;

/// Fifteen bytes of text, not padded.
const TAG: &[u8] = b"quorate/seed/v1";

/// The seed of a round (docs/formats.md, section 8). `signature` is the compressed signature of
/// beacon round `beacon_round` of the chain `chain_hash`. Whether it is the real one is not asked
/// here, and whether `beacon_round` is the round's neither.
#[must_use]
pub fn seed(
    domain: &Domain,
    round: Round,
    chain_hash: &Digest,
    beacon_round: u64,
    signature: &[u8; 48],
) -> Seed {
    let digest = hash::sha256(&[
        TAG,
        &domain.l1_chain.get().to_be_bytes(),
        &domain.l2_chain.get().to_be_bytes(),
        &domain.rounds.get(),
        &round.get().to_be_bytes(),
        &chain_hash.get(),
        &beacon_round.to_be_bytes(),
        signature,
    ]);
    Seed(digest.get())
}
