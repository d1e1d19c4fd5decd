//! Stake tables, as far as receipts need them: the newest few, each fetched once.

use std::sync::Arc;

use quorate_canon::Epoch;
use quorate_protocol::StakeTable;
use tokio::sync::Mutex;

use crate::chain::{Chain, ChainTrouble};

/// Tables that are kept.
const KEPT: usize = 3;

/// The newest tables.
#[derive(Debug, Default)]
pub struct Tables(Mutex<Vec<(Epoch, Arc<StakeTable>)>>);

impl Tables {
    /// The table of an epoch; `None` while the chain has it not whole. Who asks while it is fetched
    /// waits.
    ///
    /// # Errors
    /// [`ChainTrouble`].
    pub async fn of(
        &self,
        chain: &dyn Chain,
        epoch: Epoch,
    ) -> Result<Option<Arc<StakeTable>>, ChainTrouble> {
        let mut kept = self.0.lock().await;
        if let Some((_, table)) = kept.iter().find(|(found, _)| *found == epoch) {
            return Ok(Some(Arc::clone(table)));
        }
        let Some(table) = chain.table(epoch).await?.map(Arc::new) else {
            return Ok(None);
        };
        kept.push((epoch, Arc::clone(&table)));
        kept.sort_by_key(|(epoch, _)| *epoch);
        if kept.len() > KEPT {
            kept.remove(0);
        }
        Ok(Some(table))
    }
}
