//! A trial: a refuted header, who signed it, and how far their punishment has come.

use quorate_canon::Round;
use quorate_protocol::{Offence, Signers};

/// The code of a refutation by a wrong seed (docs/formats.md, section 13).
const WRONG_SEED: u8 = 15;

/// A refuted header and its signers. Whether one of them was punished is for L1 to say: nothing
/// here has to be right for that, so two aggregators, or one with an old database, do no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Who signed which header.
    pub signers: Signers,
    /// What it was refuted with (docs/formats.md, section 13).
    pub code: u8,
    /// Whether the signers were struck on L2.
    pub struck: bool,
    /// How far it has come on L1.
    pub stage: TrialStage,
}

/// How far a trial has come on L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialStage {
    /// L1 does not know the signers yet.
    Open,
    /// L1 knows them all.
    Proven,
    /// All were punished.
    Ended,
    /// The time for it is over.
    Lapsed,
}

impl Trial {
    /// A trial of a round that was just refuted.
    pub const fn new(signers: Signers, code: u8) -> Self {
        Self {
            signers,
            code,
            struck: false,
            stage: TrialStage::Open,
        }
    }

    /// The round that it is about.
    pub const fn round(&self) -> Round {
        self.signers.header.round
    }

    /// Whether something remains to be done.
    pub const fn is_pending(&self) -> bool {
        matches!(self.stage, TrialStage::Open | TrialStage::Proven)
    }

    /// What the refutation accuses the signers of.
    pub const fn offence(&self) -> Offence {
        if self.code == WRONG_SEED {
            Offence::WrongSeed
        } else {
            Offence::WrongOutcome
        }
    }

    /// Its bytes: `stage ‖ struck ‖ code ‖ signers`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let stage = match self.stage {
            TrialStage::Open => 0,
            TrialStage::Proven => 1,
            TrialStage::Ended => 2,
            TrialStage::Lapsed => 3,
        };
        let mut bytes = vec![stage, u8::from(self.struck), self.code];
        bytes.extend(self.signers.to_bytes());
        bytes
    }

    /// Reads its bytes; `None` if they are no trial's.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let ([stage, struck, code], signers) = bytes.split_first_chunk::<3>()?;
        Some(Self {
            signers: Signers::from_bytes(signers).ok()?,
            code: *code,
            struck: *struck == 1,
            stage: match stage {
                0 => TrialStage::Open,
                1 => TrialStage::Proven,
                2 => TrialStage::Ended,
                3 => TrialStage::Lapsed,
                _ => return None,
            },
        })
    }
}
