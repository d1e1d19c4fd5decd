//! Certificates (docs/formats.md, section 9).

use quorate_bls::{self as bls, Signature, SignaturePoint};
use quorate_canon::{Digest, OperatorStake, codec::Writer};

use crate::{Bitmap, Header, ProtocolError, StakeTable, Unverified, Vote, quorum_reached};

/// A header that operators with a quorum of the stake have signed. No constructor skips the
/// quorum or the signature.
///
/// Its bytes are no identity: the same header has certificates of different signers. Key by
/// (round, digest).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    header: Header,
    digest: Digest,
    signers: Bitmap,
    aggregate: Signature,
    signed: OperatorStake,
}

impl Certificate {
    /// A certificate from unverified votes of one header with one check of the sum: the fast way.
    /// It proves the certificate, not the single votes; which of them is bad, if it fails, tells
    /// [`crate::verify_votes`].
    ///
    /// # Errors
    /// [`ProtocolError`]; [`ProtocolError::BadAggregate`] if some signature is bad.
    pub fn of_votes(
        header: &Header,
        votes: &[Vote<Unverified>],
        table: &StakeTable,
    ) -> Result<Self, ProtocolError> {
        let digest = header.digest();
        let mut signers = Bitmap::empty(table.count());
        for vote in votes {
            require_digest(vote.digest(), digest)?;
            if !signers.insert(vote.operator())? {
                return Err(ProtocolError::Duplicate(vote.operator()));
            }
        }
        let points: Vec<SignaturePoint> = votes.iter().map(|vote| *vote.signature()).collect();
        Self::check(*header, digest, signers, &points, table)
    }

    pub(crate) fn check(
        header: Header,
        digest: Digest,
        signers: Bitmap,
        points: &[SignaturePoint],
        table: &StakeTable,
    ) -> Result<Self, ProtocolError> {
        let signed = quorum(&signers, table)?;
        let key = table.signers_key(&signers)?;
        let aggregate = bls::verify_sum(bls::Domain::Vote, &digest.get(), &key, points)
            .ok_or(ProtocolError::BadAggregate)?;
        Ok(Self {
            header,
            digest,
            signers,
            aggregate,
            signed,
        })
    }

    /// What is certified.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The header's digest.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Who signed.
    #[must_use]
    pub const fn signers(&self) -> &Bitmap {
        &self.signers
    }

    /// The sum of the signatures.
    #[must_use]
    pub const fn aggregate(&self) -> &Signature {
        &self.aggregate
    }

    /// The stake that signed.
    #[must_use]
    pub const fn signed_stake(&self) -> OperatorStake {
        self.signed
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let bitmap = self.signers.to_bytes();
        // A table has at most 8 x 65 535 operators, so the length always fits.
        let length = u16::try_from(bitmap.len()).unwrap_or(u16::MAX);
        let mut out = Writer::default();
        out.value(&self.header);
        out.value(&length);
        out.put(&bitmap);
        out.put(&self.aggregate.to_bytes96());
        out.into_bytes()
    }
}

pub(crate) fn require_digest(got: Digest, expected: Digest) -> Result<(), ProtocolError> {
    if got == expected {
        Ok(())
    } else {
        Err(ProtocolError::OtherHeader { got, expected })
    }
}

fn quorum(signers: &Bitmap, table: &StakeTable) -> Result<OperatorStake, ProtocolError> {
    let signed = table.signed_stake(signers)?;
    let (part, total) = (signed.get(), table.total().get());
    if !quorum_reached(part, total) {
        return Err(ProtocolError::NoQuorum {
            signed: part,
            total,
        });
    }
    Ok(signed)
}
