//! What L2 says of machines and money, as it comes.

use alloy::{
    primitives::Address,
    providers::{DynProvider, Provider as _},
    rpc::types::Filter,
    sol_types::SolEvent as _,
};
use quorate_bindings::IEscrow;
use quorate_chain::health::HealthEvent;

use crate::{Error, World};

/// Money of a lease moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The request.
    pub request: u64,
    /// To the provider, micro-dollars.
    pub provider: u128,
    /// Back to the payer.
    pub returned: u128,
    /// The protocol's.
    pub fee: u128,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// `Health` said it.
    Health(HealthEvent),
    /// `Escrow` said it.
    Paid(Paid),
}

/// Follows both contracts.
#[derive(Debug)]
pub struct Events {
    l2: DynProvider,
    health: Address,
    escrow: Address,
    next_block: u64,
}

impl Events {
    /// From the first block on.
    #[must_use]
    pub fn open(world: &World) -> Self {
        Self {
            l2: world.chains.l2.provider().clone(),
            health: world.contracts.l2.health,
            escrow: world.contracts.l2.escrow,
            next_block: 0,
        }
    }

    /// What has happened since the last call.
    ///
    /// # Errors
    /// When the chain does not answer, or says what it must not.
    pub async fn advance(&mut self) -> Result<Vec<Event>, Error> {
        let head = self.l2.get_block_number().await?;
        if head < self.next_block {
            return Ok(Vec::new());
        }
        let filter = Filter::new()
            .address(vec![self.health, self.escrow])
            .from_block(self.next_block)
            .to_block(head);
        let logs = self.l2.get_logs(&filter).await?;
        self.next_block = head + 1;
        let mut events = Vec::new();
        for log in &logs {
            if log.address() == self.health {
                let event = HealthEvent::from_log(log);
                let event = event.map_err(|e| Error::program("health", e.to_string()))?;
                events.extend(event.map(Event::Health));
            } else if let Ok(event) = IEscrow::Settled::decode_log(&log.inner) {
                events.push(Event::Paid(Paid {
                    request: event.requestId,
                    provider: event.toProvider.saturating_to(),
                    returned: event.returned.saturating_to(),
                    fee: event.fee.saturating_to(),
                }));
            }
        }
        Ok(events)
    }
}
