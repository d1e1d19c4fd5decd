//! Carries the devnet's bridge messages, both ways: the one party that all plain bridges believe.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy::{
    primitives::{Address, Bytes},
    providers::Provider,
    rpc::types::Filter,
    sol_types::SolEvent,
};
use quorate_bindings::IBridge::MessageSent;
use tokio::task::JoinHandle;

use crate::{
    Error,
    chains::{Account, Anvil},
    deploy::abi::IPlainBridge,
};

/// The relayer on one chain.
#[derive(Debug)]
pub struct End {
    /// Its account there.
    pub account: Account,
    /// Blocks that must lie on a message of this chain before it is carried.
    pub depth: u64,
}

/// A bridge's two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// On L1.
    pub l1: Address,
    /// On L2.
    pub l2: Address,
}

/// The bridges of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bridges {
    /// Tables down, L2's word on rounds up.
    pub words: Bridge,
    /// Operators' work, up only.
    pub work: Bridge,
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From L1 to L2.
    Down,
    /// From L2 to L1.
    Up,
}

/// The running relayer. It carries until it is dropped.
#[derive(Debug)]
pub struct Relayer {
    tasks: [JoinHandle<()>; 3],
    held: [Arc<AtomicBool>; 2],
}

const PACE: Duration = Duration::from_millis(200);

impl Relayer {
    /// Starts carrying over `bridges`.
    #[must_use]
    pub fn start(l1: End, l2: End, bridges: Bridges) -> Self {
        let (l1, l2) = (Arc::new(l1), Arc::new(l2));
        let held = [
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        ];
        let Bridges { words, work } = bridges;
        let down = Road {
            from: (Arc::clone(&l1), words.l1),
            to: (Arc::clone(&l2), words.l2),
            held: Arc::clone(&held[0]),
            seen: 0,
        };
        let up = |bridge: Bridge| Road {
            from: (Arc::clone(&l2), bridge.l2),
            to: (Arc::clone(&l1), bridge.l1),
            held: Arc::clone(&held[1]),
            seen: 0,
        };
        Self {
            tasks: [
                tokio::spawn(down.run("down")),
                tokio::spawn(up(words).run("up")),
                tokio::spawn(up(work).run("up, work")),
            ],
            held,
        }
    }

    /// Keeps messages of one way back, or lets them go again.
    pub fn hold(&self, way: Way, held: bool) {
        let flag = match way {
            Way::Down => &self.held[0],
            Way::Up => &self.held[1],
        };
        flag.store(held, Ordering::SeqCst);
    }
}

impl Drop for Relayer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// One way of a bridge. Roads of one chain share its account, and with it the order of nonces.
struct Road {
    from: (Arc<End>, Address),
    to: (Arc<End>, Address),
    held: Arc<AtomicBool>,
    /// Nonces below this one have arrived.
    seen: u64,
}

impl Road {
    async fn run(mut self, way: &'static str) {
        loop {
            if !self.held.load(Ordering::SeqCst)
                && let Err(error) = self.carry().await
            {
                tracing::warn!(way, %error, "a message of the bridge was not carried");
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// Carries what has been sent and has not arrived, in order.
    async fn carry(&mut self) -> Result<(), Error> {
        for (nonce, payload) in self.sent().await? {
            let call = IPlainBridge::deliverCall { nonce, payload };
            if !self.has_arrived(nonce).await? {
                let (end, bridge) = &self.to;
                end.account.call(*bridge, &call).await?;
            }
            self.seen = nonce + 1;
        }
        Ok(())
    }

    async fn sent(&self) -> Result<BTreeMap<u64, Bytes>, Error> {
        let (end, bridge) = &self.from;
        let provider = end.account.provider();
        let head = provider.get_block_number().await?;
        let Some(last) = head.checked_sub(end.depth) else {
            return Ok(BTreeMap::new());
        };
        // The devnet's chains are short: reading them whole keeps no cursor that a reorg could spoil.
        let filter = Filter::new()
            .address(*bridge)
            .event_signature(MessageSent::SIGNATURE_HASH)
            .from_block(0)
            .to_block(last);
        let logs = provider.get_logs(&filter).await?;
        let messages = logs
            .iter()
            .filter_map(|log| MessageSent::decode_log(&log.inner).ok());
        Ok(messages
            .filter(|m| m.nonce >= self.seen)
            .map(|m| (m.nonce, m.payload.clone()))
            .collect())
    }

    async fn has_arrived(&self, nonce: u64) -> Result<bool, Error> {
        let (end, bridge) = &self.to;
        let bridge = IPlainBridge::new(*bridge, end.account.provider());
        bridge
            .delivered(nonce)
            .call()
            .await
            .map_err(|e| Error::program("bridge", e.to_string()))
    }
}

/// The relayer's accounts have this name on both chains.
pub const RELAYER: &str = "relayer";

/// The relayer's end on one chain.
///
/// # Errors
/// Never for the accounts of this crate.
pub fn end(anvil: &Anvil, depth: u64) -> Result<End, Error> {
    Ok(End {
        account: Account::named(anvil, RELAYER)?,
        depth,
    })
}
