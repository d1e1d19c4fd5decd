//! The last part of a run: a quorum signs a wrong outcome. An auditor that holds no operator's key
//! refutes it in one transaction, every signer pays on L1, and rounds go on: the signers' word counts
//! no more, so they go on by proposals of what the honest operator signs.

use std::time::{Duration, Instant};

use alloy::{
    consensus::Transaction as _,
    primitives::Address,
    providers::{DynProvider, Provider},
    rpc::types::Filter,
    sol_types::SolEvent,
};
use quorate_bindings::IDisputes::Refutation;
use quorate_canon::Round;
use serde::Serialize;

use super::{Court, Watch, screen};
use crate::{
    Error, World,
    liars::{Lie, Wrong},
    nodes::Nodes,
    unix_now,
};

/// The operator that does not take part. The others hold more than the quorum's 67 % without it.
pub(super) const HONEST: usize = 2;
/// What the others sign: an outcome that lacks a match, which no entry of it shows.
const LIE: Lie = Lie::Collude(Wrong::DropMatch);
/// What L1 calls the offence.
pub(super) const OFFENCE: &str = "wrong outcome";
/// For all of it: some rounds, a challenge, a message over the bridge, three slashes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The refutation as its receipt tells.
#[derive(Clone, Debug, Serialize)]
pub struct Refuted {
    /// The round.
    pub round: u64,
    /// Code of docs/formats.md, section 13.
    pub code: u8,
    /// Who challenged.
    pub challenger: String,
    /// Gas of the whole transaction.
    pub gas: u64,
    /// Bytes of its calldata: header, witness and what carries them.
    pub calldata: usize,
}

/// What is under way.
#[derive(Debug)]
pub(super) struct Plot {
    began: Instant,
    l2: DynProvider,
    disputes: Address,
    colluders: usize,
    pub(super) refuted: Option<Refuted>,
}

impl Plot {
    /// Puts colluders in the place of all operators but one; they lie in the first round that they
    /// can.
    ///
    /// # Errors
    /// When a process does not end or start.
    pub(super) fn begin(world: &World, nodes: &mut Nodes) -> Result<Self, Error> {
        let numbers = (0..world.operators.len()).filter(|number| *number != HONEST);
        let numbers: Vec<usize> = numbers.collect();
        for number in &numbers {
            nodes.stop_operator(*number)?;
        }
        let since = unix_now().as_secs().saturating_sub(world.clock.genesis);
        let round = since / u64::from(world.clock.period);
        // The same round for all, and one that closes only when all of them are up again.
        let from = Round::new(round + UP_WITHIN);
        for number in &numbers {
            nodes.start_liar(*number, LIE, from)?;
        }
        Ok(Self {
            began: Instant::now(),
            l2: world.chains.l2.provider().clone(),
            disputes: world.contracts.l2.disputes,
            colluders: numbers.len(),
            refuted: None,
        })
    }

    /// Looks for the refutation, and shows it.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(super) async fn advance(&mut self) -> Result<(), Error> {
        if self.refuted.is_some() {
            return Ok(());
        }
        let filter = Filter::new()
            .address(self.disputes)
            .event_signature(Refutation::SIGNATURE_HASH)
            .from_block(0);
        let logs = self.l2.get_logs(&filter).await?;
        let Some((log, hash)) = logs
            .first()
            .and_then(|log| Some((log, log.transaction_hash?)))
        else {
            return Ok(());
        };
        let event = Refutation::decode_log(&log.inner)
            .map_err(|e| Error::program("refutation", e.to_string()))?;
        let receipt = self.l2.get_transaction_receipt(hash).await?;
        let sent = self.l2.get_transaction_by_hash(hash).await?;
        let refuted = Refuted {
            round: event.n,
            code: event.code,
            challenger: event.challenger.to_string(),
            gas: receipt.map_or(0, |receipt| receipt.gas_used),
            calldata: sent.map_or(0, |sent| sent.input().len()),
        };
        screen::refuted(&refuted);
        self.refuted = Some(refuted);
        Ok(())
    }

    /// Whether all has come to pass, or the time for it has run out.
    pub(super) fn is_over(&self, watch: &Watch, court: &Court) -> bool {
        let slashes = court.slashes().iter();
        let paid = slashes.filter(|slash| slash.offence == OFFENCE).count();
        let all_paid = paid >= self.colluders;
        let done = all_paid && self.rounds_after(watch) > 0;
        done || self.began.elapsed() > PATIENCE
    }

    /// Rounds that were settled after the refuted one.
    pub(super) fn rounds_after(&self, watch: &Watch) -> usize {
        let refuted = self.refuted.as_ref().map(|refuted| refuted.round);
        let lines = watch.lines().iter();
        lines
            .filter(|line| refuted.is_some_and(|round| line.round > round))
            .count()
    }
}

/// Rounds' periods until restarted operators are up.
const UP_WITHIN: u64 = 2;
