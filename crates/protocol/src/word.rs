//! L2's word about a round, up the bridge (docs/formats.md, section 12).

use quorate_canon::{
    CodecError, Digest, FixedWidth, Round,
    codec::{Reader, Writer},
};

/// What L2 has found of a certified header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Verdict {
    /// Settled in full, and it outlived its window.
    Stands = 1,
    /// Its outcome is wrong.
    WrongOutcome = 2,
    /// Its seed is wrong.
    WrongSeed = 3,
}

impl Verdict {
    /// Its number in the message.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Stands => 1,
            Self::WrongOutcome => 2,
            Self::WrongSeed => 3,
        }
    }
}

/// L2's word about one round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Word {
    /// The round.
    pub round: Round,
    /// Digest of the header that was certified for it.
    pub digest: Digest,
    /// What became of it.
    pub verdict: Verdict,
}

impl FixedWidth for Word {
    const WIDTH: usize = 41;

    fn write(&self, out: &mut Writer) {
        out.value(&self.round);
        out.value(&self.digest);
        out.value(&self.verdict.code());
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let (round, digest) = (input.value()?, input.value()?);
        let verdict = match input.value::<u8>()? {
            1 => Verdict::Stands,
            2 => Verdict::WrongOutcome,
            3 => Verdict::WrongSeed,
            other => {
                let got = u64::from(other);
                return Err(CodecError::Range {
                    field: "verdict",
                    got,
                    expected: "1, 2 or 3",
                });
            }
        };
        Ok(Self {
            round,
            digest,
            verdict,
        })
    }
}
