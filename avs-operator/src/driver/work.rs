//! A round's work from its inputs to an outcome that the contracts have seen. It has a task of its
//! own: the driver follows the chain meanwhile, and drops the work when the next round is there.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use quorate_beacon::{Beacon, Client};
use quorate_canon::{Digest, Timestamp};
use quorate_protocol::Domain;

use super::Abstain;
use crate::{
    OperatorError,
    compute::{Computed, Gathered, Prepared, compute},
    observe::{Abstention, Observe},
    post::now,
    self_check::{Objection, SelfCheck},
};

/// What the work needs beside the inputs.
pub(super) struct Work {
    pub(super) beacon: Client,
    pub(super) beacon_round: u64,
    pub(super) deadline: Timestamp,
    pub(super) domain: Domain,
    pub(super) chain_hash: Digest,
    pub(super) self_check: SelfCheck,
    pub(super) observe: Observe,
}

/// An outcome that is ready to be signed, once the snapshot has been looked at again.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) prepared: Arc<Prepared>,
    pub(super) computed: Computed,
    /// What keeps it from being signed, if anything does.
    pub(super) objection: Option<Objection>,
    /// When the beacon came.
    pub(super) arrived: Instant,
}

/// Why there is no outcome.
#[derive(Debug)]
pub(super) enum Stop {
    /// This round has none.
    Round(Abstain),
    /// The node cannot go on.
    Node(OperatorError),
}

impl Work {
    /// Prepares while the beacon is waited for, computes, asks the contracts.
    pub(super) async fn on(self, gathered: Gathered) -> Result<Ready, Stop> {
        let round = gathered.round;
        let bug = move |detail: String| Stop::Node(OperatorError::Bug { round, detail });
        let preparing = tokio::task::spawn_blocking(move || Prepared::new(gathered));
        let (prepared, beacon) = tokio::join!(preparing, self.beacon());
        let (beacon, arrived) = beacon?;
        let prepared = Arc::new(prepared.map_err(|error| bug(error.to_string()))?);

        let seed = quorate_protocol::seed(
            &self.domain,
            round,
            &self.chain_hash,
            beacon.round,
            &beacon.signature,
        );
        let (inputs, domain) = (Arc::clone(&prepared), self.domain);
        let computed = tokio::task::spawn_blocking(move || compute(&inputs, &domain, seed))
            .await
            .map_err(|error| bug(error.to_string()))?
            .map_err(bug)?;
        self.observe.matched(
            round,
            prepared.inputs().requests().len(),
            computed.list.entries().len(),
            computed.took,
        );
        let limit = self.time_for_check();
        let checked = self.self_check.run(&prepared, &computed, limit).await;
        Ok(Ready {
            prepared,
            computed,
            objection: checked.err(),
            arrived,
        })
    }

    async fn beacon(&self) -> Result<(Beacon, Instant), Stop> {
        let beacon = self.beacon.wait_for(self.beacon_round, self.deadline).await;
        match beacon {
            Ok(beacon) => Ok((beacon, Instant::now())),
            Err(error) => {
                let abstain = Abstain(Abstention::NoBeacon, error.to_string());
                Err(Stop::Round(abstain))
            }
        }
    }

    /// Three quarters of what is left of the round: the last is the aggregator's, who has to collect
    /// votes and get a certificate mined.
    fn time_for_check(&self) -> Duration {
        let left = self.deadline.get().saturating_sub(now().get());
        Duration::from_secs(left) * 3 / 4
    }
}
