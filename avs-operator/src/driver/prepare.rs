//! From a closed round to everything but its seed, and on its way.

use quorate_canon::Round;
use quorate_chain::{Head, views};
use quorate_matching::Policy;
use quorate_protocol::{
    ProtocolError,
    rules::{Refusal, SnapshotId},
};
use quorate_signer::SignerError;

use super::{Abstain, Driver, Parts, Waiting, work::Work};
use crate::{compute::Gathered, observe::Abstention, post::now};

impl Driver {
    /// Binds the operator to the snapshot, gathers everything but the seed, and sets the work on it
    /// going, beginning with what needs no seed.
    pub(super) async fn prepare(&mut self, round: Round, block: Head) -> Result<Waiting, Abstain> {
        let unreadable = |detail: &dyn std::fmt::Display| {
            Abstain(Abstention::InputsUnreadable, detail.to_string())
        };
        let Parts {
            schedule,
            reader,
            beacon,
            voter,
            observe,
            ..
        } = &mut self.parts;
        let snapshot = SnapshotId {
            number: block.number,
            hash: block.hash,
        };
        let numbers = || {
            let beacon_round = schedule.beacon_round(round)?;
            Ok((
                schedule.context(round)?,
                beacon_round,
                schedule.deadline(round)?,
            ))
        };
        let (context, beacon_round, deadline) =
            numbers().map_err(|error: ProtocolError| unreadable(&error))?;
        voter
            .fix_snapshot(round, snapshot, now())
            .map_err(|error| {
                let late = matches!(&error, SignerError::Rule(Refusal::TooLate { .. }));
                let reason = if late {
                    Abstention::SnapshotLate
                } else {
                    Abstention::LedgerRefused
                };
                Abstain(reason, error.to_string())
            })?;
        observe.snapshot_fixed(round, block);
        let inputs = reader
            .snapshot(round, context.time)
            .map_err(|error| unreadable(&error))?
            .ok_or_else(|| unreadable(&"no block after T has been read"))?;
        let (beacon, observe) = (beacon.clone(), observe.clone());
        let (domain, chain_hash) = (self.parts.domain, self.parts.schedule.beacon_chain_hash);
        let self_check = self.parts.self_check.clone();
        let policy = self.policy_of(round).await?;
        let gathered = Gathered {
            round,
            snapshot,
            inputs,
            policy,
            context,
        };
        let work = Work {
            beacon,
            beacon_round,
            deadline,
            domain,
            chain_hash,
            self_check,
            observe,
        };
        Ok(Waiting {
            round,
            work: tokio::spawn(work.on(gathered)),
        })
    }

    /// The policy of a round; read once for each version.
    async fn policy_of(&mut self, round: Round) -> Result<Policy, Abstain> {
        let unreadable = Abstain::because(Abstention::InputsUnreadable);
        let Parts { reader, .. } = &self.parts;
        let Some(entry) = reader.state().rounds.policy_of(round) else {
            return Err(unreadable(&"no policy on chain for this round"));
        };
        if let Some(policy) = self
            .policy
            .as_ref()
            .filter(|policy| policy.hash() == entry.hash)
        {
            return Ok(policy.clone());
        }
        let policy = views::policy(reader.source(), entry)
            .await
            .map_err(|error| unreadable(&error))?;
        self.policy = Some(policy.clone());
        Ok(policy)
    }
}
