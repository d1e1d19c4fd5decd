//! The header: what operators sign (docs/formats.md, section 9).

use quorate_canon::{
    CodecError, Digest, Domain, FixedWidth, Round,
    codec::{Reader, Writer},
    hash,
};
use quorate_matching::Seed;

use crate::ProtocolError;

/// The revision of the rules that this code speaks.
pub const PROTOCOL_VERSION: u32 = 1;

const TAG: &str = "quorate/header/v1";

/// Compares a domain with the one that this node serves.
///
/// # Errors
/// [`ProtocolError::Domain`], naming the first part that differs.
pub fn require_domain(got: &Domain, ours: &Domain) -> Result<(), ProtocolError> {
    let numbers = [
        ("L1 chain", got.l1_chain.get(), ours.l1_chain.get()),
        ("L2 chain", got.l2_chain.get(), ours.l2_chain.get()),
        (
            "operator set",
            u64::from(got.operator_set),
            u64::from(ours.operator_set),
        ),
    ];
    for (field, got, expected) in numbers {
        if got != expected {
            return Err(ProtocolError::number(field, got, expected));
        }
    }
    let addresses = [
        ("Rounds", got.rounds, ours.rounds),
        ("AVS", got.avs, ours.avs),
    ];
    for (field, got, expected) in addresses {
        if got != expected {
            return Err(ProtocolError::address(field, got, expected));
        }
    }
    Ok(())
}

/// The summary of a round that operators sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    /// Whose round.
    pub domain: Domain,
    /// Which round.
    pub round: Round,
    /// Number of the last L2 block with a timestamp before the round's close.
    pub snapshot_number: u64,
    /// That block's hash.
    pub snapshot_hash: Digest,
    /// Hash of the policy in force.
    pub policy_hash: Digest,
    /// Commitment to all orders and their values at T.
    pub inputs_root: Digest,
    /// The round's seed, from the beacon.
    pub seed: Seed,
    /// Commitment to who got what.
    pub outcome_root: Digest,
}

impl Header {
    /// What is signed: SHA-256 of the header's bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        hash::sha256(&[&self.to_bytes()])
    }

    /// Whether both speak of the same round of the same network: the first 104 bytes are equal.
    #[must_use]
    pub fn same_round(&self, other: &Self) -> bool {
        (self.domain, self.round) == (other.domain, other.round)
    }

    /// Whether both speak of the same round and name the same inputs, so that only one outcome can
    /// be right: all bytes but the outcome root's are equal.
    #[must_use]
    pub fn same_inputs(&self, other: &Self) -> bool {
        Self {
            outcome_root: other.outcome_root,
            ..*self
        } == *other
    }
}

impl FixedWidth for Header {
    const WIDTH: usize = 272;

    fn write(&self, out: &mut Writer) {
        out.put(&hash::tag(TAG));
        out.value(&PROTOCOL_VERSION);
        out.value(&self.domain);
        out.value(&self.round);
        out.value(&self.snapshot_number);
        out.value(&self.snapshot_hash);
        out.value(&self.policy_hash);
        out.value(&self.inputs_root);
        out.put(&self.seed.0);
        out.value(&self.outcome_root);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let tag: [u8; 32] = input.take()?;
        if tag != hash::tag(TAG) {
            let got = tag
                .first_chunk()
                .map_or(0, |head| u64::from_be_bytes(*head));
            return Err(CodecError::Range {
                field: "tag",
                got,
                expected: TAG,
            });
        }
        let version: u32 = input.value()?;
        if version != PROTOCOL_VERSION {
            let got = u64::from(version);
            return Err(CodecError::Range {
                field: "protocol version",
                got,
                expected: "1",
            });
        }
        Ok(Self {
            domain: input.value()?,
            round: input.value()?,
            snapshot_number: input.value()?,
            snapshot_hash: input.value()?,
            policy_hash: input.value()?,
            inputs_root: input.value()?,
            seed: Seed(input.take()?),
            outcome_root: input.value()?,
        })
    }
}
