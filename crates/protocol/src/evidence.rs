//! Evidence: bytes that prove an operator's fault to anyone (docs/formats.md, section 11).

use quorate_bls::Signature;
use quorate_canon::{
    CodecError, FixedWidth, Round,
    codec::{Reader, Writer},
};

use crate::{Header, ProtocolError};

/// Two headers of one round, both signed by one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Equivocation {
    /// One header.
    pub header_a: Header,
    /// The operator's signature over it.
    pub signature_a: Signature,
    /// The other header.
    pub header_b: Header,
    /// The operator's signature over that.
    pub signature_b: Signature,
}

/// A certified header, and an operator's signature on another outcome of the same inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Divergence {
    /// What was certified; L2's word has to confirm it.
    pub certified: Header,
    /// What the operator signed.
    pub other: Header,
    /// The operator's signature over the other.
    pub signature: Signature,
}

/// A kind of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Judged by L1 at once.
    Equivocation(Equivocation),
    /// A charge, until L2's word has come.
    Divergence(Divergence),
}

/// What was done. Numbers are those of `ISlasher.Offence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Offence {
    /// Two headers of one round.
    Equivocation = 1,
    /// Another outcome than the certified one, of the same inputs.
    Divergence = 2,
    /// A header whose outcome was refuted.
    WrongOutcome = 3,
    /// A header whose seed is not the beacon's.
    WrongSeed = 4,
    /// A receipt and a list of windows DOWN that contradict each other.
    FalseAttestation = 5,
}

impl Offence {
    /// Its share of the stake in parts of a hundred, as `Slasher` takes it. Of two offences in one
    /// round the graver is paid for, whichever is found first; a false attestation stands for itself.
    #[must_use]
    pub const fn percent(self) -> u8 {
        match self {
            Self::Equivocation => 20,
            Self::WrongSeed | Self::FalseAttestation => 10,
            Self::WrongOutcome => 5,
            Self::Divergence => 1,
        }
    }

    /// Its name in logs and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equivocation => "equivocation",
            Self::Divergence => "divergence",
            Self::WrongOutcome => "wrong_outcome",
            Self::WrongSeed => "wrong_seed",
            Self::FalseAttestation => "false_attestation",
        }
    }
}

impl Evidence {
    /// Bytes of an equivocation.
    pub const EQUIVOCATION_WIDTH: usize = 2 * (Header::WIDTH + Signature::BYTES);
    /// Bytes of a divergence.
    pub const DIVERGENCE_WIDTH: usize = 2 * Header::WIDTH + Signature::BYTES;

    /// What it accuses of.
    #[must_use]
    pub const fn offence(&self) -> Offence {
        match self {
            Self::Equivocation(_) => Offence::Equivocation,
            Self::Divergence(_) => Offence::Divergence,
        }
    }

    /// The round that it is about.
    #[must_use]
    pub const fn round(&self) -> Round {
        match self {
            Self::Equivocation(evidence) => evidence.header_a.round,
            Self::Divergence(evidence) => evidence.other.round,
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(Self::EQUIVOCATION_WIDTH);
        match self {
            Self::Equivocation(evidence) => {
                out.value(&evidence.header_a);
                out.put(&evidence.signature_a.to_bytes96());
                out.value(&evidence.header_b);
                out.put(&evidence.signature_b.to_bytes96());
            }
            Self::Divergence(evidence) => {
                out.value(&evidence.certified);
                out.value(&evidence.other);
                out.put(&evidence.signature.to_bytes96());
            }
        }
        out.into_bytes()
    }

    /// Reads evidence; its kind is told by its width.
    ///
    /// # Errors
    /// [`ProtocolError::Codec`], [`ProtocolError::Point`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let mut input = Reader::new(bytes);
        match bytes.len() {
            Self::EQUIVOCATION_WIDTH => Ok(Self::Equivocation(Equivocation {
                header_a: input.value()?,
                signature_a: read_signature(&mut input)?,
                header_b: input.value()?,
                signature_b: read_signature(&mut input)?,
            })),
            Self::DIVERGENCE_WIDTH => Ok(Self::Divergence(Divergence {
                certified: input.value()?,
                other: input.value()?,
                signature: read_signature(&mut input)?,
            })),
            got => Err(CodecError::Width {
                got,
                expected: Self::EQUIVOCATION_WIDTH,
            }
            .into()),
        }
    }
}

fn read_signature(input: &mut Reader<'_>) -> Result<Signature, ProtocolError> {
    Ok(Signature::from_bytes96(&input.take()?)?)
}
