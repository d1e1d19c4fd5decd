//! Accepting connections: each at once, with a place that another may have to give up; none for ever.

use std::{io, time::Duration};

use futures::{Stream, stream};
use tokio::net::TcpListener;
use tracing::warn;

use crate::{
    ServerLimits,
    guarded::{Clocks, Guarded},
    places::Places,
};

/// Pause after an error of `accept` itself (out of file handles), which would else spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The connections of `listener`, within `limits`. Never ends, never errs.
pub(crate) fn incoming(
    listener: TcpListener,
    places: Places,
    limits: &ServerLimits,
) -> impl Stream<Item = io::Result<Guarded>> + Send + use<> {
    let clocks = Clocks {
        life: limits
            .connection_age
            .saturating_add(limits.connection_grace),
        idle: limits.idle_timeout,
        first_request: limits.first_request,
    };
    stream::unfold((listener, places), move |(listener, places)| async move {
        let connection = next(&listener, &places, &clocks).await;
        Some((Ok(connection), (listener, places)))
    })
}

/// Waits for a connection. Nothing is left in the listener's queue for want of places: there it
/// would wait behind those of strangers.
async fn next(listener: &TcpListener, places: &Places, clocks: &Clocks) -> Guarded {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return Guarded::new(stream, places.enter(peer.ip()), clocks),
            Err(error) => {
                warn!(%error, "accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
