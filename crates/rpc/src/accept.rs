//! Accepting connections: a bounded number in all, a bounded number from one address, and none for ever.

use std::{io, sync::Arc, time::Duration};

use futures::{Stream, stream};
use tokio::{net::TcpListener, sync::Semaphore};
use tracing::{debug, warn};

use crate::{ServerLimits, addresses::Addresses, guarded::Guarded};

/// Pause after an error of `accept` itself (out of file handles), which would else spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The connections of `listener`, within `limits`. Never ends, never errs.
pub(crate) fn incoming(
    listener: TcpListener,
    limits: &ServerLimits,
) -> impl Stream<Item = io::Result<Guarded>> + Send + use<> {
    let door = Door {
        listener,
        permits: Arc::new(Semaphore::new(limits.connections)),
        addresses: Addresses::new(limits.connections_per_address),
        life: limits
            .connection_age
            .saturating_add(limits.connection_grace),
        idle: limits.idle_timeout,
    };
    stream::unfold(door, |door| async move {
        let connection = door.next().await;
        Some((Ok(connection), door))
    })
}

/// What stands between the listener and the server.
struct Door {
    listener: TcpListener,
    permits: Arc<Semaphore>,
    addresses: Addresses,
    life: Duration,
    idle: Duration,
}

impl Door {
    /// Waits for a free place, then for a connection that may have it.
    async fn next(&self) -> Guarded {
        loop {
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
                // The semaphore lives as long as this door and is never closed.
                std::future::pending::<()>().await;
                continue;
            };
            match self.listener.accept().await {
                Ok((stream, peer)) => match self.addresses.enter(peer.ip()) {
                    Some(slot) => return Guarded::new(stream, permit, slot, self.life, self.idle),
                    None => debug!(%peer, "too many connections from one address"),
                },
                Err(error) => {
                    warn!(%error, "accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}
