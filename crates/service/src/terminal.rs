//! Tables, colours and progress, for people. Off a terminal there are no colours and no moving bars.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What a word in a table means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Plain,
    /// As it should be.
    Good,
    /// To be looked at.
    Bad,
    /// Of little interest.
    Faint,
    /// A head line.
    Strong,
}

/// Whether standard output takes colours: it is a terminal and NO_COLOR is not set.
pub fn colours() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// An empty table with a head line, as wide as the terminal at most.
pub fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if !colours() {
        table.force_no_tty();
    }
    table.set_header(
        head.iter()
            .map(|name| cell(name, Tone::Strong))
            .collect::<Vec<_>>(),
    );
    table
}

/// A cell; its colour is dropped off a terminal.
pub fn cell(text: &str, tone: Tone) -> Cell {
    let cell = Cell::new(text);
    match tone {
        Tone::Plain => cell,
        Tone::Good => cell.fg(Color::Green),
        Tone::Bad => cell.fg(Color::Red).add_attribute(Attribute::Bold),
        Tone::Faint => cell.add_attribute(Attribute::Dim),
        Tone::Strong => cell.add_attribute(Attribute::Bold),
    }
}

/// A bar for `length` steps on standard error; hidden off a terminal.
pub fn progress(length: u64, what: &'static str) -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(10)
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A number with thin groups of three: `1 234 567`.
pub fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            ["0", "999", "1 000", "1 234 567"],
            [0, 999, 1000, 1_234_567]
                .map(grouped)
                .map(|text| text)
                .as_slice()
        );
    }

    #[test]
    fn off_a_terminal_there_are_no_escapes() {
        let mut table = table(&["a"]);
        table.add_row(vec![cell("x", Tone::Bad)]);
        assert!(!table.to_string().contains('\u{1b}') || colours());
    }
}
