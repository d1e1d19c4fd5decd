//! Votes (docs/formats.md, section 9).

use std::{collections::BTreeMap, fmt::Debug};

use quorate_bls::{self as bls, BatchError, PublicKey, Signature, SignaturePoint};
use quorate_canon::{
    CodecError, Digest, FixedWidth, OperatorIndex,
    codec::{Reader, Writer},
};

use crate::{Header, ProtocolError, StakeTable};

mod sealed {
    pub trait Sealed {}
}

/// How far a vote has been checked.
pub trait State: sealed::Sealed {
    /// The signature of such a vote.
    type Signature: Copy + Debug;
}

/// As it came: the signature is a point on the curve, no more.
#[derive(Debug, Clone, Copy)]
pub enum Unverified {}

/// The operator has stake in the epoch's table, and the signature is its key's. Such a vote can be
/// counted and can be evidence.
#[derive(Debug, Clone, Copy)]
pub enum Verified {}

impl sealed::Sealed for Unverified {}
impl sealed::Sealed for Verified {}

impl State for Unverified {
    type Signature = SignaturePoint;
}

impl State for Verified {
    type Signature = Signature;
}

/// An operator's signature over a header.
#[derive(Debug, Clone, Copy)]
pub struct Vote<S: State> {
    header: Header,
    digest: Digest,
    operator: OperatorIndex,
    signature: S::Signature,
}

impl<S: State> Vote<S> {
    /// What was signed.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The header's digest, computed once.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Who signed, or says so.
    #[must_use]
    pub const fn operator(&self) -> OperatorIndex {
        self.operator
    }

    /// The signature, or what claims to be one.
    #[must_use]
    pub const fn signature(&self) -> &S::Signature {
        &self.signature
    }
}

impl Vote<Unverified> {
    /// A vote from its parts; a node's own vote begins so, too.
    #[must_use]
    pub fn new(header: Header, operator: OperatorIndex, signature: Signature) -> Self {
        Self {
            header,
            digest: header.digest(),
            operator,
            signature: signature.into(),
        }
    }

    /// Checks that the operator may sign and did.
    ///
    /// Whether the header is of this network, and the table of the header's epoch, is asked by who
    /// knows both: [`crate::Domain::require`] and [`crate::Schedule::epoch_of`].
    ///
    /// # Errors
    /// [`ProtocolError::UnknownOperator`], [`ProtocolError::NoStake`], [`ProtocolError::Point`],
    /// [`ProtocolError::BadSignature`].
    pub fn verify(self, table: &StakeTable) -> Result<Vote<Verified>, ProtocolError> {
        let (key, vote) = self.check(table)?;
        let signed = bls::verify(bls::Domain::Vote, &key, &vote.digest.get(), &vote.signature);
        if signed {
            Ok(vote)
        } else {
            Err(ProtocolError::BadSignature(vote.operator))
        }
    }

    /// All but the pairing. Not public: what comes back is verified in name only.
    fn check(self, table: &StakeTable) -> Result<(PublicKey, Vote<Verified>), ProtocolError> {
        let (key, _) = table.signer(self.operator)?;
        let Self {
            header,
            digest,
            operator,
            signature,
        } = self;
        Ok((
            *key,
            Vote {
                header,
                digest,
                operator,
                signature: signature.check()?,
            },
        ))
    }
}

/// Verifies many votes, each for itself, those of one header together. The answers stand in the
/// order of the votes.
#[must_use]
pub fn verify_votes(
    votes: &[Vote<Unverified>],
    table: &StakeTable,
) -> Vec<Result<Vote<Verified>, ProtocolError>> {
    let mut checked: Vec<_> = votes.iter().map(|vote| vote.check(table)).collect();
    let mut groups: BTreeMap<Digest, Vec<usize>> = BTreeMap::new();
    for (place, vote) in checked.iter().enumerate() {
        if let Ok((_, vote)) = vote {
            groups.entry(vote.digest).or_default().push(place);
        }
    }
    for (digest, places) in groups {
        for place in forged(&checked, digest, &places) {
            if let Some(slot) = checked.get_mut(place)
                && let Ok((_, vote)) = slot
            {
                let operator = vote.operator;
                *slot = Err(ProtocolError::BadSignature(operator));
            }
        }
    }
    checked
        .into_iter()
        .map(|vote| vote.map(|(_, vote)| vote))
        .collect()
}

type Checked = Result<(PublicKey, Vote<Verified>), ProtocolError>;

/// The places, of those given, whose signature is not over this digest.
fn forged(checked: &[Checked], digest: Digest, places: &[usize]) -> Vec<usize> {
    let signed: Vec<_> = places
        .iter()
        .filter_map(|place| checked.get(*place)?.as_ref().ok())
        .map(|(key, vote)| (*key, vote.signature))
        .collect();
    match bls::verify_each(bls::Domain::Vote, &digest.get(), &signed) {
        Err(BatchError::Forged(forged)) => forged
            .iter()
            .filter_map(|index| places.get(*index).copied())
            .collect(),
        Ok(()) | Err(BatchError::Empty | BatchError::Cancelled) => Vec::new(),
    }
}

impl From<Vote<Verified>> for Vote<Unverified> {
    fn from(vote: Vote<Verified>) -> Self {
        let Vote {
            header,
            digest,
            operator,
            signature,
        } = vote;
        Self {
            header,
            digest,
            operator,
            signature: signature.into(),
        }
    }
}

/// The width of a vote's bytes.
const WIDTH: usize = Header::WIDTH + 4 + Signature::BYTES;

impl Vote<Unverified> {
    /// Bytes of a vote.
    pub const WIDTH: usize = WIDTH;

    /// Reads a vote. The signature's point is on the curve; nothing else is known of it.
    ///
    /// # Errors
    /// [`ProtocolError::Codec`], [`ProtocolError::Point`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProtocolError> {
        if bytes.len() != WIDTH {
            return Err(CodecError::Width {
                got: bytes.len(),
                expected: WIDTH,
            }
            .into());
        }
        let mut input = Reader::new(bytes);
        let header: Header = input.value()?;
        let operator = input.value()?;
        let signature = SignaturePoint::from_bytes96(&input.take()?)?;
        Ok(Self {
            header,
            digest: header.digest(),
            operator,
            signature,
        })
    }

    /// The vote's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        bytes_of(&self.header, self.operator, &self.signature.to_bytes96())
    }
}

impl Vote<Verified> {
    /// The vote's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        bytes_of(&self.header, self.operator, &self.signature.to_bytes96())
    }
}

fn bytes_of(header: &Header, operator: OperatorIndex, signature: &[u8; 96]) -> Vec<u8> {
    let mut out = Writer::with_capacity(WIDTH);
    out.value(header);
    out.value(&operator);
    out.put(signature);
    out.into_bytes()
}
