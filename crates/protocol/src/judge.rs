//! What evidence proves, and how votes become evidence.

use quorate_bls::{self as bls, PublicKey, Signature};
use quorate_canon::{Digest, OperatorIndex, Round, hash};

use crate::{
    Certificate, Divergence, Domain, Equivocation, Evidence, Header, Offence, Verdict, Verified,
    Vote, Word,
};

/// A proven fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What was done.
    pub offence: Offence,
    /// By whom: the holder of the key that the evidence was judged with.
    pub operator: OperatorIndex,
    /// In which round.
    pub round: Round,
    /// The certified header that L2's word has to confirm first; `None` where L1 judges alone.
    pub awaits: Option<Digest>,
}

/// Why evidence proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoFault {
    /// A header is of another network.
    #[error("a header is of another network")]
    OtherNetwork,
    /// The headers are of different rounds.
    #[error("headers are of different rounds: {a} and {b}")]
    OtherRound {
        /// The first header's.
        a: Round,
        /// The second's.
        b: Round,
    },
    /// Both headers are the same.
    #[error("both headers have the digest {0}")]
    SameHeader(Digest),
    /// The headers name different inputs, so both outcomes may be right.
    #[error("headers name different inputs")]
    OtherInputs,
    /// The seed is the beacon's, or the bytes say nothing about it.
    #[error("the bytes show no wrong seed")]
    RightSeed,
    /// A signature is not this key's.
    #[error("signature over {0} is not the accused's")]
    BadSignature(Digest),
}

impl Fault {
    /// The one offence that this fault is: the same for whatever evidence of the same round.
    #[must_use]
    pub fn id(&self) -> Digest {
        offence_id(self.operator, self.round)
    }

    /// Whether it may be punished: at once, or when L2 has said that the very header settled in
    /// full and outlived its window. Silence never convicts.
    #[must_use]
    pub fn may_execute(&self, word: Option<&Word>) -> bool {
        let Some(awaited) = self.awaits else {
            return true;
        };
        word.is_some_and(|word| {
            (word.round, word.digest, word.verdict) == (self.round, awaited, Verdict::Stands)
        })
    }
}

/// One offence is one (operator, round), slashed once.
#[must_use]
pub fn offence_id(operator: OperatorIndex, round: Round) -> Digest {
    hash::sha256(&[
        &hash::tag("quorate/offence/v1"),
        &operator.get().to_be_bytes(),
        &round.get().to_be_bytes(),
    ])
}

impl Evidence {
    /// Judges the evidence against the key of `operator` in our network. Total: whatever was signed
    /// leads to a fault or to none.
    ///
    /// # Errors
    /// [`NoFault`].
    pub fn judge(
        &self,
        domain: &Domain,
        operator: OperatorIndex,
        key: &PublicKey,
    ) -> Result<Fault, NoFault> {
        let awaits = match self {
            Self::Equivocation(evidence) => {
                evidence.judge(domain, key)?;
                None
            }
            Self::Divergence(evidence) => {
                evidence.judge(domain, key)?;
                Some(evidence.certified.digest())
            }
        };
        Ok(Fault {
            offence: self.offence(),
            operator,
            round: self.round(),
            awaits,
        })
    }
}

impl Equivocation {
    fn judge(&self, domain: &Domain, key: &PublicKey) -> Result<(), NoFault> {
        require_same_round(domain, &self.header_a, &self.header_b)?;
        let digest = self.header_a.digest();
        if digest == self.header_b.digest() {
            return Err(NoFault::SameHeader(digest));
        }
        require_signed(&self.header_a, &self.signature_a, key)?;
        require_signed(&self.header_b, &self.signature_b, key)
    }
}

impl Divergence {
    fn judge(&self, domain: &Domain, key: &PublicKey) -> Result<(), NoFault> {
        require_same_round(domain, &self.certified, &self.other)?;
        if self.certified == self.other {
            return Err(NoFault::SameHeader(self.other.digest()));
        }
        if !self.certified.same_inputs(&self.other) {
            return Err(NoFault::OtherInputs);
        }
        require_signed(&self.other, &self.signature, key)
    }
}

/// The equivocation that two votes are, if they are one: same operator, same round, different
/// headers. The header with the smaller digest comes first, so that both orders give the same
/// evidence.
#[must_use]
pub fn detect(a: &Vote<Verified>, b: &Vote<Verified>) -> Option<Evidence> {
    let same = a.operator() == b.operator() && a.header().same_round(b.header());
    if !same || a.digest() == b.digest() {
        return None;
    }
    let (a, b) = if a.digest() < b.digest() {
        (a, b)
    } else {
        (b, a)
    };
    Some(Evidence::Equivocation(Equivocation {
        header_a: *a.header(),
        signature_a: *a.signature(),
        header_b: *b.header(),
        signature_b: *b.signature(),
    }))
}

/// The divergence of a vote from a certificate, if it is one: same inputs, another outcome.
#[must_use]
pub fn detect_divergence(certificate: &Certificate, vote: &Vote<Verified>) -> Option<Evidence> {
    let (certified, other) = (certificate.header(), vote.header());
    if certified == other || !certified.same_inputs(other) {
        return None;
    }
    Some(Evidence::Divergence(Divergence {
        certified: *certified,
        other: *other,
        signature: *vote.signature(),
    }))
}

fn require_same_round(domain: &Domain, a: &Header, b: &Header) -> Result<(), NoFault> {
    if (a.domain, b.domain) != (*domain, *domain) {
        return Err(NoFault::OtherNetwork);
    }
    if a.round != b.round {
        return Err(NoFault::OtherRound {
            a: a.round,
            b: b.round,
        });
    }
    Ok(())
}

fn require_signed(header: &Header, signature: &Signature, key: &PublicKey) -> Result<(), NoFault> {
    let digest = header.digest();
    if bls::verify(bls::Domain::Vote, key, &digest.get(), signature) {
        Ok(())
    } else {
        Err(NoFault::BadSignature(digest))
    }
}
