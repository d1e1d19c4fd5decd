//! `/status`: the rounds as JSON, for people and scripts on the host.

use std::sync::{Arc, OnceLock};

use axum::{Json, Router, extract::State, routing::get};
use quorate_rpc::{RoundFailure, wire::RoundReport};
use quorate_service::Readiness;
use serde_json::{Value, json};

use crate::{collector::Mailbox, reach::Facts};

/// What the page shows; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    readiness: Readiness,
    running: Arc<OnceLock<(Mailbox, Facts)>>,
}

impl Status {
    /// A page that has no rounds to show yet.
    pub(crate) fn new(readiness: Readiness) -> Self {
        Self {
            readiness,
            running: Arc::default(),
        }
    }

    /// Shows rounds from now on.
    pub(crate) fn show(&self, mailbox: Mailbox, facts: Facts) {
        // Whoever came first is shown; there is one collector a process.
        let _ = self.running.set((mailbox, facts));
    }
}

/// The route of the page.
pub(crate) fn router(status: Status) -> Router {
    Router::new().route("/status", get(page)).with_state(status)
}

async fn page(State(status): State<Status>) -> Json<Value> {
    let mut page = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "ready": status.readiness.is_ready(),
        "conditions": status.readiness.conditions(),
    });
    if let Some((mailbox, facts)) = status.running.get() {
        let rounds: Vec<Value> = mailbox.rounds().await.iter().map(round).collect();
        page["network"] = network(facts);
        page["rounds"] = rounds.into();
    }
    Json(page)
}

fn network(facts: &Facts) -> Value {
    let domain = &facts.domain;
    json!({
        "l1_chain": domain.l1_chain.get(),
        "l2_chain": domain.l2_chain.get(),
        "rounds": domain.rounds.to_string(),
        "avs": domain.avs.to_string(),
        "operator_set": domain.operator_set,
    })
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
