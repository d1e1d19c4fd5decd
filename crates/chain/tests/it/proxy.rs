//! A proxy before an endpoint that drops calls, answers errors to what it has passed on, or makes
//! answers up.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use url::Url;

/// What the proxy does with a request: `None` passes it on and its answer back.
pub(crate) type Rule = Box<dyn FnMut(&Value) -> Option<Fault> + Send>;

/// How a request is mistreated.
pub(crate) enum Fault {
    /// Not passed on; the caller gets HTTP 503.
    Drop,
    /// Passed on; the caller gets HTTP 503 all the same.
    LoseAnswer,
    /// Not passed on; the caller waits for ever.
    Hang,
    /// Not passed on; these bytes come back.
    Say(Vec<u8>),
}

#[derive(Clone)]
struct Proxy {
    target: Url,
    client: reqwest::Client,
    rule: Arc<Mutex<Rule>>,
}

/// Starts a proxy before `target`.
pub(crate) async fn before(target: &Url, rule: Rule) -> Url {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let proxy = Proxy {
        target: target.clone(),
        client: reqwest::Client::new(),
        rule: Arc::new(Mutex::new(rule)),
    };
    let router = axum::Router::new().fallback(serve).with_state(proxy);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Whether a request, alone or in a batch, calls a method.
pub(crate) fn calls(request: &Value, method: &str) -> bool {
    match request {
        Value::Array(batch) => batch.iter().any(|one| calls(one, method)),
        one => one["method"] == method,
    }
}

/// The JSON-RPC answer to a single request.
pub(crate) fn result(request: &Value, result: &Value) -> Vec<u8> {
    json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })
        .to_string()
        .into_bytes()
}

async fn serve(State(proxy): State<Proxy>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let fault = (proxy.rule.lock().unwrap())(&request);
    match fault {
        Some(Fault::Drop) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Fault::Hang) => std::future::pending::<()>().await,
        Some(Fault::Say(bytes)) => return bytes.into_response(),
        Some(Fault::LoseAnswer) | None => {}
    }
    let answer = proxy
        .client
        .post(proxy.target)
        .body(body)
        .header("content-type", "application/json");
    let answer = match answer.send().await {
        Ok(answer) => answer.bytes().await.unwrap_or_default(),
        Err(_) => return StatusCode::BAD_GATEWAY.into_response(),
    };
    if matches!(fault, Some(Fault::LoseAnswer)) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    answer.into_response()
}
