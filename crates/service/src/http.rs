//! The process's HTTP page: `/metrics`, `/healthz` (alive), `/readyz` (and what is missing).

use std::{io, net::SocketAddr, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{Metrics, Readiness, Shutdown};

/// How long the end waits for answers under way.
const DRAIN: Duration = Duration::from_secs(2);

/// The routes that every process has; a binary merges its own.
pub fn router(metrics: Metrics, readiness: Readiness) -> Router {
    Router::new()
        .route("/metrics", get(metrics_page).with_state(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready_page).with_state(readiness))
}

async fn metrics_page(State(metrics): State<Metrics>) -> Response {
    match metrics.encode() {
        Ok(page) => (
            [(
                header::CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            page,
        )
            .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn ready_page(State(readiness): State<Readiness>) -> Response {
    let ready = readiness.is_ready();
    let code = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        code,
        Json(json!({ "ready": ready, "conditions": readiness.conditions() })),
    )
        .into_response()
}

/// Listens on `address`; port 0 takes a free one. Returns the listener and where it listens.
pub async fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves `router` until the end is asked for; handlers may ask who calls (`ConnectInfo`). The page is meant for the host's own network: it
/// bears no secrets, but nothing here withstands the open internet.
pub async fn serve(listener: TcpListener, router: Router, shutdown: Shutdown) -> io::Result<()> {
    let served = axum::serve(
        listener,
        router.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(shutdown.asked());
    tokio::select! {
        result = served.into_future() => result,
        () = async { shutdown.asked().await; tokio::time::sleep(DRAIN).await } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream
            .write_all(
                format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes(),
            )
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn pages_answer_and_readiness_says_what_is_missing() {
        let (metrics, readiness, shutdown) = (Metrics::new(), Readiness::new(), Shutdown::new());
        let chain = readiness.require("l2");
        let (listener, address) = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let server = tokio::spawn(serve(
            listener,
            router(metrics, readiness),
            shutdown.clone(),
        ));

        assert!(ask(address, "/healthz").await.contains(" 200 "));
        assert!(ask(address, "/metrics").await.contains("# EOF"));
        let answer = ask(address, "/readyz").await;
        assert!(
            answer.contains(" 503 ") && answer.contains("not tried yet"),
            "{answer}"
        );
        chain.ready();
        assert!(ask(address, "/readyz").await.contains(" 200 "));

        shutdown.ask();
        tokio::time::timeout(Duration::from_secs(5), server)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}
