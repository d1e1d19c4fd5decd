//! A watcher's lines for people: an aligned table that grows.

use std::fmt::Write as _;

use quorate_service::terminal;

use crate::watch::{ActionLine, Fate, Judgement, Line, RoundLine};

const GREEN: &str = "\u{1b}[32m";
const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[33m";
const FAINT: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

/// Prints lines in columns, with a head before the first.
#[derive(Debug, Default)]
pub struct Lines {
    begun: bool,
}

impl Lines {
    /// Prints a line on standard output.
    pub fn print(&mut self, line: &Line) {
        if !self.begun {
            self.begun = true;
            println!(
                "{}",
                row(&["round", "what", "result", "requests", "matched", "detail"])
            );
        }
        println!("{}", painted(line, terminal::colours()));
    }
}

/// One row, coloured if asked for.
fn painted(line: &Line, colours: bool) -> String {
    let text = words(line);
    if !colours {
        return text;
    }
    let colour = match line {
        Line::Round(round) => match round.judgement {
            Judgement::Right => GREEN,
            Judgement::Wrong | Judgement::Withheld => RED,
            Judgement::Unsure => YELLOW,
        },
        Line::Action(action) => match action.fate {
            Fate::Done | Fate::WouldSucceed => GREEN,
            Fate::WouldRevert | Fate::Failed => YELLOW,
            Fate::LeftOut => FAINT,
        },
        Line::TakenBack { .. } => YELLOW,
    };
    format!("{colour}{text}{PLAIN}")
}

fn words(line: &Line) -> String {
    match line {
        Line::Round(round) => of_round(round),
        Line::Action(action) => of_action(action),
        Line::TakenBack {
            round, judgement, ..
        } => row(&[
            &round.to_string(),
            "reorganised",
            &name(judgement),
            "",
            "",
            "what was found there does not count",
        ]),
    }
}

fn of_round(round: &RoundLine) -> String {
    let count = |count: Option<usize>| count.map_or_else(String::new, |count| count.to_string());
    let mut detail = Vec::new();
    if round.proposed == Some(true) {
        detail.push("proposed with a bond".to_owned());
    }
    if let Some(fault) = &round.fault {
        let (code, words) = (fault.code, &fault.words);
        detail.push(format!(
            "code {code}: {words} (witness of {} bytes)",
            fault.bytes
        ));
    }
    detail.extend(round.reason.clone());
    for note in &round.notes {
        let (kind, got, expected) = (note.kind, &note.got, &note.expected);
        detail.push(format!("note, {kind:?}: got {got}, expected {expected}"));
    }
    row(&[
        &round.round.to_string(),
        &name(&round.standing),
        &name(&round.judgement),
        &count(round.requests),
        &count(round.matched),
        &detail.join("; "),
    ])
}

fn of_action(action: &ActionLine) -> String {
    let mut detail = Vec::new();
    if let Some(transaction) = &action.transaction {
        detail.push(format!("transaction {transaction}"));
    }
    if let Some(gas) = action.gas {
        detail.push(format!("{} gas", terminal::grouped(u128::from(gas))));
    }
    detail.extend(action.reason.clone());
    row(&[
        &action.round.to_string(),
        action.action.name(),
        &name(&action.fate),
        "",
        "",
        &detail.join("; "),
    ])
}

/// The name that JSON has, with spaces.
fn name(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name.replace('_', " "),
        _ => String::new(),
    }
}

fn row(cells: &[&str; 6]) -> String {
    let [round, what, result, requests, matched, detail] = cells;
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "{round:>8}  {what:<14} {result:<14} {requests:>9} {matched:>9}  {detail}"
    );
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::{Deed, Standing};

    fn round(judgement: Judgement) -> Line {
        Line::Round(RoundLine {
            round: 12,
            digest: String::new(),
            proposed: Some(false),
            standing: Standing::Challengeable,
            judgement,
            requests: Some(10),
            matched: Some(4),
            fault: None,
            notes: Vec::new(),
            reason: Some("a reason".to_owned()),
        })
    }

    fn action() -> Line {
        Line::Action(ActionLine {
            round: 12,
            action: Deed::Challenge,
            fate: Fate::WouldSucceed,
            transaction: None,
            gas: Some(123_456),
            reason: None,
        })
    }

    #[test]
    fn columns_stand_below_each_other() {
        let head = row(&["round", "what", "result", "requests", "matched", "detail"]);
        let at = |text: &str, part: &str| text.find(part).unwrap();
        let line = painted(&round(Judgement::Right), false);
        assert_eq!(at(&head, "what"), at(&line, "challengeable"));
        assert_eq!(at(&head, "result"), at(&line, "right"));
        assert_eq!(at(&head, "detail"), at(&line, "a reason"));
        let line = painted(&action(), false);
        assert_eq!(at(&head, "result"), at(&line, "would succeed"));
        assert_eq!(at(&head, "detail"), at(&line, "123 456 gas"));
    }

    #[test]
    fn only_a_terminal_gets_colours() {
        let line = round(Judgement::Wrong);
        assert!(!painted(&line, false).contains('\u{1b}'));
        assert!(painted(&line, true).starts_with(RED));
    }
}
