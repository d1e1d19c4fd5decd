//! What is printed: a table for people, one JSON object for machines.

use quorate_service::terminal::{self, Tone};
use serde::Serialize;

use crate::Replay;

/// The result of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Rounds replayed.
    pub replayed: usize,
    /// Of these, without a finding.
    pub equal: usize,
    /// Each round.
    pub rounds: Vec<Replay>,
}

impl Report {
    /// Of replayed rounds.
    #[must_use]
    pub fn new(rounds: Vec<Replay>) -> Self {
        let equal = rounds.iter().filter(|round| round.is_equal()).count();
        Self {
            replayed: rounds.len(),
            equal,
            rounds,
        }
    }

    /// Whether nothing was found.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.equal == self.replayed
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = terminal::table(&[
            "round",
            "block",
            "beacon",
            "requests",
            "matched",
            "outcome root",
            "signed",
            "replay",
        ]);
        for round in &self.rounds {
            let signed = round.signed_bps.map_or_else(
                || "-".to_owned(),
                |bps| format!("{}.{:02} %", bps / 100, bps % 100),
            );
            let (verdict, tone) = verdict(round);
            let mut row: Vec<_> = [
                round.round.to_string(),
                round.snapshot.to_string(),
                round.beacon_round.to_string(),
                round.requests.to_string(),
                round.matched.to_string(),
                round.outcome_root.chars().take(12).collect(),
                signed,
            ]
            .iter()
            .map(|text| terminal::cell(text, Tone::Plain))
            .collect();
            row.push(terminal::cell(&verdict, tone));
            table.add_row(row);
        }
        table.to_string()
    }
}

fn verdict(round: &Replay) -> (String, Tone) {
    if round.is_equal() {
        let words = if round.settled {
            "equal"
        } else {
            "equal, chunks missing"
        };
        return (words.to_owned(), Tone::Good);
    }
    let lines: Vec<String> = round
        .findings
        .iter()
        .map(|finding| {
            format!(
                "{:?}: got {}, expected {}",
                finding.kind, finding.got, finding.expected
            )
        })
        .collect();
    (lines.join("\n"), Tone::Bad)
}
