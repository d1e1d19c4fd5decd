//! The node's check of itself against the contracts, before it signs.
//!
//! Two programs decide what a round's outcome is: this one, and the contracts that judge it. If they
//! ever differ, every honest operator signs what the contracts call a fault, and pays. So before
//! each signature the contracts are asked, by calls that cost nothing, about pairs drawn from the
//! seed, about matches with their neighbours, and about a chunk of the list. Whatever they see
//! otherwise than this node keeps it from signing, and is written down for a report.

mod answers;
mod draw;
#[cfg(test)]
pub(crate) mod market;
mod pairs;
mod questions;
mod report;
#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use alloy::primitives::Address;
use quorate_chain::{Rpc, views::Verifier};

use crate::{
    compute::{Computed, Prepared},
    observe::Observe,
};
use answers::Asker;
use questions::Questions;
use report::Report;

/// Asks the contracts about a computed outcome.
#[derive(Clone, Debug)]
pub struct SelfCheck {
    /// L2.
    pub rpc: Rpc,
    /// Whose word is asked for.
    pub verifier: Address,
    /// How many pairs, and how many matches with their neighbours; 0 for the chunk alone.
    pub pairs: usize,
    /// Folder for what differs.
    pub reports: PathBuf,
    /// Logs and metrics.
    pub observe: Observe,
}

/// Why nothing may be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// The contracts see the outcome otherwise; which, and where it is written down.
    Disagrees(String),
    /// The contracts could not be asked in the time that there was; the last error.
    Unanswered(String),
}

impl SelfCheck {
    /// Asks until everything is answered, for at most `limit`.
    ///
    /// # Errors
    /// [`Objection`].
    pub async fn run(
        &self,
        prepared: &Prepared,
        computed: &Computed,
        limit: Duration,
    ) -> Result<(), Objection> {
        let began = Instant::now();
        let round = prepared.round;
        let questions = Questions::draw(self.pairs, prepared, computed);
        let block = prepared.snapshot.hash;
        let verifier = Verifier::at_block(self.rpc.clone(), self.verifier, block);
        let asker = Asker::new(&verifier, &computed.header);
        let Ok(answers) = tokio::time::timeout(limit, asker.ask(&questions)).await else {
            self.observe.self_check_unanswered();
            let asked = limit.as_millis();
            let last = asker.last_error();
            return Err(Objection::Unanswered(format!(
                "no full answer after {asked} ms: {last}"
            )));
        };
        let differences = answers.differences(&questions);
        let Some(first) = differences.first() else {
            let asked = questions.count();
            self.observe.self_checked(round, asked, began.elapsed());
            return Ok(());
        };
        self.observe.self_check_disagreed();
        let more = differences.len() - 1;
        let report = Report {
            verifier: self.verifier,
            prepared,
            computed,
            questions: &questions,
            answers: &answers,
            differences: &differences,
        };
        let written = match report.write(&self.reports) {
            Ok(path) => format!("both sides in {}", path.display()),
            Err(error) => format!("and could not be written down: {error}"),
        };
        Err(Objection::Disagrees(format!(
            "{first}, and {more} more; {written}"
        )))
    }
}
