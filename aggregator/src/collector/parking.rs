//! Votes that wait for the table of their epoch.

use std::sync::Arc;

use quorate_canon::Epoch;
use quorate_protocol::StakeTable;
use quorate_rpc::VoteRejection;

use super::actor::Collector;
use super::ingress::{Incoming, Message};
use crate::chain::{Chain, Fault};

/// Votes that may wait for tables.
const PARKED: usize = 8192;

impl<C: Chain> Collector<C> {
    /// Keeps a vote until the table of its epoch is here.
    pub(super) fn park(&mut self, epoch: Epoch, incoming: Incoming) {
        let parked: usize = self.parked.values().map(Vec::len).sum();
        if parked >= PARKED && incoming.reply.is_some() {
            return self.reject(
                incoming,
                VoteRejection::Overloaded,
                "too many votes wait for tables".into(),
            );
        }
        self.parked.entry(epoch).or_default().push(incoming);
        self.fetch(epoch);
    }

    /// Asks for the table of an epoch, once at a time.
    pub(super) fn fetch(&mut self, epoch: Epoch) {
        if !self.fetching.insert(epoch) {
            return;
        }
        let (chain, mailbox) = (Arc::clone(&self.tools.chain), self.mailbox.clone());
        tokio::spawn(async move {
            let table = chain.table(epoch).await.map(|table| table.map(Box::new));
            mailbox.tell(Message::Table(epoch, table)).await;
        });
    }

    /// Goes on with the votes that waited for a table; those from the store wait on if it did not come.
    pub(super) async fn table_came(
        &mut self,
        epoch: Epoch,
        result: Result<Option<Box<StakeTable>>, Fault>,
    ) {
        self.fetching.remove(&epoch);
        let why = match result {
            Ok(Some(table)) => {
                self.state.put_table(Arc::new(*table));
                let parked = self.parked.remove(&epoch).unwrap_or_default();
                return self.take(parked).await;
            }
            Ok(None) => format!("the table of epoch {epoch} is not complete on L2"),
            Err(fault) => fault.to_string(),
        };
        self.tools.observe.hindered("table", &why);
        let (waiting, stored): (Vec<_>, Vec<_>) = self
            .parked
            .remove(&epoch)
            .unwrap_or_default()
            .into_iter()
            .partition(|incoming| incoming.reply.is_some());
        for incoming in waiting {
            self.reject(incoming, VoteRejection::NoStakeTable, why.clone());
        }
        if !stored.is_empty() {
            self.parked.insert(epoch, stored);
        }
    }
}
