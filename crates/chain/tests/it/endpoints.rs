//! Endpoints that give logs of few blocks at a time, or none at all.

use std::sync::{Arc, Mutex};

use quorate_chain::Rpc;
use serde_json::{Value, json};
use url::Url;

use crate::anvil;
use crate::proxy::{self, Fault, calls};

/// Blocks that the narrow endpoint gives logs of at a time.
pub(crate) const RANGE: u64 = 3;

/// An endpoint that refuses to look for logs in more than [`RANGE`] blocks, or without an end; also
/// the ranges that it was asked for.
pub(crate) async fn narrow(target: &Url) -> (Rpc, Arc<Mutex<Vec<Option<u64>>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let ranges = Arc::clone(&asked);
    let rule = move |request: &Value| {
        let width = parts(request).find_map(|part| {
            (part["method"] == "eth_getLogs").then(|| width(&part["params"][0]))
        })?;
        ranges.lock().unwrap().push(width);
        let wide = width.is_none_or(|width| width > RANGE);
        wide.then(|| {
            answer(
                request,
                |_| json!({ "error": { "code": -32005, "message": "range too wide" } }),
            )
        })
    };
    let url = proxy::before(target, Box::new(rule)).await;
    (anvil::rpc(vec![url]).await, asked)
}

/// An endpoint that has every block and no log yet.
pub(crate) async fn without_logs(target: &Url) -> Rpc {
    behind(target, |part| match part["method"].as_str() {
        Some("eth_getLogs") => json!({ "result": [] }),
        _ => json!({ "result": header() }),
    })
    .await
}

/// An endpoint that lacks the blocks whose logs are asked for, and says so of the blocks only.
pub(crate) async fn without_blocks(target: &Url) -> Rpc {
    behind(target, |part| match part["method"].as_str() {
        Some("eth_getLogs") => json!({ "result": [] }),
        _ => json!({ "result": null }),
    })
    .await
}

/// An endpoint whose answers to requests about logs are made up.
async fn behind(target: &Url, result: fn(&Value) -> Value) -> Rpc {
    let rule =
        move |request: &Value| calls(request, "eth_getLogs").then(|| answer(request, result));
    let url = proxy::before(target, Box::new(rule)).await;
    anvil::rpc(vec![url]).await
}

fn answer(request: &Value, result: impl Fn(&Value) -> Value) -> Fault {
    let one = |part: &Value| {
        let mut answer = result(part);
        answer["jsonrpc"] = json!("2.0");
        answer["id"] = part["id"].clone();
        answer
    };
    let answer = match request {
        Value::Array(batch) => batch.iter().map(one).collect(),
        single => one(single),
    };
    Fault::Say(answer.to_string().into_bytes())
}

fn parts(request: &Value) -> impl Iterator<Item = &Value> {
    match request {
        Value::Array(batch) => batch.as_slice(),
        single => std::slice::from_ref(single),
    }
    .iter()
}

/// The blocks of a filter; `None` without an end.
fn width(filter: &Value) -> Option<u64> {
    let number = |field: &str| {
        let text = filter[field].as_str()?.strip_prefix("0x")?.to_owned();
        u64::from_str_radix(&text, 16).ok()
    };
    Some(number("toBlock")?.checked_sub(number("fromBlock")?)? + 1)
}

/// Some block.
fn header() -> Value {
    json!({
        "hash": format!("0x{}", "11".repeat(32)),
        "parentHash": format!("0x{}", "10".repeat(32)),
        "number": "0x1",
        "timestamp": "0x1",
        "logsBloom": format!("0x{}", "00".repeat(256)),
    })
}
