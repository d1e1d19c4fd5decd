//! What is printed of replays: a table for people, one JSON object for machines.

mod lines;

use quorate_canon::Timestamp;
use quorate_service::terminal::{self, Tone};
use serde::Serialize;

pub use lines::Lines;

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

/// A time of the chain for people: UTC, to the second.
#[must_use]
pub fn time(at: Timestamp) -> String {
    let (days, seconds) = (at.get() / 86_400, at.get() % 86_400);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    // Civil date of a day number, with years that begin in March: leap days come last.
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_civil() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_700_000_000, "2023-11-14 22:13:20 UTC"),
            (4_107_542_399, "2100-02-28 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(time(Timestamp::new(seconds)), expected);
        }
    }
}
