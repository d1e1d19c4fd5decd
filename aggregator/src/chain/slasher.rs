//! What `Slasher` on L1 knows.

use alloy::primitives::{Address, B256, U256};
use quorate_bindings::eigenlayer::{IAllocationManager, OperatorSet};
use quorate_bindings::links::SlasherLimits;
use quorate_bindings::{IServiceManager, ISlasher};
use quorate_canon::{Digest, Epoch, OperatorIndex, Round};
use quorate_chain::Rpc;
use quorate_protocol::{Offence, Verdict, Word};

use super::Fault;
use super::ethereum::view_fault;

/// `Slasher`. Its functions are those of [`super::Chain`].
pub(super) struct Slasher<'a> {
    /// Where it lies.
    pub(super) at: Address,
    /// The AVS whose operators it slashes.
    pub(super) service_manager: Address,
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

    /// An operator of the set loses at least its place there: an empty slash ejects it. One that has left
    /// can lose stake as long as the core lets it be slashed, up to the epoch's cap.
    pub(super) async fn can_lose(
        &self,
        operator: OperatorIndex,
        epoch: Epoch,
    ) -> Result<bool, Fault> {
        let manager = IServiceManager::new(self.service_manager, self.l1.provider());
        let known = manager.operatorAt(operator.get()).call().await;
        let known = known.map_err(view_fault)?;
        if known.registered {
            return Ok(true);
        }
        if self.is_used_up(operator, epoch).await? {
            return Ok(false);
        }
        let set = OperatorSet {
            avs: self.service_manager,
            id: manager.operatorSetId().call().await.map_err(view_fault)?,
        };
        let core = manager.allocationManager().call().await;
        let core = IAllocationManager::new(core.map_err(view_fault)?, self.l1.provider());
        core.isOperatorSlashable(known.operator, set)
            .call()
            .await
            .map_err(view_fault)
    }

    /// Whether an operator has lost as much for a stake epoch as the cap allows, while there is one.
    async fn is_used_up(&self, operator: OperatorIndex, epoch: Epoch) -> Result<bool, Fault> {
        let limits = SlasherLimits::new(self.at, self.l1.provider());
        let sunset = limits.sunset().call().await.map_err(view_fault)?;
        if self.l1.latest().await?.head().timestamp.get() >= sunset {
            return Ok(false);
        }
        let cap = limits.EPOCH_CAP().call().await.map_err(view_fault)?;
        let lost = limits.lostIn(operator.get(), U256::from(epoch.get()));
        Ok(lost.call().await.map_err(view_fault)? >= cap)
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
