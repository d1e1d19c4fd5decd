//! Certificates (docs/formats.md, section 9).

use quorate_bls::{self as bls, Signature, SignaturePoint};
use quorate_canon::{
    Digest, OperatorStake,
    codec::{Reader, Writer},
};

use crate::{
    Bitmap, Header, ProtocolError, StakeTable, Unverified, Verified, Vote, quorum_reached,
};

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

    fn check(
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

/// A certificate as it came.
#[derive(Debug, Clone)]
pub struct UnverifiedCertificate {
    header: Header,
    bitmap: Vec<u8>,
    aggregate: SignaturePoint,
}

impl UnverifiedCertificate {
    /// A certificate from its parts, as a chain's event gives them.
    #[must_use]
    pub fn new(header: Header, bitmap: Vec<u8>, aggregate: Signature) -> Self {
        Self {
            header,
            bitmap,
            aggregate: aggregate.into(),
        }
    }

    /// Reads its bytes.
    ///
    /// # Errors
    /// [`ProtocolError::Codec`], [`ProtocolError::Point`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut input = Reader::new(bytes);
        let header = input.value()?;
        let length: u16 = input.value()?;
        let bitmap = input.slice(usize::from(length))?.to_vec();
        let aggregate = SignaturePoint::from_bytes96(&input.take()?)?;
        input.finish()?;
        Ok(Self {
            header,
            bitmap,
            aggregate,
        })
    }

    /// What it says was certified.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Checks signers, quorum and signature against the table of the header's epoch.
    ///
    /// # Errors
    /// [`ProtocolError`].
    pub fn verify(self, table: &StakeTable) -> Result<Certificate, ProtocolError> {
        let signers = Bitmap::from_bytes(&self.bitmap, table.count())?;
        let digest = self.header.digest();
        Certificate::check(self.header, digest, signers, &[self.aggregate], table)
    }
}

/// Collects the verified votes of one header, one an operator, until they are a quorum.
#[derive(Debug, Clone)]
pub struct CertificateBuilder<'a> {
    table: &'a StakeTable,
    header: Header,
    digest: Digest,
    signers: Bitmap,
    signatures: Vec<Signature>,
    signed: OperatorStake,
}

impl<'a> CertificateBuilder<'a> {
    /// Starts with nobody. `table` is that of the header's stake epoch.
    #[must_use]
    pub fn new(header: Header, table: &'a StakeTable) -> Self {
        Self {
            table,
            header,
            digest: header.digest(),
            signers: Bitmap::empty(table.count()),
            signatures: Vec::new(),
            signed: OperatorStake::new(0),
        }
    }

    /// Counts a vote, once an operator, and says whether there is a quorum now.
    ///
    /// # Errors
    /// [`ProtocolError::OtherHeader`], [`ProtocolError::Duplicate`], and for a vote that was
    /// verified against another table [`ProtocolError::UnknownOperator`] or
    /// [`ProtocolError::NoStake`]. The builder is then as it was.
    pub fn add(&mut self, vote: &Vote<Verified>) -> Result<bool, ProtocolError> {
        require_digest(vote.digest(), self.digest)?;
        let (_, stake) = self.table.signer(vote.operator())?;
        let out_of_range = ProtocolError::OutOfRange {
            what: "signed stake",
        };
        let signed = self.signed.checked_add(stake.get()).ok_or(out_of_range)?;
        if !self.signers.insert(vote.operator())? {
            return Err(ProtocolError::Duplicate(vote.operator()));
        }
        self.signed = signed;
        self.signatures.push(*vote.signature());
        Ok(self.is_quorum())
    }

    /// The stake counted so far.
    #[must_use]
    pub const fn signed_stake(&self) -> OperatorStake {
        self.signed
    }

    /// Who has been counted so far.
    #[must_use]
    pub const fn signers(&self) -> &Bitmap {
        &self.signers
    }

    /// Whether the stake counted so far is a quorum.
    #[must_use]
    pub fn is_quorum(&self) -> bool {
        quorum_reached(self.signed.get(), self.table.total().get())
    }

    /// The certificate of the votes so far. One pairing check: R9 asks that nothing is sent which
    /// was not verified as it is sent.
    ///
    /// # Errors
    /// [`ProtocolError::NoQuorum`], [`ProtocolError::Cancelled`], [`ProtocolError::BadAggregate`].
    pub fn build(&self) -> Result<Certificate, ProtocolError> {
        let points: Vec<SignaturePoint> = self
            .signatures
            .iter()
            .copied()
            .map(SignaturePoint::from)
            .collect();
        Certificate::check(
            self.header,
            self.digest,
            self.signers.clone(),
            &points,
            self.table,
        )
    }
}

fn require_digest(got: Digest, expected: Digest) -> Result<(), ProtocolError> {
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
