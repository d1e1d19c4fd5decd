//! Certificates as they appear on L2, each with the moment at which it was seen.

use alloy::{
    primitives::Address,
    providers::{DynProvider, Provider},
    rpc::types::Filter,
    sol_types::SolEvent,
};
use quorate_bindings::IRounds::RoundCertified;
use quorate_canon::{Digest, Round};
use quorate_matching::Seed;
use quorate_protocol::{Domain, Header};

use crate::{Error, World, unix_now};

/// Follows `Rounds` on L2.
pub(super) struct Certificates {
    l2: DynProvider,
    rounds: Address,
    domain: Domain,
    next_block: u64,
}

/// A certificate that was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) header: Header,
    /// Unix milliseconds.
    pub(super) at: u64,
}

impl Certificates {
    pub(super) fn of(world: &World) -> Self {
        Self {
            l2: world.chains.l2.provider().clone(),
            rounds: world.contracts.l2.rounds,
            domain: world.domain(),
            next_block: 0,
        }
    }

    /// Those that came since the last call.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(super) async fn fresh(&mut self) -> Result<Vec<Seen>, Error> {
        let head = self.l2.get_block_number().await?;
        if head < self.next_block {
            return Ok(Vec::new());
        }
        let filter = Filter::new()
            .address(self.rounds)
            .event_signature(RoundCertified::SIGNATURE_HASH)
            .from_block(self.next_block)
            .to_block(head);
        let logs = self.l2.get_logs(&filter).await?;
        self.next_block = head + 1;
        let at = u64::try_from(unix_now().as_millis()).unwrap_or(u64::MAX);
        let events = logs
            .iter()
            .filter_map(|log| RoundCertified::decode_log(&log.inner).ok());
        Ok(events
            .map(|event| Seen {
                header: header(self.domain, &event),
                at,
            })
            .collect())
    }
}

fn header(domain: Domain, event: &RoundCertified) -> Header {
    Header {
        domain,
        round: Round::new(event.n),
        snapshot_number: event.snapshotNumber,
        snapshot_hash: Digest(event.snapshotHash.0),
        policy_hash: Digest(event.policyHash.0),
        inputs_root: Digest(event.inputsRoot.0),
        seed: Seed(event.seed.0),
        outcome_root: Digest(event.outcomeRoot.0),
    }
}
