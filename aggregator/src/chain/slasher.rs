//! What `Slasher` on L1 knows.

use alloy::primitives::{Address, B256};
use quorate_bindings::ISlasher;
use quorate_canon::{Digest, OperatorIndex, Round};
use quorate_chain::Rpc;
use quorate_protocol::{Offence, Verdict, Word};

use super::Fault;
use super::ethereum::view_fault;

/// `Slasher`. Its functions are those of [`super::Chain`].
pub(super) struct Slasher<'a> {
    /// Where it lies.
    pub(super) at: Address,
    /// L1.
    pub(super) l1: &'a Rpc,
}

impl Slasher<'_> {
    pub(super) async fn word(&self, round: Round) -> Result<Option<Word>, Fault> {
        let contract = ISlasher::new(self.at, self.l1.provider());
        let word = contract
            .wordOf(round.get())
            .call()
            .await
            .map_err(view_fault)?;
        let verdict = match word.verdict {
            0 => return Ok(None),
            1 => Verdict::Stands,
            2 => Verdict::WrongOutcome,
            3 => Verdict::WrongSeed,
            other => return Err(Fault::BadData(format!("verdict {other}"))),
        };
        Ok(Some(Word {
            round,
            digest: Digest(word.digest.0),
            verdict,
        }))
    }

    pub(super) async fn offence(
        &self,
        operator: OperatorIndex,
        round: Round,
    ) -> Result<Option<Offence>, Fault> {
        let contract = ISlasher::new(self.at, self.l1.provider());
        let offence = contract
            .offenceOf(operator.get(), round.get())
            .call()
            .await
            .map_err(view_fault)?;
        offence_of(offence.offence)
    }

    pub(super) async fn verdict(
        &self,
        round: Round,
        digest: Digest,
    ) -> Result<Option<Offence>, Fault> {
        let contract = ISlasher::new(self.at, self.l1.provider());
        let offence = contract
            .verdictOf(round.get(), B256::new(digest.0))
            .call()
            .await
            .map_err(view_fault)?;
        offence_of(offence)
    }

    pub(super) async fn has_signed(
        &self,
        digest: Digest,
        operator: OperatorIndex,
    ) -> Result<bool, Fault> {
        let contract = ISlasher::new(self.at, self.l1.provider());
        contract
            .hasSigned(B256::new(digest.0), operator.get())
            .call()
            .await
            .map_err(view_fault)
    }
}

fn offence_of(offence: ISlasher::Offence) -> Result<Option<Offence>, Fault> {
    Ok(Some(match offence {
        ISlasher::Offence::None => return Ok(None),
        ISlasher::Offence::Equivocation => Offence::Equivocation,
        ISlasher::Offence::Divergence => Offence::Divergence,
        ISlasher::Offence::WrongOutcome => Offence::WrongOutcome,
        ISlasher::Offence::WrongSeed => Offence::WrongSeed,
        // Kept under an id of its own: a round has none.
        ISlasher::Offence::FalseAttestation | ISlasher::Offence::__Invalid => {
            return Err(Fault::BadData("an offence of no round".to_owned()));
        }
    }))
}
