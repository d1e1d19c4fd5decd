//! The one equation of BLS, and how far two sides are apart.

use blst::blst_fp12;

use crate::{
    Domain,
    raw::{self, G1, G2, g1},
    sums::Sums,
};

/// An element of the pairing's target group, thought of as additive: the defect of a sum is the sum
/// of the defects.
pub(crate) type Gt = blst_fp12;

/// `e(S, g2) = e(H(m), K)` for one purpose and message.
pub(crate) struct Equation<'a> {
    domain: Domain,
    message: &'a [u8],
    minus_hash: Option<G1>,
}

impl<'a> Equation<'a> {
    pub(crate) fn new(domain: Domain, message: &'a [u8]) -> Self {
        let hash = raw::hash_to_g1(message, domain.tag());
        // A message hashes to infinity with probability 2^-255; no finite signature holds for it.
        Self {
            domain,
            message,
            minus_hash: g1::affine(&g1::negate(hash)),
        }
    }

    pub(crate) const fn domain(&self) -> Domain {
        self.domain
    }

    pub(crate) const fn message(&self) -> &[u8] {
        self.message
    }

    /// `e(S, g2) - e(H(m), K)`: zero exactly if the equation holds. `None` is infinity.
    pub(crate) fn defect(&self, signature: Option<G1>, key: Option<G2>) -> Gt {
        let left = signature.map(|point| (point, raw::g2_generator()));
        let right = self.minus_hash.zip(key);
        let pairs: Vec<_> = left.into_iter().chain(right).collect();
        raw::pairing_product(&pairs)
    }

    /// The defect of sums.
    pub(crate) fn defect_of(&self, sums: &Sums) -> Gt {
        let (signature, key) = sums.affine();
        self.defect(signature, key)
    }

    pub(crate) fn holds(&self, signature: &G1, key: &G2) -> bool {
        is_zero(&self.defect(Some(*signature), Some(*key)))
    }
}

/// Whether a defect is none.
pub(crate) fn is_zero(defect: &Gt) -> bool {
    *defect == Gt::default()
}

/// The sum of two defects.
pub(crate) fn plus(a: &Gt, b: &Gt) -> Gt {
    raw::gt_add(a, b)
}

/// The defect of the rest: that of the whole less that of a part.
pub(crate) fn rest(whole: &Gt, part: &Gt) -> Gt {
    raw::gt_add(whole, &raw::gt_negate(*part))
}

/// `count x defect`, by doubling and adding.
pub(crate) fn times(defect: &Gt, count: usize) -> Gt {
    let bits = (0..usize::BITS).rev().map(|bit| count >> bit & 1 == 1);
    bits.skip_while(|bit| !bit).fold(Gt::default(), |sum, bit| {
        let double = plus(&sum, &sum);
        if bit { plus(&double, defect) } else { double }
    })
}
