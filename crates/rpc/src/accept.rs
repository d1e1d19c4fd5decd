//! Accepting connections: a bounded number in all, a bounded number from one address, and none for ever.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv6Addr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep},
};
use tonic::transport::server::{Connected, TcpConnectInfo};
use tracing::{debug, warn};

use crate::ServerLimits;

/// Pause after an error of `accept` itself (out of file handles), which would else spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The connections of `listener`, within `limits`. Never ends, never errs.
pub fn incoming(
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

/// Counts connections by address. An IPv6 host has a whole /64, so that is counted as one address.
#[derive(Clone)]
struct Addresses {
    counts: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
    most: usize,
}

impl Addresses {
    fn new(most: usize) -> Self {
        Self {
            counts: Arc::default(),
            most,
        }
    }

    /// Takes a place for `address`, if it has one left.
    fn enter(&self, address: IpAddr) -> Option<Slot> {
        let address = group(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Slot {
            addresses: self.clone(),
            address,
        })
    }
}

/// The part of an address that one host cannot change at will.
pub(crate) fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// One taken place; given back on drop.
struct Slot {
    addresses: Addresses,
    address: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self
            .addresses
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// A connection that gives its place back when it goes, and goes when it is too old or too silent.
/// The clock also runs before TLS and HTTP/2 have shaken hands, where no ping is sent yet.
pub struct Guarded {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    silence: Pin<Box<Sleep>>,
    idle: Duration,
    _permit: OwnedSemaphorePermit,
    _slot: Slot,
}

impl Guarded {
    fn new(
        stream: TcpStream,
        permit: OwnedSemaphorePermit,
        slot: Slot,
        life: Duration,
        idle: Duration,
    ) -> Self {
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "no delay");
        }
        Self {
            stream,
            end: Box::pin(tokio::time::sleep(life)),
            silence: Box::pin(tokio::time::sleep(idle)),
            idle,
            _permit: permit,
            _slot: slot,
        }
    }

    /// Whether one of the clocks has run out.
    fn expired(&mut self, cx: &mut Context<'_>) -> bool {
        self.end.as_mut().poll(cx).is_ready() || self.silence.as_mut().poll(cx).is_ready()
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(result) => {
                if buffer.filled().len() > before {
                    let until = Instant::now() + self.idle;
                    self.silence.as_mut().reset(until);
                }
                if self.end.as_mut().poll(cx).is_ready() {
                    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
                } else {
                    Poll::Ready(result)
                }
            }
            Poll::Pending if self.expired(cx) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl Connected for Guarded {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_its_places_and_no_more() {
        let addresses = Addresses::new(2);
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let first = addresses.enter(here).unwrap();
        let _second = addresses.enter(here).unwrap();
        assert!(addresses.enter(here).is_none());
        assert!(addresses.enter("192.0.2.2".parse().unwrap()).is_some());
        drop(first);
        assert!(addresses.enter(here).is_some());
    }

    #[test]
    fn a_whole_ipv6_network_counts_as_one_address() {
        let addresses = Addresses::new(1);
        let _slot = addresses.enter("2001:db8::1".parse().unwrap()).unwrap();
        assert!(
            addresses
                .enter("2001:db8::ffff:1".parse().unwrap())
                .is_none()
        );
        assert!(
            addresses
                .enter("2001:db8:0:1::1".parse().unwrap())
                .is_some()
        );
    }

    #[test]
    fn a_mapped_ipv4_address_is_the_same_address() {
        assert_eq!(
            group("::ffff:192.0.2.1".parse().unwrap()),
            group("192.0.2.1".parse().unwrap())
        );
    }

    #[test]
    fn counts_of_gone_addresses_are_forgotten() {
        let addresses = Addresses::new(1);
        drop(addresses.enter("192.0.2.1".parse().unwrap()));
        assert!(addresses.counts.lock().unwrap().is_empty());
    }
}
