//! From a beacon to a vote: compute, have the contracts read it, ask the ledger, send.

use std::{sync::Arc, time::Instant};

use quorate_beacon::Beacon;
use quorate_canon::Timestamp;
use quorate_chain::{to_alloy_address, views};
use quorate_protocol::rules::SnapshotId;

use super::{Abstain, Driver, Parts};
use crate::{
    OperatorError,
    compute::{Computed, Prepared, compute},
    observe::Abstention,
};

impl Driver {
    pub(super) async fn computed(
        &self,
        prepared: &Arc<Prepared>,
        beacon: &Beacon,
    ) -> Result<Computed, OperatorError> {
        let Parts {
            domain, schedule, ..
        } = &self.parts;
        let (domain, round) = (*domain, prepared.round);
        let chain_hash = &schedule.beacon_chain_hash;
        let seed =
            quorate_protocol::seed(&domain, round, chain_hash, beacon.round, &beacon.signature);
        let inputs = Arc::clone(prepared);
        let bug = |detail: String| OperatorError::Bug { round, detail };
        tokio::task::spawn_blocking(move || compute(&inputs, &domain, seed))
            .await
            .map_err(|error| bug(error.to_string()))?
            .map_err(bug)
    }

    /// Has the contracts read the outcome, asks the ledger, sends.
    pub(super) async fn vote(
        &mut self,
        prepared: &Prepared,
        computed: &Computed,
        arrived: Instant,
    ) -> Result<Result<(), Abstain>, OperatorError> {
        let Computed { header, list, .. } = computed;
        let round = header.round;
        let checked = tokio::join!(self.same_snapshot(prepared), self.contracts_agree(computed));
        if let (Err(abstain), _) | (_, Err(abstain)) = checked {
            return Ok(Err(abstain));
        }
        let Parts {
            voter,
            archive,
            post,
            observe,
            schedule,
            ..
        } = &mut self.parts;
        archive.put(round, list)?;
        let ballots = match voter.vote(header, list) {
            Ok(ballots) => ballots,
            Err(error) if error.is_refusal() => {
                return Ok(Err(Abstain(Abstention::LedgerRefused, error.to_string())));
            }
            Err(error) => return Err(error.into()),
        };
        let deadline: Timestamp = schedule.deadline(round)?;
        for ballot in &ballots {
            post.send(ballot, deadline);
            observe.voted(round, ballot.vote.digest(), arrived.elapsed());
        }
        Ok(Ok(()))
    }

    /// The snapshot's block must still be on the chain as this node knows it.
    async fn same_snapshot(&self, prepared: &Prepared) -> Result<(), Abstain> {
        let SnapshotId { number, hash } = prepared.snapshot;
        let now = self.parts.reader.block(number).map(|block| block.hash);
        if now == Some(hash) {
            return Ok(());
        }
        let now = now.map_or_else(|| "no such block".to_owned(), |hash| hash.to_string());
        let detail = format!("block {number}: fixed {hash}, now {now}");
        Err(Abstain(Abstention::SnapshotReplaced, detail))
    }

    /// The worst fault is a difference between our two implementations, so the contracts read one
    /// chunk of the list, drawn by the seed, before anything is signed.
    async fn contracts_agree(&self, computed: &Computed) -> Result<(), Abstain> {
        let Computed { header, list, .. } = computed;
        let drawn = u32::from_be_bytes([
            header.seed.0[0],
            header.seed.0[1],
            header.seed.0[2],
            header.seed.0[3],
        ]);
        let disagree = |detail: String| Abstain(Abstention::ContractDisagrees, detail);
        let chunk = list
            .chunk(drawn % list.chunks())
            .ok_or_else(|| disagree("the list has no such chunk".to_owned()))?;
        let rounds = to_alloy_address(self.parts.domain.rounds);
        let rpc = self.parts.reader.source();
        match views::check_chunk(rpc, rounds, header.round, header.outcome_root, &chunk).await {
            Ok(()) => Ok(()),
            Err(error) if error.is_retryable() => {
                Err(Abstain(Abstention::InputsUnreadable, error.to_string()))
            }
            Err(error) => Err(disagree(error.to_string())),
        }
    }
}
