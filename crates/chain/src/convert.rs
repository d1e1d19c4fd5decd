//! Our words and alloy's for the same bytes.

use alloy::primitives as eth;
use quorate_canon as canon;

/// alloy's address as ours.
#[must_use]
pub fn to_address(address: eth::Address) -> canon::Address {
    canon::Address(address.into_array())
}

/// Our address as alloy's.
#[must_use]
pub const fn to_alloy_address(address: canon::Address) -> eth::Address {
    eth::Address::new(address.0)
}

pub(crate) const fn digest(word: eth::B256) -> canon::Digest {
    canon::Digest(word.0)
}

/// A chunk as `Rounds` takes it.
#[must_use]
pub fn chunk(
    round: canon::Round,
    chunk: &quorate_matching::ChunkProof,
) -> quorate_bindings::IRounds::Chunk {
    quorate_bindings::IRounds::Chunk {
        n: round.get(),
        count: chunk.count,
        lowest: chunk.lowest,
        index: chunk.index,
        entries: chunk.entries.clone().into(),
        proof: chunk
            .proof
            .iter()
            .map(|hash| eth::B256::new(hash.0))
            .collect(),
    }
}

/// A certificate as `Rounds.settle` takes it, with the beacon's signature.
#[must_use]
pub fn settlement(
    certificate: &quorate_protocol::Certificate,
    beacon_signature: &[u8; 48],
) -> quorate_bindings::IRounds::Settlement {
    let header = certificate.header();
    quorate_bindings::IRounds::Settlement {
        n: header.round.get(),
        snapshotNumber: header.snapshot_number,
        snapshotHash: eth::B256::new(header.snapshot_hash.0),
        inputsRoot: eth::B256::new(header.inputs_root.0),
        outcomeRoot: eth::B256::new(header.outcome_root.0),
        beaconSignature: beacon_signature.to_vec().into(),
        bitmap: certificate.signers().to_bytes().into(),
        aggregate: certificate.aggregate().to_eip2537().to_vec().into(),
    }
}
