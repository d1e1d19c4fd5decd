//! Requests, counted by the connection that they come on.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tonic::{Status, body::Body, codegen::http, transport::server::TlsConnectInfo};
use tower::{Layer, Service};

use crate::guarded::Origin;

/// Lets a request in where its connection has room for it, and notes that it was answered.
#[derive(Clone, Copy)]
pub(crate) struct CountAsks;

/// A service whose requests are counted.
#[derive(Clone)]
pub(crate) struct Counted<S>(S);

impl<S> Layer<S> for CountAsks {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted(inner)
    }
}

type Answer<E> = Pin<Box<dyn Future<Output = Result<http::Response<Body>, E>> + Send>>;

impl<S> Service<http::Request<Body>> for Counted<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = http::Response<Body>;
    type Error = S::Error;
    type Future = Answer<S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Answer<S::Error> {
        let admitted = origin(&request).and_then(|origin| {
            let asking = origin.ticket.ask()?;
            Some((asking, origin.address.clone()))
        });
        let Some((asking, address)) = admitted else {
            let refused = Status::resource_exhausted("too many requests at a time").into_http();
            return Box::pin(async { Ok(refused) });
        };
        // Where the services look for the peer's address.
        request.extensions_mut().insert(address);
        let answer = self.0.call(request);
        Box::pin(async move {
            let answer = answer.await;
            asking.answered();
            answer
        })
    }
}

/// The connection that a request came on, through TLS or not.
fn origin(request: &http::Request<Body>) -> Option<&Origin> {
    let found = request.extensions();
    let through = || found.get::<TlsConnectInfo<Origin>>();
    found
        .get::<Origin>()
        .or_else(|| through().map(TlsConnectInfo::get_ref))
}
