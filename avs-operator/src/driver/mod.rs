//! The round driver: one task that takes each live round from its close to a vote.
//!
//! close -> snapshot fixed in the ledger -> inputs ready -> beacon -> outcome -> contracts' reading
//! -> ledger and signature -> aggregators. A step that fails ends the round for this operator, with
//! a reason, and nothing else: the next round begins as if nothing had happened.

mod plan;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use quorate_beacon::{Beacon, BeaconError, Client};
use quorate_canon::{Address, Round, Timestamp};
use quorate_chain::{Head, Reader, to_alloy_address, views};
use quorate_matching::Policy;
use quorate_protocol::{Domain, Schedule, rules::SnapshotId};
use quorate_service::Shutdown;
use tokio::task::JoinHandle;

use crate::{
    OperatorError,
    archive::Archive,
    compute::{Computed, Prepared, compute},
    observe::{Abstention, Observe},
    post::{Post, now},
    voter::{Ballot, Voter},
};
pub use plan::newest_closed;

/// Pause between two images of the index: a restart reads that much of the chain again.
const KEEP_EVERY: Duration = Duration::from_secs(300);

/// What the driver works with.
#[derive(Debug)]
pub struct Parts {
    /// Follows L2.
    pub reader: Reader,
    /// The network that is served.
    pub domain: Domain,
    /// Its schedule.
    pub schedule: Schedule,
    /// The beacon's client.
    pub beacon: Client,
    /// Who signs.
    pub voter: Box<dyn Voter>,
    /// Lists of signed rounds.
    pub archive: Archive,
    /// The way to the aggregators.
    pub post: Post,
    /// Logs and metrics.
    pub observe: Observe,
    /// Pause between two looks at the head.
    pub poll: Duration,
}

/// The driver.
#[derive(Debug)]
pub struct Driver {
    parts: Parts,
    /// The newest round that has been looked at.
    seen: Option<Round>,
    /// A live round whose snapshot is not known yet.
    closing: Option<Round>,
    /// A round with a fixed snapshot that waits for its beacon.
    waiting: Option<Waiting>,
    policy: Option<Policy>,
    /// When the index was last written to the archive.
    kept: Instant,
}

#[derive(Debug)]
struct Waiting {
    prepared: Arc<Prepared>,
    beacon: JoinHandle<Result<Beacon, BeaconError>>,
}

impl Waiting {
    /// Borrows the task, so that a `select!` that takes another branch loses nothing.
    async fn arrived(waiting: &mut Option<Self>) -> Result<Beacon, String> {
        match waiting {
            Some(waiting) => match (&mut waiting.beacon).await {
                Ok(Ok(beacon)) => Ok(beacon),
                Ok(Err(error)) => Err(error.to_string()),
                Err(error) => Err(error.to_string()),
            },
            None => std::future::pending().await,
        }
    }
}

/// A round that ends without a vote.
struct Abstain(Abstention, String);

impl Abstain {
    fn because(reason: Abstention) -> impl FnOnce(&dyn std::fmt::Display) -> Self {
        move |detail| Self(reason, detail.to_string())
    }
}

impl Driver {
    /// A driver that begins with the next close.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            seen: None,
            closing: None,
            waiting: None,
            policy: None,
            kept: Instant::now(),
        }
    }

    /// Runs until the end is asked for.
    ///
    /// # Errors
    /// What cannot be waited out: a reorganisation below what is final, an event that no contract of
    /// ours would emit, a store that fails.
    pub async fn run(mut self, shutdown: Shutdown) -> Result<(), OperatorError> {
        self.resend()?;
        loop {
            let Self { parts, waiting, .. } = &mut self;
            tokio::select! {
                biased;
                () = shutdown.asked() => return self.keep_image(),
                beacon = Waiting::arrived(waiting) => self.on_beacon(beacon).await?,
                advance = parts.reader.next(parts.poll) => {
                    let advance = advance?;
                    self.parts.observe.head(advance.head, advance.taken_back);
                    self.on_head(advance.head).await?;
                }
            }
        }
    }

    /// Sends the votes again whose rounds were open when the node stopped.
    fn resend(&mut self) -> Result<(), OperatorError> {
        let Parts {
            schedule,
            voter,
            archive,
            post,
            observe,
            reader,
            ..
        } = &mut self.parts;
        let Some(newest) = newest_closed(schedule, now()) else {
            return Ok(());
        };
        let oldest = newest
            .get()
            .saturating_sub(u64::from(schedule.settle_timeout));
        for round in (oldest..=newest.get()).rev().map(Round::new) {
            let deadline = schedule.deadline(round)?;
            if deadline < now() || reader.state().rounds.get(round).is_some() {
                continue;
            }
            let Some(vote) = voter.stored(round)? else {
                continue;
            };
            if let Some(list) = archive.get(round, vote.header().outcome_root)? {
                observe.resending(round);
                post.send(&Ballot { vote, list }, deadline);
            }
        }
        Ok(())
    }

    async fn on_head(&mut self, head: Head) -> Result<(), OperatorError> {
        self.look_for_close(head)?;
        let Some(round) = self.closing else {
            return Ok(());
        };
        let close = self.parts.schedule.close(round)?;
        let Some(block) = self
            .parts
            .reader
            .snapshot_block(close, self.parts.schedule.depth)
        else {
            return Ok(());
        };
        self.closing = None;
        match self.prepare(round, block).await {
            Ok(waiting) => {
                if let Some(old) = self.waiting.replace(waiting) {
                    old.beacon.abort();
                }
            }
            Err(Abstain(reason, detail)) => self.parts.observe.abstained(round, reason, &detail),
        }
        let time = self.parts.schedule.t_of(round)?;
        self.parts.reader.prune(round, time);
        if self.kept.elapsed() > KEEP_EVERY {
            self.keep_image()?;
        }
        Ok(())
    }

    /// Keeps an image of the index, so that a restart reads the chain from there.
    fn keep_image(&mut self) -> Result<(), OperatorError> {
        if let Some(image) = self.parts.reader.image() {
            self.parts.archive.put_image(&image)?;
        }
        self.kept = Instant::now();
        Ok(())
    }

    /// Takes up the newest closed round if it is live.
    fn look_for_close(&mut self, head: Head) -> Result<(), OperatorError> {
        let Parts {
            schedule, reader, ..
        } = &self.parts;
        let Some(newest) = newest_closed(schedule, head.timestamp) else {
            return Ok(());
        };
        let first = self
            .seen
            .map_or(newest.get(), |seen| seen.get().saturating_add(1));
        for round in (first..=newest.get()).map(Round::new) {
            if reader.state().rounds.is_live(schedule, round)? {
                self.closing = Some(round);
            }
        }
        self.seen = Some(newest);
        Ok(())
    }

    /// Binds the operator to the snapshot and gathers everything but the seed.
    async fn prepare(&mut self, round: Round, block: Head) -> Result<Waiting, Abstain> {
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
            numbers().map_err(|error: quorate_protocol::ProtocolError| unreadable(&error))?;
        voter
            .fix_snapshot(round, snapshot, now())
            .map_err(|error| {
                let late = matches!(
                    &error,
                    quorate_signer::SignerError::Rule(
                        quorate_protocol::rules::Refusal::TooLate { .. }
                    )
                );
                let reason = if late {
                    Abstention::SnapshotLate
                } else {
                    Abstention::LedgerRefused
                };
                Abstain(reason, error.to_string())
            })?;
        observe.snapshot_fixed(round, block);
        let client = beacon.clone();
        let beacon = tokio::spawn(async move { client.wait_for(beacon_round, deadline).await });
        let inputs = reader
            .snapshot(round, context.time)
            .map_err(|error| unreadable(&error))?
            .ok_or_else(|| unreadable(&"no block after T has been read"))?;
        let policy = self.policy_of(round).await?;
        let inputs_root = inputs.inputs_root();
        let prepared = Prepared {
            round,
            snapshot,
            inputs,
            inputs_root,
            policy,
            context,
        };
        Ok(Waiting {
            prepared: Arc::new(prepared),
            beacon,
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

    async fn on_beacon(&mut self, beacon: Result<Beacon, String>) -> Result<(), OperatorError> {
        let Some(Waiting { prepared, .. }) = self.waiting.take() else {
            return Ok(());
        };
        let (round, arrived) = (prepared.round, Instant::now());
        let beacon = match beacon {
            Ok(beacon) => beacon,
            Err(detail) => {
                self.parts
                    .observe
                    .abstained(round, Abstention::NoBeacon, &detail);
                return Ok(());
            }
        };
        let computed = self.computed(&prepared, &beacon).await?;
        self.parts.observe.matched(
            round,
            computed.requests,
            computed.list.entries().len(),
            computed.took,
        );
        if let Err(Abstain(reason, detail)) = self.vote(&prepared, &computed, arrived).await? {
            self.parts.observe.abstained(round, reason, &detail);
        }
        Ok(())
    }

    async fn computed(
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
    async fn vote(
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
        let rounds = to_alloy_address(self.rounds());
        let rpc = self.parts.reader.source();
        match views::check_chunk(rpc, rounds, header.round, header.outcome_root, &chunk).await {
            Ok(()) => Ok(()),
            Err(error) if error.is_retryable() => {
                Err(Abstain(Abstention::InputsUnreadable, error.to_string()))
            }
            Err(error) => Err(disagree(error.to_string())),
        }
    }

    const fn rounds(&self) -> Address {
        self.parts.domain.rounds
    }
}
