//! How a certificate comes about, and how one that came from elsewhere is checked.

use quorate_bls::{Signature, SignaturePoint};
use quorate_canon::{Digest, OperatorIndex, OperatorStake, codec::Reader};

use crate::{
    Bitmap, Certificate, Header, ProtocolError, StakeTable, Verified, Vote,
    certificate::require_digest, quorum_reached,
};

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

    /// Whether an operator's bit is set; nothing is verified.
    #[must_use]
    pub fn claims(&self, operator: OperatorIndex) -> bool {
        let (byte, bit) = (operator.get() >> 3, operator.get() & 7);
        let byte = usize::try_from(byte)
            .ok()
            .and_then(|byte| self.bitmap.get(byte));
        byte.is_some_and(|byte| byte.checked_shr(bit).is_some_and(|bits| bits & 1 == 1))
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
