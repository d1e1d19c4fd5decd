//! One step of a reader: back to the common ancestor, then up to the newest block.

use std::time::{SystemTime, UNIX_EPOCH};

use alloy::primitives::B256;
use tracing::{debug, warn};

use super::base::single;
use super::reader::BATCH;
use super::{Advance, Reader, Source};
use crate::{ChainError, Header};

impl<S: Source> Reader<S> {
    /// One step to the newest block. After an error the state is that of an earlier block, whole,
    /// and the step can be made again.
    ///
    /// # Errors
    /// [`ChainError::DeepReorg`] and [`ChainError::BadEvent`] for good; others pass.
    pub async fn advance(&mut self) -> Result<Advance, ChainError> {
        let latest = self.source.latest().await?;
        self.require_present(&latest)?;
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

    /// Refuses a block that is stamped further ahead of this machine's clock than is allowed.
    fn require_present(&self, header: &Header) -> Result<(), ChainError> {
        let Some(ahead) = self.config.ahead else {
            return Ok(());
        };
        let clock = SystemTime::now().duration_since(UNIX_EPOCH);
        let clock = clock.map_or(0, |since| since.as_secs());
        let (number, got) = (header.number(), header.head().timestamp.get());
        let most = clock.saturating_add(ahead);
        if got > most {
            return Err(ChainError::Ahead { number, got, most });
        }
        Ok(())
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
            expected: B256::new(expected.hash.0),
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
            let expected = B256::new(last.hash.0);
            return Err(ChainError::Moved {
                number,
                got,
                expected,
            });
        }
        self.require_present(header)?;
        let followed = self.config.followed();
        let addresses = followed.addresses();
        let logs = self.source.logs_of(&addresses, header).await?;
        // Nothing is awaited from here on: state and trail change together.
        self.state.apply(&followed, number, &logs, true)?;
        self.trail.push(header.head());
        self.final_block = self
            .final_block
            .max(number.saturating_sub(self.config.final_depth));
        self.state.finalize(self.final_block);
        self.prune_final();
        Ok(())
    }
}
