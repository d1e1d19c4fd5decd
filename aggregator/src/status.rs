//! `/status`: the rounds as JSON, for people and scripts on the host.

use std::sync::{Arc, OnceLock};

use axum::{Json, Router, extract::State, routing::get};
use quorate_rpc::{RoundFailure, wire::RoundReport};
use quorate_service::Readiness;
use serde_json::{Value, json};

use crate::{collector::Mailbox, reach::Facts, tally::Intake};

/// What the page shows; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    readiness: Readiness,
    running: Arc<OnceLock<Shown>>,
}

/// What is shown once the aggregator runs.
#[derive(Debug)]
struct Shown {
    mailbox: Mailbox,
    facts: Facts,
    /// Where operators' work is shown, if it is.
    intake: Option<Arc<Intake>>,
}

impl Status {
    /// A page that has no rounds to show yet.
    pub(crate) fn new(readiness: Readiness) -> Self {
        Self {
            readiness,
            running: Arc::default(),
        }
    }

    /// Shows rounds and operators' work from now on.
    pub(crate) fn show(&self, mailbox: Mailbox, facts: Facts, intake: Option<Arc<Intake>>) {
        let shown = Shown {
            mailbox,
            facts,
            intake,
        };
        // Whoever came first is shown; there is one collector a process.
        let _ = self.running.set(shown);
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
    if let Some(shown) = status.running.get() {
        let rounds: Vec<Value> = shown.mailbox.rounds().await.iter().map(round).collect();
        page["network"] = network(&shown.facts);
        page["work"] = shown.intake.as_deref().map(work).into();
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

fn work(intake: &Intake) -> Value {
    let overview = intake.overview();
    let open = overview.open.iter().map(|(epoch, until, receipts)| {
        json!({ "epoch": epoch.get(), "until": until.get(), "receipts": receipts })
    });
    let counted = overview.counted.map(|(epoch, counted)| {
        json!({
            "epoch": epoch.get(),
            "rounds": counted.rounds,
            "probes": counted.probes,
            "shares_bps": counted.shares,
        })
    });
    json!({ "open": open.collect::<Vec<_>>(), "counted": counted })
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
