//! Sums over many votes on one message.

use blst::{blst_p1, blst_p2};

use crate::{
    PublicKey, Signature,
    raw::{G1, G2, g1, g2},
};

/// A sum of signatures and the sum of the same votes' keys.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sums {
    signature: blst_p1,
    key: blst_p2,
}

impl Sums {
    /// Of some votes.
    pub(crate) fn of(votes: &[(PublicKey, Signature)]) -> Self {
        let (keys, signatures) = points(votes);
        Self {
            signature: g1::sum(&signatures),
            key: g2::sum(&keys),
        }
    }

    /// Of some votes, each times its little-endian scalar.
    pub(crate) fn weighted<const BYTES: usize>(
        votes: &[(PublicKey, Signature)],
        scalars: &[[u8; BYTES]],
    ) -> Self {
        let (keys, signatures) = points(votes);
        Self {
            signature: g1::multiply_sum(&signatures, scalars),
            key: g2::multiply_sum(&keys, scalars),
        }
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self {
            signature: g1::add(&self.signature, &other.signature),
            key: g2::add(&self.key, &other.key),
        }
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        self.plus(&Self {
            signature: g1::negate(other.signature),
            key: g2::negate(other.key),
        })
    }

    /// Both sums, each `None` where it is infinity.
    pub(crate) fn affine(&self) -> (Option<G1>, Option<G2>) {
        (g1::affine(&self.signature), g2::affine(&self.key))
    }
}

fn points(votes: &[(PublicKey, Signature)]) -> (Vec<&G2>, Vec<&G1>) {
    votes
        .iter()
        .map(|(key, signature)| (key.point(), signature.point()))
        .unzip()
}
