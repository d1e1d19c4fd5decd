//! `/status`: the rounds as JSON, for people and scripts on the host.

use axum::{Json, Router, extract::State, routing::get};
use quorate_rpc::{RoundFailure, wire::RoundReport};
use quorate_service::Readiness;
use serde_json::{Value, json};

use crate::{collector::Mailbox, run::Facts};

/// What the page shows.
#[derive(Clone)]
pub struct Status {
    /// Where the rounds are.
    pub mailbox: Mailbox,
    /// What is missing.
    pub readiness: Readiness,
    /// Whose rounds.
    pub facts: Facts,
}

/// The route of the page.
pub fn router(status: Status) -> Router {
    Router::new().route("/status", get(page)).with_state(status)
}

async fn page(State(status): State<Status>) -> Json<Value> {
    let rounds: Vec<Value> = status.mailbox.rounds().await.iter().map(round).collect();
    let domain = &status.facts.domain;
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "l1_chain": domain.l1_chain.get(),
        "l2_chain": domain.l2_chain.get(),
        "rounds_contract": domain.rounds.to_string(),
        "avs": domain.avs.to_string(),
        "operator_set": domain.operator_set,
        "ready": status.readiness.is_ready(),
        "conditions": status.readiness.conditions(),
        "rounds": rounds,
    }))
}

fn round(report: &RoundReport) -> Value {
    let reason = |code: u32| RoundFailure::from_code(code).map_or("unknown", RoundFailure::name);
    json!({
        "round": report.round.get(),
        "phase": report.phase.name(),
        "reason": report.failure.as_ref().map(|(code, _)| reason(*code)),
        "detail": report.failure.as_ref().map(|(_, detail)| detail),
        "digest": report.leading.map(|digest| digest.to_string()),
        "signers": report.signers,
        "signed": report.signed.to_string(),
        "total": report.total.map(|total| total.to_string()),
        "headers": report.headers,
        "outcome_wanted": report.outcome_wanted,
        "chunks_posted": report.chunks_posted,
        "chunks": report.chunks,
    })
}
