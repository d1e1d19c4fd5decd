//! An explanation for people: sentences, and tables where there are numbers to compare.

use std::fmt::{self, Write as _};

use quorate_canon::Timestamp;
use quorate_service::terminal::{Tone, cell, grouped, table};

use super::{
    Answer, Explained, OfferAnswer, Order, RequestAnswer,
    answer::Cut,
    pair::{Ahead, Pair, Verdict},
};
use crate::report::time;

/// How many matches that took the room are named.
const NAMED: usize = 5;

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(id) => write!(f, "request {id}"),
            Self::Offer(id) => write!(f, "offer {id}"),
        }
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = time(Timestamp::new(self.time));
        writeln!(f, "{} in round {}, as of {at}", self.order, self.round)?;
        for warning in &self.warnings {
            writeln!(f, "note: {warning}")?;
        }
        match &self.answer {
            Answer::Absent(absent) => writeln!(f, "not in the round: {absent}"),
            Answer::Request(answer) => request(f, answer),
            Answer::Offer(answer) => offer(f, answer),
        }
    }
}

fn request(f: &mut fmt::Formatter<'_>, said: &RequestAnswer) -> fmt::Result {
    match (&said.matched, said.unmatched) {
        (Some(got), _) => writeln!(
            f,
            "matched with offer {}, score {}: number {} of its {} eligible offers",
            got.offer,
            number(got.score),
            said.place.unwrap_or(0),
            said.eligible
        )?,
        (None, why) => writeln!(f, "not matched: {}", why.unwrap_or("no reason is known"))?,
    }
    writeln!(
        f,
        "asks for {} GPUs at no more than {} a GPU and hour",
        said.gpus,
        dollars(said.budget)
    )?;
    filters(f, "offers", said.offers, said.eligible, &said.cut)?;
    pairs(f, "its best pairs", "offer", |pair| pair.offer, &said.pairs)
}

fn offer(f: &mut fmt::Formatter<'_>, said: &OfferAnswer) -> fmt::Result {
    writeln!(
        f,
        "asks {} a GPU and hour; {} GPUs were free, {} are left after {} matches",
        dollars(said.ask),
        said.gpus_free,
        said.gpus_left,
        said.matches.len()
    )?;
    let rest = |values: [u32; 4]| {
        let [cpu, memory, disk, mbits] = values;
        format!("{cpu} milli-CPU, {memory} MiB, {disk} GiB disk, {mbits} Mbit/s")
    };
    writeln!(f, "beside them free: {}", rest(said.rest_free))?;
    writeln!(f, "              left: {}", rest(said.rest_left))?;
    filters(f, "requests", said.requests, said.eligible, &said.cut)?;
    writeln!(
        f,
        "of the eligible {} came here, {} got a pair that stands higher, {} were outranked here, {} were cut by the round's limit",
        said.matches.len(),
        said.served_better,
        said.outranked,
        said.below_limit
    )?;
    let of = |pair: &Pair| pair.request;
    pairs(f, "its matches", "request", of, &said.matches)?;
    pairs(f, "its best losers", "request", of, &said.losers)
}

fn filters(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    all: usize,
    eligible: u32,
    cut: &[Cut],
) -> fmt::Result {
    writeln!(f, "\n{all} {what} in the round, {eligible} eligible")?;
    if cut.is_empty() {
        return Ok(());
    }
    let mut lines = table(&["cut", "rule", "by"]);
    for cut in cut {
        lines.add_row([
            cut.count.to_string(),
            cut.rule.to_string(),
            cut.words.clone(),
        ]);
    }
    writeln!(f, "{lines}")
}

fn pairs(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    other: &str,
    of: impl Fn(&Pair) -> u64,
    pairs: &[Pair],
) -> fmt::Result {
    if pairs.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}, best first")?;
    let mut lines = table(&[other, "score", "what became of it"]);
    for pair in pairs {
        let (tone, words) = verdict(&pair.verdict);
        lines.add_row(vec![
            cell(&of(pair).to_string(), Tone::Plain),
            cell(&number(pair.score), Tone::Plain),
            cell(&words, tone),
        ]);
    }
    writeln!(f, "{lines}")?;
    writeln!(f, "\nfactor by factor: weight x factor = points")?;
    let head = pairs.iter().map(|pair| format!("{other} {}", of(pair)));
    let head: Vec<String> = std::iter::once("factor".to_owned()).chain(head).collect();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let mut lines = table(&head);
    for at in 0..pairs.first().map_or(0, |pair| pair.parts.len()) {
        let parts = pairs.iter().filter_map(|pair| pair.parts.get(at));
        let name = parts.clone().next().map_or("", |part| part.name);
        let mut row = vec![name.to_owned()];
        row.extend(parts.map(|part| match (part.weight, part.value) {
            (Some(weight), Some(value)) => {
                format!("{weight} x {value} = {}", number(part.points))
            }
            (_, Some(rounds)) => format!("{rounds} rounds = {}", number(part.points)),
            _ => number(part.points),
        }));
        lines.add_row(row);
    }
    let mut sums = vec!["score".to_owned()];
    sums.extend(pairs.iter().map(|pair| number(pair.score)));
    lines.add_row(sums);
    writeln!(f, "{lines}")
}

fn verdict(verdict: &Verdict) -> (Tone, String) {
    match verdict {
        Verdict::Matched => (Tone::Good, "matched".to_owned()),
        Verdict::ServedBetter { by } => (
            Tone::Plain,
            format!("the request got offer {}, {}", by.offer, ahead(by)),
        ),
        Verdict::Outranked { by } => (Tone::Bad, format!("full: {}", took_room(by))),
        Verdict::BelowLimit { last } => (
            Tone::Bad,
            format!(
                "below the round's limit: the last match, request {} with offer {}, is {}",
                last.request,
                last.offer,
                ahead(last)
            ),
        ),
    }
}

fn took_room(by: &[Ahead]) -> String {
    let mut words = String::new();
    for (at, by) in by.iter().take(NAMED).enumerate() {
        let comma = if at == 0 { "" } else { "; " };
        // Writing to a string cannot fail.
        let _ = write!(
            words,
            "{comma}taken by request {}, {}",
            by.request,
            ahead(by)
        );
    }
    match by.len().saturating_sub(NAMED) {
        0 => words,
        more => format!("{words}; and {more} more"),
    }
}

fn ahead(by: &Ahead) -> String {
    match by.ahead {
        0 => format!("score {} as well, ahead by the lottery", number(by.score)),
        points => format!("score {}, ahead by {}", number(by.score), number(points)),
    }
}

fn number(value: u64) -> String {
    grouped(u128::from(value))
}

fn dollars(micro: u64) -> String {
    format!("${}.{:06}", micro / 1_000_000, micro % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{Absent, answer::Round};
    use crate::testing::{self, SEED};

    fn text(answer: Answer) -> String {
        let explained = Explained {
            order: Order::Request(7),
            round: 3,
            time: 1_700_000_000,
            warnings: vec!["look".to_owned()],
            answer,
        };
        explained.to_string()
    }

    #[test]
    fn an_absent_order_is_told_why_in_one_line() {
        let said = text(Answer::Absent(Absent::MatchedBefore { round: 2 }));
        assert!(said.contains("request 7 in round 3"), "{said}");
        assert!(
            said.contains("not in the round: round 2 had matched it before"),
            "{said}"
        );
        assert!(said.contains("note: look"), "{said}");
    }

    /// All that the answer holds is in the words: filters, factors, those ahead.
    #[test]
    fn words_hold_the_numbers_of_the_answer() {
        let inputs = testing::inputs(3, 4, 16, 4);
        let right = inputs.right(&SEED).unwrap();
        let round = Round::new(&inputs, &right, &SEED);
        for request in inputs.snapshot.requests() {
            let answer = round.request(request.request.id, 3).unwrap();
            let said = text(Answer::Request(answer.clone()));
            for cut in &answer.cut {
                assert!(said.contains(&cut.words), "{said}");
            }
            for pair in &answer.pairs {
                assert!(said.contains(&number(pair.score)), "{said}");
                for part in &pair.parts {
                    assert!(said.contains(part.name), "{said}");
                }
            }
            assert_eq!(
                said.contains("matched with offer"),
                answer.matched.is_some()
            );
        }
        for offer in inputs.snapshot.offers() {
            let answer = round.offer(offer.offer.id, 3).unwrap();
            let said = text(Answer::Offer(answer.clone()));
            let matches = format!("are left after {} matches", answer.matches.len());
            assert!(said.contains(&matches), "{said}");
        }
    }
}
