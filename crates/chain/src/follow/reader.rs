//! The follower.

use std::time::Duration;

use alloy::primitives::Address;
use quorate_canon::{Round, Timestamp};
use quorate_matching::{Snapshot, SnapshotError};
use tracing::{info, warn};

use super::base::{read_base, usable};
use super::image::Image;
use super::{Contracts, Followed, Source, State, Trail};
use crate::{ChainError, Head, Rpc};

/// Most blocks whose headers are asked for at once.
pub(super) const BATCH: u64 = 64;

/// How far back machines can be asked about, seconds: a day.
const JUDGED_FOR: u64 = 86_400;

/// What is followed and how.
#[derive(Debug, Clone, Copy)]
pub struct ReaderConfig {
    /// The contracts.
    pub contracts: Contracts,
    /// `Machines`, where machines are followed.
    pub machines: Option<Address>,
    /// The block in which the first of them was deployed.
    pub deployed_at: u64,
    /// Blocks below the head that may still change.
    pub final_depth: u64,
    /// Widest range of blocks in one request for logs.
    pub range: u64,
    /// Headers kept below the head, to find the block before a close.
    pub trail: usize,
    /// How far ahead of this machine's clock a block may be stamped, seconds; `None` for chains whose
    /// time is their own.
    pub ahead: Option<u64>,
}

impl ReaderConfig {
    /// Contracts deployed at a block; 64 blocks may change, 5,000 blocks a request, 4,096 headers.
    #[must_use]
    pub const fn new(contracts: Contracts, deployed_at: u64) -> Self {
        Self {
            contracts,
            machines: None,
            deployed_at,
            final_depth: 64,
            range: 5_000,
            trail: 4_096,
            ahead: None,
        }
    }

    /// All contracts that are followed.
    #[must_use]
    pub const fn followed(&self) -> Followed {
        Followed {
            contracts: self.contracts,
            machines: self.machines,
        }
    }
}

/// What one step brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advance {
    /// The head now.
    pub head: Head,
    /// Blocks that were taken back.
    pub taken_back: u64,
    /// Blocks that were added.
    pub added: u64,
}

impl Advance {
    /// Whether anything is different from before.
    #[must_use]
    pub const fn changed(&self) -> bool {
        self.taken_back > 0 || self.added > 0
    }
}

/// A follower of L2 with the state of its contracts.
#[derive(Debug)]
pub struct Reader<S = Rpc> {
    pub(super) source: S,
    pub(super) config: ReaderConfig,
    pub(super) state: State,
    pub(super) trail: Trail,
    /// The newest block that cannot be taken back.
    pub(super) final_block: u64,
    start: Head,
    /// Headers asked for at once; less after an endpoint refused.
    pub(super) batch: u64,
    /// What may be forgotten once it is final.
    pub(super) to_prune: Option<(Round, Timestamp)>,
}

impl<S: Source> Reader<S> {
    /// Reads everything from the deployment to the newest block. What one endpoint says and cannot be is
    /// asked of each.
    ///
    /// # Errors
    /// [`ChainError`] of the reads; [`ChainError::NoBlock`] if the chain is shorter than the
    /// deployment's block.
    pub async fn open(source: S, config: ReaderConfig) -> Result<Self, ChainError> {
        Self::open_from(source, config, None).await
    }

    /// As [`Reader::open`], but from an [image](Reader::image) of an earlier reader on, if it is one
    /// of the same contracts and its block still is on the chain.
    ///
    /// # Errors
    /// As [`Reader::open`]. An image that does not fit is no error.
    pub async fn open_from(
        source: S,
        config: ReaderConfig,
        image: Option<&[u8]>,
    ) -> Result<Self, ChainError> {
        let mut wrong = 0;
        let Image { head, state } = loop {
            match base(&source, &config, image).await {
                Ok(base) => break base,
                Err(error) => another(&source, error, &mut wrong)?,
            }
        };
        let mut reader = Self {
            source,
            config,
            state,
            trail: Trail::new(head, config.trail),
            final_block: head.number,
            start: head,
            batch: BATCH,
            to_prune: None,
        };
        while let Err(error) = reader.advance().await {
            another(&reader.source, error, &mut wrong)?;
        }
        reader.start = reader.head();
        info!(head = reader.start.number, base = head.number, "chain read");
        Ok(reader)
    }

    /// The state at the newest final block, as bytes for [`Reader::open_from`].
    #[must_use]
    pub fn image(&self) -> Option<Vec<u8>> {
        // An image without them would be read as one of a market without machines.
        if !self.state.has_machines() {
            return None;
        }
        let head = self.trail.get(self.final_block)?;
        let mut state = self.state.clone();
        state.rollback(head.number);
        Some(Image { head, state }.to_bytes(&self.config))
    }

    /// The newest block that has been followed.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.trail.last()
    }

    /// The head at the time of [`Reader::open`]. A process signs no round whose close lies at or
    /// before this block's time.
    #[must_use]
    pub const fn start(&self) -> Head {
        self.start
    }

    /// The state as of the head.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// What the reader reads from.
    #[must_use]
    pub const fn source(&self) -> &S {
        &self.source
    }

    /// A followed block, if it is still kept.
    #[must_use]
    pub fn block(&self, number: u64) -> Option<Head> {
        self.trail.get(number)
    }

    /// The snapshot block of a round that closes at `close`: the last one stamped before it, once
    /// a block stamped at or after it exists and has `depth` blocks on top. `None` while it is not
    /// known, and when it lies further back than the headers that are kept
    /// ([`Rpc::last_block_before`] finds those).
    #[must_use]
    pub fn snapshot_block(&self, close: Timestamp, depth: u32) -> Option<Head> {
        self.trail.known_before(close, u64::from(depth))
    }

    /// The inputs of a round, as [`crate::market::MarketIndex::snapshot_at`]; `None` while no block
    /// later than `t` has been followed: more may still be written at `t`.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn snapshot(&self, round: Round, t: Timestamp) -> Result<Option<Snapshot>, SnapshotError> {
        if self.head().timestamp <= t {
            return Ok(None);
        }
        self.state.market.snapshot_at(round, t).map(Some)
    }

    /// Allows to forget what no round from `round` on, with times from `t` on, can need. It is
    /// forgotten once every block up to then is final. Rounds before `round` must be over: none of
    /// their chunks can come any more, as is so when `round` is live and `t` is its T.
    pub fn prune(&mut self, round: Round, t: Timestamp) {
        if self.to_prune.is_none() {
            self.to_prune = Some((round, t));
        }
        self.prune_final();
    }

    pub(super) fn prune_final(&mut self) {
        let Some((round, t)) = self.to_prune else {
            return;
        };
        if self
            .trail
            .get(self.final_block)
            .is_some_and(|head| t < head.timestamp)
        {
            self.state.market.prune(round, t);
            self.state.rounds.prune(round);
            // Windows and maintenances are judged by what was at their beginning.
            let judged = t.get().saturating_sub(JUDGED_FOR);
            self.state.machines.prune(Timestamp::new(judged));
            self.to_prune = None;
        }
    }

    /// Waits until the chain changes, asking every `every`. Errors that pass by themselves are
    /// logged and waited out, and another endpoint is asked next. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Those that do not pass, once as many answers in a row as there are endpoints gave one:
    /// [`ChainError::DeepReorg`], [`ChainError::BadEvent`].
    pub async fn next(&mut self, every: Duration) -> Result<Advance, ChainError> {
        let mut wrong = 0;
        loop {
            match self.advance().await {
                Ok(advance) if advance.changed() => return Ok(advance),
                Ok(_) => {}
                Err(error) if error.is_retryable() => {
                    warn!(%error, "chain not read, trying again");
                    self.source.turn();
                }
                Err(error) => another(&self.source, error, &mut wrong)?,
            }
            tokio::time::sleep(every).await;
        }
    }
}

/// Turns to another endpoint if there is one that has not given such an answer; else gives the error.
fn another<S: Source>(source: &S, error: ChainError, wrong: &mut usize) -> Result<(), ChainError> {
    *wrong += 1;
    let passes = error.is_retryable() && !matches!(error, ChainError::Ahead { .. });
    if passes || *wrong >= source.endpoints() {
        return Err(error);
    }
    warn!(%error, "an endpoint's answer cannot be right, asking another");
    source.turn();
    Ok(())
}

/// Where a reader begins: at an image, if it is usable, else at the deployment.
async fn base<S: Source>(
    source: &S,
    config: &ReaderConfig,
    image: Option<&[u8]>,
) -> Result<Image, ChainError> {
    let found = match image {
        Some(bytes) => usable(source, config, bytes).await?,
        None => None,
    };
    match found {
        Some(image) => Ok(image),
        None => read_base(source, config).await,
    }
}
