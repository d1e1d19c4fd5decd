//! The round driver: one task that takes each live round from its close to a vote.
//!
//! close -> snapshot fixed in the ledger -> inputs prepared -> beacon -> outcome -> contracts' view
//! of it -> ledger and signature -> aggregators. A step that fails ends the round for this operator,
//! with a reason, and nothing else: the next round begins as if nothing had happened.

mod cast;
mod plan;
mod prepare;
#[cfg(test)]
mod tests;
mod work;

use std::time::{Duration, Instant};

use quorate_beacon::Client;
use quorate_canon::Round;
use quorate_chain::{Head, Reader};
use quorate_matching::Policy;
use quorate_protocol::{Domain, Schedule};
use quorate_service::Shutdown;
use tokio::task::JoinHandle;

use crate::{
    OperatorError,
    archive::Keep,
    observe::{Abstention, Observe},
    post::{Post, now},
    prober::board::Feed,
    self_check::SelfCheck,
    setup::AHEAD,
    voter::{Ballot, Voter},
};
pub use plan::newest_closed;
use work::{Ready, Stop};

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
    /// What asks the contracts about an outcome.
    pub self_check: SelfCheck,
    /// Who signs.
    pub voter: Box<dyn Voter>,
    /// Lists of signed rounds.
    pub archive: Box<dyn Keep>,
    /// The way to the aggregators.
    pub post: Post,
    /// Logs and metrics.
    pub observe: Observe,
    /// Pause between two looks at the head.
    pub poll: Duration,
    /// What the prober is told of the chain; `None` where machines are not probed.
    pub feed: Option<Feed>,
}

/// The driver.
#[derive(Debug)]
pub struct Driver {
    parts: Parts,
    /// The newest round that has been looked at.
    seen: Option<Round>,
    /// A live round whose snapshot is not known yet.
    closing: Option<Round>,
    /// A round with a fixed snapshot that is worked on.
    waiting: Option<Waiting>,
    policy: Option<Policy>,
    /// When the index was last written to the archive.
    kept: Instant,
}

#[derive(Debug)]
struct Waiting {
    round: Round,
    work: JoinHandle<Result<Ready, Stop>>,
}

impl Waiting {
    /// Borrows the task, so that a `select!` that takes another branch loses nothing.
    async fn done(waiting: &mut Option<Self>) -> Result<Ready, Stop> {
        match waiting {
            Some(Self { round, work }) => work.await.unwrap_or_else(|error| {
                let (round, detail) = (*round, error.to_string());
                Err(Stop::Node(OperatorError::Bug { round, detail }))
            }),
            None => std::future::pending().await,
        }
    }
}

/// A round that ends without a vote.
#[derive(Debug)]
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
    /// ours would emit, a ledger that fails.
    pub async fn run(mut self, shutdown: Shutdown) -> Result<(), OperatorError> {
        self.resend()?;
        loop {
            let Self { parts, waiting, .. } = &mut self;
            tokio::select! {
                biased;
                () = shutdown.asked() => {
                    self.keep_image();
                    return Ok(());
                }
                done = Waiting::done(waiting) => self.on_done(done)?,
                advance = parts.reader.next(parts.poll) => {
                    let advance = advance?;
                    self.parts.observe.head(advance.head, advance.taken_back);
                    if let Some(feed) = &mut self.parts.feed {
                        feed.on_head(self.parts.reader.state(), advance.head);
                    }
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
            // Without its list it counts all the same; others have the same list.
            let list = archive.get(round, vote.header().outcome_root);
            let list = list.unwrap_or_else(|error| {
                observe.not_kept("the list of a round before the restart", &error);
                None
            });
            observe.resending(round);
            post.send(&Ballot { vote, list }, deadline);
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
                    old.work.abort();
                    let detail = format!("round {round} has begun");
                    self.parts
                        .observe
                        .abstained(old.round, Abstention::Overtaken, &detail);
                }
            }
            Err(Abstain(reason, detail)) => self.parts.observe.abstained(round, reason, &detail),
        }
        let time = self.parts.schedule.t_of(round)?;
        self.parts.reader.prune(round, time);
        if self.kept.elapsed() > KEEP_EVERY {
            self.keep_image();
        }
        Ok(())
    }

    /// Keeps an image of the index, so that a restart reads the chain from there.
    fn keep_image(&mut self) {
        let Parts {
            reader,
            archive,
            observe,
            ..
        } = &self.parts;
        if let Some(image) = reader.image()
            && let Err(error) = archive.put_image(&image)
        {
            observe.not_kept("the image of the index", &error);
        }
        self.kept = Instant::now();
    }

    /// Takes up the newest closed round if it is live.
    fn look_for_close(&mut self, head: Head) -> Result<(), OperatorError> {
        let Parts {
            schedule, reader, ..
        } = &self.parts;
        // A block from the future would close rounds without end.
        let latest = now().checked_add(AHEAD).unwrap_or(head.timestamp);
        let Some(newest) = newest_closed(schedule, head.timestamp.min(latest)) else {
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
        // A reorganisation can take the head back behind a close: its round stays taken up.
        self.seen = self.seen.max(Some(newest));
        Ok(())
    }

    fn on_done(&mut self, done: Result<Ready, Stop>) -> Result<(), OperatorError> {
        let Some(Waiting { round, .. }) = self.waiting.take() else {
            return Ok(());
        };
        let voted = match done {
            Ok(ready) => self.vote(&ready)?,
            Err(Stop::Round(abstain)) => Err(abstain),
            Err(Stop::Node(error)) => return Err(error),
        };
        if let Err(Abstain(reason, detail)) = voted {
            self.parts.observe.abstained(round, reason, &detail);
        }
        Ok(())
    }
}
