//! `Tally`, `Attendance` and `Rewards` in memory, beside the other simulated contracts: every sum is
//! verified, as the contracts do.

use std::collections::{BTreeMap, BTreeSet};

use quorate_bls::{self as bls, Signature};
use quorate_canon::{Digest, Epoch, OperatorIndex, Round, Timestamp};
use quorate_health::{DownList, Place, Receipt, Subject};
use quorate_protocol::{Bitmap, Domain};

use super::simulated::{SimulatedChain, World};
use super::{Counted, Fault, Sampled, Signed, Standing, TallyChain, WorkAction};
use crate::clock::now;

/// The state of the three contracts. All samples are of stake epoch 0.
#[derive(Debug, Default)]
pub struct WorkWorld {
    /// The network that receipts name.
    pub network: Option<Domain>,
    /// Until when work of any epoch is shown.
    pub until: u64,
    /// What will be drawn.
    pub coming: Sampled,
    /// Epochs that were drawn, and whether L1 was told.
    pub drawn: BTreeMap<Epoch, bool>,
    /// Who was presented.
    pub presented: BTreeMap<Round, BTreeSet<OperatorIndex>>,
    /// Who was shown, by sample.
    pub shown: BTreeMap<u16, BTreeSet<OperatorIndex>>,
    /// What is told.
    pub counted: Counted,
    /// Epochs that L1 has heard of.
    pub heard: BTreeSet<Epoch>,
    /// Epochs that were submitted.
    pub submitted: Vec<Epoch>,
    /// Operators' runs below the floor.
    pub runs: BTreeMap<OperatorIndex, u16>,
    /// With which they are ejected.
    pub patience: u16,
    /// Who was.
    pub ejected: Vec<OperatorIndex>,
}

fn refused<T>(why: &str) -> Result<T, Fault> {
    Err(Fault::Refused(why.into()))
}

impl World {
    /// Does what is asked about operators' work.
    pub(super) fn apply_work(&mut self, action: &WorkAction) -> Result<(), Fault> {
        let clock = now().get();
        match action {
            WorkAction::Draw(epoch) => {
                if clock > self.work.until {
                    return refused("OutOfTime");
                }
                match self.work.drawn.insert(*epoch, false) {
                    None => Ok(()),
                    Some(told) => {
                        self.work.drawn.insert(*epoch, told);
                        refused("AlreadyDrawn")
                    }
                }
            }
            WorkAction::Present(round, signed) => {
                let on_chain = self.rounds.get(round).copied();
                let on_chain = on_chain.filter(|it| it.standing == Standing::Settled);
                let Some(on_chain) = on_chain.filter(|_| clock <= self.work.until) else {
                    return refused("NotPresentable");
                };
                let signers = self.verify(on_chain.digest, signed)?;
                let presented = self.work.presented.entry(*round).or_default();
                presented.extend(signers);
                Ok(())
            }
            WorkAction::ShowReceipts { sample, signed, .. } => {
                let at = self.work.coming.probes[usize::from(*sample)];
                let receipt = Receipt(Place {
                    network: self.work.network.unwrap(),
                    subject: Subject::Machine(at.machine),
                    epoch: at.epoch,
                    window: at.window,
                });
                self.put_shown(*sample, receipt.digest(), signed)
            }
            WorkAction::ShowDowns {
                sample,
                list,
                signed,
                ..
            } => {
                let at = self.work.coming.probes[usize::from(*sample)];
                let list = DownList::from_bytes(list).unwrap();
                let entry = list.entry(Subject::Machine(at.machine));
                if list.epoch() != at.epoch || !entry.is_some_and(|it| it.has(at.window)) {
                    return refused("NotInList");
                }
                self.put_shown(*sample, list.digest(), signed)
            }
            WorkAction::Tell(epoch) => {
                if clock <= self.work.until {
                    return refused("OutOfTime");
                }
                match self.work.drawn.insert(*epoch, true) {
                    Some(false) => {
                        self.work.heard.insert(*epoch);
                        Ok(())
                    }
                    _ => refused("AlreadyTold"),
                }
            }
            WorkAction::Submit(epoch) => {
                if !self.work.heard.contains(epoch) {
                    return refused("NotTold");
                }
                if self.work.submitted.contains(epoch) {
                    return refused("AlreadySubmitted");
                }
                self.work.submitted.push(*epoch);
                Ok(())
            }
            WorkAction::Eject(operator, _) => {
                let run = self.work.runs.get(operator).copied().unwrap_or(0);
                if run < self.work.patience {
                    return refused("NotEjectable");
                }
                self.work.runs.remove(operator);
                self.work.ejected.push(*operator);
                Ok(())
            }
        }
    }

    fn put_shown(&mut self, sample: u16, digest: Digest, signed: &Signed) -> Result<(), Fault> {
        if now().get() > self.work.until {
            return refused("OutOfTime");
        }
        let signers = self.verify(digest, signed)?;
        self.work.shown.entry(sample).or_default().extend(signers);
        Ok(())
    }

    /// Who signed, if the sum is theirs.
    fn verify(&self, digest: Digest, signed: &Signed) -> Result<Vec<OperatorIndex>, Fault> {
        let table = &self.tables[&Epoch::new(0)];
        let bitmap = Bitmap::from_bytes(&signed.bitmap, table.count()).unwrap();
        let key = table.signers_key(&bitmap).unwrap();
        let aggregate = signed.aggregate.as_slice().try_into().unwrap();
        let aggregate = Signature::from_eip2537(aggregate).unwrap();
        match bls::verify(bls::Domain::Vote, &key, &digest.0, &aggregate) {
            true => Ok(bitmap.iter().collect()),
            false => refused("BadSignature"),
        }
    }
}

impl TallyChain for SimulatedChain {
    async fn showable_until(&self, _: Epoch) -> Result<Timestamp, Fault> {
        Ok(Timestamp::new(self.ask()?.work.until))
    }

    async fn told(&self, epoch: Epoch) -> Result<Option<bool>, Fault> {
        Ok(self.ask()?.work.drawn.get(&epoch).copied())
    }

    async fn sampled(&self, _: Epoch) -> Result<Sampled, Fault> {
        Ok(self.ask()?.work.coming.clone())
    }

    async fn presented(&self, round: Round, _: u32) -> Result<BTreeSet<OperatorIndex>, Fault> {
        let presented = self.ask()?.work.presented.get(&round).cloned();
        Ok(presented.unwrap_or_default())
    }

    async fn is_shown(
        &self,
        _: Epoch,
        sample: u16,
        operator: OperatorIndex,
    ) -> Result<bool, Fault> {
        let world = self.ask()?;
        let shown = world.work.shown.get(&sample);
        Ok(shown.is_some_and(|shown| shown.contains(&operator)))
    }

    async fn counted(&self, _: Epoch) -> Result<Counted, Fault> {
        Ok(self.ask()?.work.counted.clone())
    }

    async fn is_heard(&self, epoch: Epoch) -> Result<bool, Fault> {
        Ok(self.ask()?.work.heard.contains(&epoch))
    }

    async fn is_submitted(&self, epoch: Epoch) -> Result<bool, Fault> {
        Ok(self.ask()?.work.submitted.contains(&epoch))
    }

    async fn run_of(&self, operator: OperatorIndex) -> Result<u16, Fault> {
        let run = self.ask()?.work.runs.get(&operator).copied();
        Ok(run.unwrap_or(0))
    }

    async fn patience(&self) -> Result<u16, Fault> {
        Ok(self.ask()?.work.patience)
    }
}
