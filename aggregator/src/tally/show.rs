//! Shows who did what a sample asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use quorate_bls::Signature;
use quorate_canon::{Digest, OperatorIndex, Round, Timestamp};
use quorate_health::{DownList, Subject};

use super::clerk::{Clerk, Step};
use super::sum::{Sum, sum};
use super::{Probe, Sheet};
use crate::chain::{Fault, Standing, TallyChain, WorkAction};
use crate::settle::Beacons;
use crate::store::{HeaderId, blocking};

/// Samples that are worked on at a time, and questions to L2 about each.
const AT_A_TIME: usize = 4;

type Signatures = BTreeMap<OperatorIndex, Signature>;

impl<C: TallyChain, B: Beacons> Clerk<C, B> {
    /// Shows what is due of an epoch: once when receipts and votes have had time to come, and what
    /// came since once more before the end. One sample that fails keeps no other back.
    pub(super) async fn show(&mut self, sheet: &Arc<Sheet>, clock: Timestamp) {
        let looks = sheet.looks(clock);
        let is_due = |step: &Step| {
            let before = self.shown.get(step).copied().unwrap_or(0);
            before < looks && self.patience.may_try(step)
        };
        let due: Vec<_> = self.steps(sheet).into_iter().filter(is_due).collect();
        let this = &*self;
        let results: Vec<(Step, Result<bool, Fault>)> = stream::iter(due)
            .map(|step| async move { (step, this.show_one(sheet, step, clock).await) })
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        for (step, result) in results {
            match result {
                Ok(true) => {
                    self.patience.succeeded(&step);
                    self.shown.insert(step, looks);
                }
                Ok(false) => {}
                Err(fault) => {
                    self.desks.observe.hindered("showing work", fault);
                    self.patience.failed(step);
                }
            }
        }
    }

    /// Shows what is known of one sample; false while its end is not known.
    async fn show_one(
        &self,
        sheet: &Arc<Sheet>,
        step: Step,
        clock: Timestamp,
    ) -> Result<bool, Fault> {
        match step {
            Step::Round(_, round) => self.show_round(sheet, round, clock).await,
            Step::Probe(_, sample) => self.show_probe(sheet, sample).await,
            _ => Ok(true),
        }
    }

    /// What the sample asks for, beginning where this process begins.
    fn steps(&self, sheet: &Sheet) -> Vec<Step> {
        let rounds = sheet.rounds.iter().filter(|_| self.desks.work.attendance);
        let rounds = rounds.map(|round| Step::Round(sheet.epoch, *round));
        let probes = sheet.probes.keys();
        let probes = probes.map(|sample| Step::Probe(sheet.epoch, *sample));
        let mut steps: Vec<_> = rounds.chain(probes).collect();
        let count = u64::try_from(steps.len()).unwrap_or(1).max(1);
        let begin = usize::try_from(self.turn % count).unwrap_or(0);
        steps.rotate_left(begin);
        steps
    }

    /// Shows who signed the header of a round; false while its end is not known.
    async fn show_round(
        &self,
        sheet: &Arc<Sheet>,
        round: Round,
        clock: Timestamp,
    ) -> Result<bool, Fault> {
        let deadline = self.desks.facts.schedule.deadline(round);
        let deadline = deadline.map_err(|error| Fault::BadData(error.to_string()))?;
        let on_chain = self.desks.chain.round(round).await?;
        match on_chain.standing {
            // Signing a wrong header is nothing to be paid for.
            Standing::Refuted => return Ok(true),
            Standing::None => return Ok(clock > deadline),
            Standing::Certified if clock <= deadline => return Ok(false),
            // What was not posted counts as well.
            Standing::Certified | Standing::Settled => {}
        }
        let digest = on_chain.digest;
        let header = HeaderId { round, digest };
        let store = Arc::clone(&self.desks.store);
        let singles = blocking(move || store.signatures(header)).await;
        let singles = singles.map_err(Fault::Unreachable)?;
        let count = sheet.table.count();
        let presented = self.desks.chain.presented(round, count).await?;
        let certificate = self.desks.chain.signers(round, &on_chain).await?;
        let base = certificate
            .map(|signers| (signers.operators().collect(), signers.aggregate))
            // Where all of them are known the sum is of the others alone.
            .filter(|(signers, _): &(BTreeSet<_>, _)| !signers.is_subset(&presented));
        let singles = without(singles, &presented);
        let sum = self.sum(sheet, digest, base, singles).await?;
        if let Some(signed) = sum.signed {
            self.act(WorkAction::Present(round, signed)).await?;
            self.desks.observe.round_shown(round, sum.signers.len());
        }
        Ok(true)
    }

    /// Shows who gave a receipt of a sampled probe, and who called its window DOWN.
    async fn show_probe(&self, sheet: &Arc<Sheet>, sample: u16) -> Result<bool, Fault> {
        let Some(probe) = sheet.probes.get(&sample) else {
            return Ok(true);
        };
        let receipts = self.desks.intake.receipts(sheet.epoch, sample);
        let lists = self.lists(probe).await?;
        let known = lists.values().flat_map(|(_, signed)| signed.keys());
        let known = receipts.keys().chain(known).copied().collect();
        let mut shown = self.shown_of(sheet, sample, known).await?;

        let receipts = without(receipts, &shown);
        let digest = probe.receipt.digest();
        let sum = self.sum(sheet, digest, None, receipts).await?;
        if let Some(signed) = sum.signed {
            let epoch = sheet.epoch;
            self.act(WorkAction::ShowReceipts {
                epoch,
                sample,
                signed,
            })
            .await?;
            self.desks
                .observe
                .probe_shown(epoch, sample, sum.signers.len());
            shown.extend(sum.signers);
        }
        self.show_lists(sheet, sample, lists, shown).await?;
        Ok(true)
    }

    /// Shows lists, those with most signers first, as long as one has a signer who is not shown.
    async fn show_lists(
        &self,
        sheet: &Arc<Sheet>,
        sample: u16,
        lists: BTreeMap<Digest, (DownList, Signatures)>,
        mut shown: BTreeSet<OperatorIndex>,
    ) -> Result<(), Fault> {
        let mut lists: Vec<_> = lists.into_iter().collect();
        lists.sort_by_key(|(_, (_, signed))| std::cmp::Reverse(signed.len()));
        for (digest, (list, signed)) in lists {
            let signed = without(signed, &shown);
            let sum = self.sum(sheet, digest, None, signed).await?;
            let Some(signed) = sum.signed else {
                continue;
            };
            let epoch = sheet.epoch;
            self.act(WorkAction::ShowDowns {
                epoch,
                sample,
                list: list.to_bytes(),
                signed,
            })
            .await?;
            self.desks
                .observe
                .probe_shown(epoch, sample, sum.signers.len());
            shown.extend(sum.signers);
        }
        Ok(())
    }

    /// The lists that call a sampled window DOWN, each with the members who signed it.
    async fn lists(
        &self,
        probe: &Probe,
    ) -> Result<BTreeMap<Digest, (DownList, Signatures)>, Fault> {
        let (store, at) = (Arc::clone(&self.desks.store), probe.at);
        let lists = blocking(move || store.downs(at.epoch)).await;
        let mut found: BTreeMap<Digest, (DownList, Signatures)> = BTreeMap::new();
        for (operator, list, signature) in lists.map_err(Fault::Unreachable)? {
            let entry = list.entry(Subject::Machine(at.machine));
            if probe.members.contains(&operator) && entry.is_some_and(|it| it.has(at.window)) {
                let place = found.entry(list.digest());
                let (_, signed) = place.or_insert_with(|| (list, Signatures::new()));
                signed.insert(operator, signature);
            }
        }
        Ok(found)
    }

    /// Which of these operators are shown in a probe by now.
    async fn shown_of(
        &self,
        sheet: &Sheet,
        sample: u16,
        operators: BTreeSet<OperatorIndex>,
    ) -> Result<BTreeSet<OperatorIndex>, Fault> {
        let (chain, epoch) = (&self.desks.chain, sheet.epoch);
        let asked: Vec<(OperatorIndex, bool)> = stream::iter(operators)
            .map(|operator| async move {
                let shown = chain.is_shown(epoch, sample, operator).await?;
                Ok::<_, Fault>((operator, shown))
            })
            .buffer_unordered(AT_A_TIME)
            .try_collect()
            .await?;
        let shown = asked.into_iter().filter(|(_, shown)| *shown);
        Ok(shown.map(|(operator, _)| operator).collect())
    }

    /// The signatures as one, worked out beside the tasks; bad ones are told and left out.
    async fn sum(
        &self,
        sheet: &Arc<Sheet>,
        digest: Digest,
        base: Option<(BTreeSet<OperatorIndex>, Signature)>,
        singles: Signatures,
    ) -> Result<Sum, Fault> {
        let table = Arc::clone(&sheet.table);
        let work = move || sum(digest, &table, base, &singles);
        let sum = tokio::task::spawn_blocking(work).await;
        let sum = sum.map_err(|error| Fault::Unreachable(error.to_string()))?;
        for operator in &sum.bad {
            // What lies in the store was verified before.
            let why = format!("a signature of operator {operator} over {digest} is bad");
            self.desks.observe.store_failed(why);
        }
        Ok(sum)
    }
}

fn without(mut signatures: Signatures, known: &BTreeSet<OperatorIndex>) -> Signatures {
    signatures.retain(|operator, _| !known.contains(operator));
    signatures
}
