//! Reads from the market's events which request stands for which task, and which leases are open.

use std::collections::BTreeMap;

use alloy::{
    primitives::Address,
    providers::{DynProvider, Provider},
    rpc::types::Filter,
    sol_types::SolEvent,
};
use quorate_bindings::IMarket::{LeasesOpened, RequestsPosted};
use quorate_canon::codec::FixedWidth;
use quorate_matching::{Entry, Request};

use super::leases::{Ender, Leases, Posted};
use crate::{Error, trace::Script};

/// Blocks that are read again, so that a reorg hides nothing.
const OVERLAP: u64 = 12;

/// Follows the market.
#[derive(Debug)]
pub(super) struct Watch {
    market: Address,
    /// Tasks by the access key of their request: ids may change hands in a reorg, this does not.
    tasks: BTreeMap<[u8; 32], Posted>,
    next_block: u64,
}

impl Watch {
    pub(super) fn new(market: Address, script: &Script) -> Self {
        let tasks = script.tasks.iter().map(|task| {
            let ender = if task.ends_itself {
                Ender::Tenant(task.tenant)
            } else {
                Ender::Anyone
            };
            (
                task.request.access_key,
                Posted {
                    ender,
                    life: task.played.life,
                },
            )
        });
        Self {
            market,
            tasks: tasks.collect(),
            next_block: 0,
        }
    }

    /// Tells `leases` what is new since the last look.
    pub(super) async fn look(
        &mut self,
        l2: &DynProvider,
        leases: &mut Leases,
    ) -> Result<(), Error> {
        let head = l2.get_block_number().await?;
        let filter = Filter::new()
            .address(self.market)
            .event_signature(vec![
                RequestsPosted::SIGNATURE_HASH,
                LeasesOpened::SIGNATURE_HASH,
            ])
            .from_block(self.next_block.saturating_sub(OVERLAP))
            .to_block(head);
        for log in l2.get_logs(&filter).await? {
            if let Ok(event) = RequestsPosted::decode_log(&log.inner) {
                self.note_requests(&event.records, leases);
            } else if let Ok(event) = LeasesOpened::decode_log(&log.inner) {
                let entries = event.entries.chunks_exact(Entry::WIDTH);
                for entry in entries.filter_map(|bytes| Entry::from_bytes(bytes).ok()) {
                    leases.opened(entry.request.get(), event.time);
                }
            }
        }
        self.next_block = head + 1;
        Ok(())
    }

    fn note_requests(&self, records: &[u8], leases: &mut Leases) {
        let requests = records
            .chunks_exact(Request::WIDTH)
            .filter_map(|bytes| Request::from_bytes(bytes).ok());
        for request in requests {
            if let Some(posted) = self.tasks.get(&request.access_key) {
                leases.posted(request.id.get(), *posted);
            }
        }
    }
}
