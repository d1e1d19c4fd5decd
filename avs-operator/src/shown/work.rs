//! Which receipts show an operator's work in a sample.

use std::collections::{BTreeMap, btree_map::Entry};
use std::sync::Arc;

use quorate_chain::ChainError;
use quorate_health::{HealthError, Receipt, Sample, Subject};
use quorate_signer::SignerError;

use super::{Parts, Source};
use crate::prober::plan::PlanError;
use crate::prober::schedule::Plans;

/// Why a sample's receipts are not known now; all of it may pass.
#[derive(Debug, thiserror::Error)]
pub enum ShownError {
    /// L2.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The sampled health epoch's policy, table or beacon.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Numbers of the schedule.
    #[error(transparent)]
    Health(#[from] HealthError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] SignerError),
    /// A task ended.
    #[error("{0}")]
    Task(String),
}

/// The operator's part in a sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// Its receipts: numbers of samples, ascending, and signatures.
    pub receipts: Vec<(u16, [u8; 96])>,
    /// Sampled probes on whose committees it sits.
    pub seated: usize,
    /// Those of them in whose window it called the machine DOWN: lists show that, not receipts.
    pub down: usize,
}

/// What the operator has to show of a sample.
pub(super) async fn prepare<S: Source, P: Plans>(
    parts: &Parts<S, P>,
    sample: &Sample,
) -> Result<Work, ShownError> {
    let seats = seats(parts, sample).await?;
    let asked: Vec<_> = seats.iter().map(|(_, receipt)| *receipt).collect();
    let attester = Arc::clone(&parts.attester);
    let answers = tokio::task::spawn_blocking(move || attester.again(&asked)).await;
    let answers = answers.map_err(|error| ShownError::Task(error.to_string()))??;
    let mut work = Work {
        seated: seats.len(),
        ..Work::default()
    };
    for ((number, _), answer) in seats.into_iter().zip(answers) {
        match answer {
            Ok(signature) => work.receipts.push((number, signature.to_bytes96())),
            Err(SignerError::OtherWord { .. }) => work.down += 1,
            // It said nothing there, or does not know any more what it said.
            Err(_) => {}
        }
    }
    Ok(work)
}

/// The sampled probes on whose committees the operator sits, each with the receipt that it would have
/// given.
async fn seats<S: Source, P: Plans>(
    parts: &Parts<S, P>,
    sample: &Sample,
) -> Result<Vec<(u16, Receipt)>, ShownError> {
    let mut plans = BTreeMap::new();
    let mut seats = Vec::new();
    for (number, probe) in (0..).zip(sample.probes(&parts.clock)?) {
        let plan = match plans.entry(probe.epoch) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(parts.plans.plan(probe.epoch).await?),
        };
        // Where no machine was for hire nobody had anything to do.
        let Some(machine) = parts.source.machine(sample.epoch, number).await? else {
            continue;
        };
        if plan.sits(Subject::Machine(machine)) {
            let window = probe.window(plan.policy.windows);
            seats.push((number, Receipt(plan.place(machine, window))));
        }
    }
    Ok(seats)
}
