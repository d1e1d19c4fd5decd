//! A connection that cannot stay for ever.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};
use tonic::transport::server::{Connected, TcpConnectInfo};
use tracing::debug;

use crate::places::{Place, Ticket};

/// How long a connection may stay.
#[derive(Clone, Copy)]
pub(crate) struct Clocks {
    /// Whatever it does.
    pub(crate) life: Duration,
    /// Without a byte from the peer.
    pub(crate) idle: Duration,
    /// Without any request, from its beginning on.
    pub(crate) first_request: Duration,
}

/// A connection that gives its place back when it goes, and goes when it is too old, too silent or
/// asks nothing at all, and when another has its place. The clocks also run before TLS and HTTP/2 have
/// shaken hands, where no ping is sent yet.
pub(crate) struct Guarded {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    silence: Pin<Box<Sleep>>,
    /// Gone once a request has come.
    unasked: Option<Pin<Box<Sleep>>>,
    idle: Duration,
    place: Place,
}

/// What requests carry of their connection.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) ticket: Ticket,
    pub(crate) address: TcpConnectInfo,
}

impl Guarded {
    pub(crate) fn new(stream: TcpStream, place: Place, clocks: &Clocks) -> Self {
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "no delay");
        }
        Self {
            stream,
            end: Box::pin(tokio::time::sleep(clocks.life)),
            silence: Box::pin(tokio::time::sleep(clocks.idle)),
            unasked: Some(Box::pin(tokio::time::sleep(clocks.first_request))),
            idle: clocks.idle,
            place,
        }
    }

    /// Whether it has to go, whatever comes or waits. From now on it is woken when it has to.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.place.watch(cx.waker());
        self.place.is_lost() || self.end.as_mut().poll(cx).is_ready() || self.never_asks(cx)
    }

    fn never_asks(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(clock) = &mut self.unasked else {
            return false;
        };
        if clock.as_mut().poll(cx).is_pending() {
            return false;
        }
        if self.place.has_asked() {
            self.unasked = None;
            return false;
        }
        true
    }
}

fn cut<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_over(cx) {
            return cut();
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(result) => {
                if buffer.filled().len() > before {
                    let until = Instant::now() + self.idle;
                    self.silence.as_mut().reset(until);
                }
                Poll::Ready(result)
            }
            Poll::Pending if self.silence.as_mut().poll(cx).is_ready() => cut(),
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
        // A peer that does not read keeps HTTP/2 from reading too.
        if self.is_over(cx) {
            return cut();
        }
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
        if self.is_over(cx) {
            return cut();
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl Connected for Guarded {
    type ConnectInfo = Origin;

    fn connect_info(&self) -> Self::ConnectInfo {
        Origin {
            ticket: self.place.ticket(),
            address: self.stream.connect_info(),
        }
    }
}
