//! The table at a run's end.

use std::path::Path;

use quorate_service::terminal::{self, Tone, grouped};

use super::{millionths, paint, percent, tokens};
use crate::run::{Summary, WorkedEpoch};

pub(in crate::run) fn summary(summary: &Summary, dir: &Path) {
    let mut table = terminal::table(&["", "this run"]);
    let rows = [
        ("rounds settled", summary.rounds_settled.to_string()),
        (
            "rounds replayed equal",
            format!(
                "{} of {}",
                summary.rounds_replayed_equal, summary.rounds_replayed
            ),
        ),
        ("requests", summary.requests.to_string()),
        (
            "matched",
            format!(
                "{} ({} leases open, {} ended)",
                summary.matched, summary.leases_open, summary.leases_ended
            ),
        ),
        (
            "gas per certificate",
            format!(
                "{} / {} / {} (lowest / median / highest)",
                summary.gas_per_certificate[0],
                summary.gas_per_certificate[1],
                summary.gas_per_certificate[2]
            ),
        ),
        (
            "beacon to certificate",
            format!(
                "{} ms p50, {} ms p99, blocks of 1 s included",
                summary.beacon_to_certificate_p50_ms, summary.beacon_to_certificate_p99_ms
            ),
        ),
        (
            "operator memory",
            summary.operator_resident_kib.map_or_else(
                || "-".to_owned(),
                |kib| format!("{} MiB resident at most", kib / 1024),
            ),
        ),
        ("wrong outcome of a quorum", wrong_outcome(summary)),
        ("machine that lost a card", lost_card(summary)),
        ("duration", format!("{} s", summary.seconds)),
    ];
    for (name, value) in rows {
        table.add_row(vec![name.to_owned(), value]);
    }
    for epoch in &summary.operators_work {
        table.add_row(vec![
            format!("work of operators, stake epoch {}", epoch.epoch),
            work(epoch),
        ]);
        table.add_row(vec![
            format!("paid for stake epoch {}", epoch.epoch),
            pay(epoch),
        ]);
    }
    for slashed in &summary.slashed {
        table.add_row(vec![
            format!("operator {} slashed", slashed.operator),
            format!(
                "{}: {} -> {} shares",
                slashed.offence, slashed.stake_before, slashed.stake_after
            ),
        ]);
    }
    println!("{table}");
    if summary.held {
        paint(Tone::Good, "All of it held.");
    } else {
        paint(Tone::Bad, "Not all of it held:");
        for failure in &summary.failures {
            println!("  - {failure}");
        }
    }
    println!("{}", dir.join("summary.json").display());
}

fn lost_card(summary: &Summary) -> String {
    let came = &summary.downtime;
    format!(
        "{} windows DOWN by {} seats or more, {} tokens slashed, uptime {}",
        came.windows_down,
        came.seats,
        millionths(came.slashed),
        percent(came.uptime[1])
    )
}

fn wrong_outcome(summary: &Summary) -> String {
    let Some(refuted) = &summary.refuted else {
        return "not refuted".to_owned();
    };
    format!(
        "round {} refuted for {} gas with {} bytes; {} rounds settled since",
        refuted.round,
        grouped(u128::from(refuted.gas)),
        grouped(refuted.calldata as u128),
        summary.rounds_after_refutation
    )
}

fn work(epoch: &WorkedEpoch) -> String {
    let shares = epoch.shares_bps.iter().map(|share| percent(*share));
    format!(
        "{} ({} rounds' weight, {} probes sampled)",
        shares.collect::<Vec<_>>().join(" / "),
        epoch.rounds,
        epoch.probes
    )
}

fn pay(epoch: &WorkedEpoch) -> String {
    let paid = epoch.paid.iter().map(|paid| tokens(*paid));
    format!(
        "{} tokens through EigenLayer's core",
        paid.collect::<Vec<_>>().join(" / ")
    )
}
