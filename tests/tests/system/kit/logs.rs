//! What a node wrote: the tests read the lines that docs/operators.md promises.

use std::{fs, path::Path};

use quorate_canon::Round;

/// The lines of a log that hold all of the words.
pub(crate) fn lines(log: &Path, words: &[&str]) -> Vec<String> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let all = text
        .lines()
        .filter(|line| words.iter().all(|word| line.contains(word)));
    all.map(str::to_owned).collect()
}

/// The rounds that such lines are about, in their order.
pub(crate) fn rounds(log: &Path, words: &[&str]) -> Vec<Round> {
    let of = |line: &String| {
        let (_, rest) = line.split_once(" round=")?;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok().map(Round::new)
    };
    lines(log, words).iter().filter_map(of).collect()
}
