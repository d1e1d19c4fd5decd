//! The follower.

use std::time::Duration;

use quorate_canon::{Round, Timestamp};
use quorate_matching::{Snapshot, SnapshotError};
use tracing::{debug, info, warn};

use super::backfill::backfill;
use super::image::Image;
use super::{Contracts, Source, State, Trail};
use crate::{ChainError, Head, Header, Rpc};

/// Most blocks whose headers are asked for at once.
const BATCH: u64 = 64;

/// What is followed and how.
#[derive(Debug, Clone, Copy)]
pub struct ReaderConfig {
    /// The contracts.
    pub contracts: Contracts,
    /// The block in which the first of them was deployed.
    pub deployed_at: u64,
    /// Blocks below the head that may still change.
    pub final_depth: u64,
    /// Widest range of blocks in one request for logs.
    pub range: u64,
    /// Headers kept below the head, to find the block before a close.
    pub trail: usize,
}

impl ReaderConfig {
    /// Contracts deployed at a block; 64 blocks may change, 5,000 blocks a request, 4,096 headers.
    #[must_use]
    pub const fn new(contracts: Contracts, deployed_at: u64) -> Self {
        Self {
            contracts,
            deployed_at,
            final_depth: 64,
            range: 5_000,
            trail: 4_096,
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
    source: S,
    config: ReaderConfig,
    state: State,
    trail: Trail,
    /// The newest block that cannot be taken back.
    final_block: u64,
    start: Head,
    /// Headers asked for at once; less after an endpoint refused.
    batch: u64,
    /// What may be forgotten once it is final.
    to_prune: Option<(Round, Timestamp)>,
}

impl<S: Source> Reader<S> {
    /// Reads everything from the deployment to the newest block.
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
        let base = match image {
            Some(bytes) => usable(&source, &config, bytes).await?,
            None => None,
        };
        let Image { head, state } = match base {
            Some(image) => image,
            None => read_base(&source, &config).await?,
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
        reader.advance().await?;
        reader.start = reader.head();
        info!(head = reader.start.number, base = head.number, "chain read");
        Ok(reader)
    }

    /// The state at the newest final block, as bytes for [`Reader::open_from`].
    #[must_use]
    pub fn image(&self) -> Option<Vec<u8>> {
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

    fn prune_final(&mut self) {
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
            self.to_prune = None;
        }
    }

    /// Waits until the chain changes, asking every `every`. Errors that pass by themselves are
    /// logged and waited out. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Those that do not pass: [`ChainError::DeepReorg`], [`ChainError::BadEvent`].
    pub async fn next(&mut self, every: Duration) -> Result<Advance, ChainError> {
        loop {
            match self.advance().await {
                Ok(advance) if advance.changed() => return Ok(advance),
                Ok(_) => {}
                Err(error) if error.is_retryable() => warn!(%error, "chain not read, trying again"),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(every).await;
        }
    }

    /// One step to the newest block. After an error the state is that of an earlier block, whole,
    /// and the step can be made again.
    ///
    /// # Errors
    /// [`ChainError::DeepReorg`] and [`ChainError::BadEvent`] for good; others pass.
    pub async fn advance(&mut self) -> Result<Advance, ChainError> {
        let latest = self.source.latest().await?;
        let before = self.head();
        let known = self.trail.contains(latest.number(), latest.hash);
        // A block that we have, or one below all that is kept: an endpoint that is behind.
        if known || latest.number() < self.trail.first().number {
            return Ok(Advance {
                head: before,
                taken_back: 0,
                added: 0,
            });
        }
        let ancestor = self.ancestor(&latest).await?;
        let taken_back = before.number - ancestor;
        if taken_back > 0 {
            warn!(
                from = before.number,
                to = ancestor,
                depth = taken_back,
                "chain reorganised"
            );
            self.state.rollback(ancestor);
            self.trail.rollback(ancestor);
            // Which rounds are over may be different now.
            self.to_prune = None;
        }
        let added = self.climb(&latest).await?;
        Ok(Advance {
            head: self.head(),
            taken_back,
            added,
        })
    }

    /// The highest block that both the trail and the chain of `latest` have.
    async fn ancestor(&self, latest: &Header) -> Result<u64, ChainError> {
        let last = self.head();
        if latest.parent_hash.0 == last.hash.0 {
            return Ok(last.number);
        }
        let mut number = last.number.min(latest.number());
        loop {
            let there = if number == latest.number() {
                *latest
            } else {
                single(&self.source, number).await?
            };
            if self.trail.contains(number, there.hash) {
                return Ok(number);
            }
            if number <= self.final_block {
                return Err(self.deep_reorg(number, &there));
            }
            debug!(number, "block replaced");
            number -= 1;
        }
    }

    fn deep_reorg(&self, number: u64, there: &Header) -> ChainError {
        let expected = self.trail.get(number).unwrap_or_else(|| self.trail.first());
        ChainError::DeepReorg {
            final_block: self.final_block,
            depth: self.head().number - number,
            got: there.hash,
            expected: alloy::primitives::B256::new(expected.hash.0),
        }
    }

    /// Adds the blocks from the head up to `latest`.
    async fn climb(&mut self, latest: &Header) -> Result<u64, ChainError> {
        let mut added = 0;
        while self.head().number < latest.number() {
            let from = self.head().number + 1;
            let to = latest.number().min(from + self.batch - 1);
            let headers = if from == latest.number() {
                vec![*latest]
            } else {
                self.headers(from, to).await?
            };
            for header in &headers {
                self.add(header).await?;
                added += 1;
            }
        }
        Ok(added)
    }

    /// Some providers allow small batches only: ask for less next time where it failed.
    async fn headers(&mut self, from: u64, to: u64) -> Result<Vec<Header>, ChainError> {
        let headers = self.source.headers(from, to).await;
        self.batch = match &headers {
            Ok(_) => BATCH.min(self.batch * 2),
            Err(_) => 1.max(self.batch / 2),
        };
        headers
    }

    async fn add(&mut self, header: &Header) -> Result<(), ChainError> {
        let last = self.head();
        let (number, got) = (header.number(), header.parent_hash);
        if got.0 != last.hash.0 || number != last.number + 1 {
            let expected = alloy::primitives::B256::new(last.hash.0);
            return Err(ChainError::Moved {
                number,
                got,
                expected,
            });
        }
        let addresses = self.config.contracts.addresses();
        let logs = self.source.logs_of(&addresses, header).await?;
        // Nothing is awaited from here on: state and trail change together.
        self.state
            .apply(&self.config.contracts, number, &logs, true)?;
        self.trail.push(header.head());
        self.final_block = self
            .final_block
            .max(number.saturating_sub(self.config.final_depth));
        self.state.finalize(self.final_block);
        self.prune_final();
        Ok(())
    }
}

/// The image, if it fits these contracts and its block still is on the chain.
async fn usable<S: Source>(
    source: &S,
    config: &ReaderConfig,
    bytes: &[u8],
) -> Result<Option<Image>, ChainError> {
    let image = match Image::from_bytes(bytes, config) {
        Ok(Some(image)) => image,
        Ok(None) => return Ok(None),
        Err(error) => {
            warn!(%error, "image of the chain not usable, reading the chain again");
            return Ok(None);
        }
    };
    let there = match single(source, image.head.number).await {
        Err(ChainError::NoBlock(_)) => return Ok(None),
        there => there?,
    };
    Ok((there.head() == image.head).then_some(image))
}

/// Reads everything up to the newest block that is final now.
async fn read_base<S: Source>(source: &S, config: &ReaderConfig) -> Result<Image, ChainError> {
    let latest = source.latest().await?;
    if latest.number() < config.deployed_at {
        return Err(ChainError::NoBlock(config.deployed_at));
    }
    let below_tail = latest.number().saturating_sub(config.final_depth);
    let base = below_tail.max(config.deployed_at.saturating_sub(1));
    let mut state = State::default();
    let head = single(source, base).await?;
    let (contracts, range) = (&config.contracts, config.range);
    backfill(
        source,
        contracts,
        &mut state,
        config.deployed_at,
        base,
        range,
    )
    .await?;
    require_same(single(source, base).await?, head)?;
    Ok(Image {
        head: head.head(),
        state,
    })
}

async fn single<S: Source>(source: &S, number: u64) -> Result<Header, ChainError> {
    let headers = source.headers(number, number).await?;
    headers
        .into_iter()
        .next()
        .ok_or(ChainError::NoBlock(number))
}

/// The block below which everything is taken for final must stand still while it is read.
fn require_same(got: Header, expected: Header) -> Result<(), ChainError> {
    if got.hash == expected.hash {
        return Ok(());
    }
    let number = expected.number();
    Err(ChainError::Moved {
        number,
        got: got.hash,
        expected: expected.hash,
    })
}
