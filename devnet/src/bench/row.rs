//! One measured figure, and the table and file of all of them.

use std::path::Path;

use quorate_service::terminal::{self, Tone};
use serde::Serialize;

use super::{Machine, process::round_to};
use crate::Error;

/// A figure with the number that it is to reach. All targets are upper bounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What was measured, and under which conditions.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit: `gas`, `ms`, `MB` (10^6 bytes), `%`, or what is counted.
    pub unit: &'static str,
    /// The most that it may be; none for a figure that is there to be known.
    pub target: Option<f64>,
    /// Whether it is at most the target; none where there is no target.
    pub met: Option<bool>,
}

impl Row {
    /// A figure without a target.
    pub fn info(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            name: name.into(),
            value: round_to(value, 3),
            unit,
            target: None,
            met: None,
        }
    }

    /// A figure that is to be at most `target`.
    pub fn at_most(
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        target: impl Into<f64>,
    ) -> Self {
        let target = target.into();
        Self {
            target: Some(target),
            met: Some(value <= target),
            ..Self::info(name, value, unit)
        }
    }

    /// Gas, of a receipt.
    pub fn gas(name: impl Into<String>, gas: u64, target: u32) -> Self {
        Self::at_most(name, as_f64(gas), "gas", target)
    }
}

/// An integer as a figure: exact up to 2^53, far above anything measured here.
#[allow(clippy::cast_precision_loss, reason = "figures lie far below 2^53")]
pub(super) const fn as_f64(number: u64) -> f64 {
    number as f64
}

/// The rows for people.
pub(super) fn table(rows: &[Row]) -> String {
    let mut table = terminal::table(&["figure", "measured", "target, at most", "unit", ""]);
    for row in rows {
        let (verdict, tone) = match row.met {
            Some(true) => ("met", Tone::Good),
            Some(false) => ("MISSED", Tone::Bad),
            None => ("", Tone::Plain),
        };
        let target = row.target.map_or(String::new(), figure);
        table.add_row(vec![
            terminal::cell(&row.name, Tone::Plain),
            terminal::cell(&figure(row.value), Tone::Plain),
            terminal::cell(&target, Tone::Faint),
            terminal::cell(row.unit, Tone::Faint),
            terminal::cell(verdict, tone),
        ]);
    }
    table.to_string()
}

/// Whole numbers in groups of three, others with as many places as are worth reading.
fn figure(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        let sign = if value < 0.0 { "-" } else { "" };
        let digits = format!("{:.0}", value.abs());
        let whole = digits.parse::<u128>().map(terminal::grouped);
        return format!("{sign}{}", whole.unwrap_or(digits));
    }
    format!("{:.*}", if value.abs() < 10.0 { 3 } else { 1 }, value)
}

/// Writes `file` in `dir` with the rows, and `machine.json` beside it.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write(dir: &Path, file: &str, machine: &Machine, rows: &[Row]) -> Result<(), Error> {
    std::fs::create_dir_all(dir).map_err(Error::file(dir))?;
    put(&dir.join("machine.json"), machine)?;
    put(&dir.join(file), &rows)
}

fn put(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let text =
        serde_json::to_string_pretty(value).map_err(|e| Error::content(path, e.to_string()))?;
    std::fs::write(path, text + "\n").map_err(Error::file(path))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_row_is_name_value_unit_target_and_whether_it_is_met() {
        let row = Row::at_most("settle", 159_000.0, "gas", 160_000_u32);
        let expected = json!({
            "name": "settle", "value": 159_000.0, "unit": "gas", "target": 160_000.0, "met": true,
        });
        assert_eq!(serde_json::to_value(row).expect("json"), expected);
    }

    #[test]
    fn a_row_without_target_says_so_and_is_neither_met_nor_missed() {
        let row = serde_json::to_value(Row::info("n", 1.0, "rounds")).expect("json");
        assert_eq!((&row["target"], &row["met"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn the_target_itself_meets_and_anything_above_misses() {
        assert_eq!(Row::at_most("a", 10.0, "ms", 10_u32).met, Some(true));
        assert_eq!(Row::gas("a", 160_001, 160_000).met, Some(false));
        // Judged before it is rounded for the eye.
        assert_eq!(Row::at_most("a", 10.0001, "ms", 10_u32).met, Some(false));
    }

    #[test]
    fn a_missed_target_stands_in_the_table() {
        let rows = [Row::gas("settle", 170_123, 160_000)];
        let text = table(&rows);
        assert!(text.contains("170 123") && text.contains("160 000") && text.contains("MISSED"));
    }

    #[test]
    fn the_file_is_a_list_of_rows() {
        let dir = tempfile::tempdir().expect("dir");
        let rows = [Row::gas("a", 1, 2), Row::info("b", 0.5, "%")];
        write(dir.path(), "summary.json", &Machine::default(), &rows).expect("written");
        let text = std::fs::read_to_string(dir.path().join("summary.json")).expect("file");
        let read: Vec<serde_json::Map<String, Value>> = serde_json::from_str(&text).expect("rows");
        assert_eq!(read.len(), 2);
        for row in read {
            assert!(row["name"].is_string() && row["value"].is_f64() && row["unit"].is_string());
            assert_eq!(row["target"].is_null(), row["met"].is_null());
        }
    }

    #[test]
    fn figures_are_readable() {
        assert_eq!(
            [1_234_567.0, 0.25, 123.456, 0.0].map(figure),
            ["1 234 567", "0.250", "123.5", "0"]
        );
    }
}
