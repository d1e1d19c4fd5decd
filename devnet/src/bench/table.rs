//! The committed table of gas figures, and what has grown since it was written.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use super::Row;
use crate::Error;

/// How much a figure may grow before it counts, percent. Seeds differ from run to run, and with them
/// the zero bytes of calldata: that moves a figure by less than a tenth of this.
pub const TOLERANCE_PERCENT: u64 = 1;

/// Figures by name: gas of receipts, and bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GasTable {
    /// What this is and how it is renewed, for whoever opens the file.
    pub about: String,
    /// On L2.
    pub l2: BTreeMap<String, u64>,
    /// On L1.
    pub l1: BTreeMap<String, u64>,
}

impl GasTable {
    /// Reads the table.
    ///
    /// # Errors
    /// When there is none, or it is not one.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
        serde_json::from_str(&text).map_err(|e| Error::content(path, e.to_string()))
    }

    /// Writes the table.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let text =
            serde_json::to_string_pretty(self).map_err(|e| Error::content(path, e.to_string()))?;
        std::fs::write(path, text + "\n").map_err(Error::file(path))
    }
}

/// The figures of rows, which are whole numbers.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "gas and bytes are no less than 0 and far below 2^53"
)]
pub fn figures(rows: &[Row]) -> BTreeMap<String, u64> {
    rows.iter()
        .map(|row| (row.name.clone(), row.value.round() as u64))
        .collect()
}

/// What is not as the table says: figures that have grown, that it lacks, or that nobody measures any
/// more. One that has shrunk is no fault.
#[must_use]
pub fn differences(table: &BTreeMap<String, u64>, measured: &BTreeMap<String, u64>) -> Vec<String> {
    let most = |written: u64| written + written * TOLERANCE_PERCENT / 100;
    let of_measured = measured
        .iter()
        .filter_map(|(name, got)| match table.get(name) {
            None => Some(format!("{name}: {got}, not in the table")),
            Some(written) if *got > most(*written) => {
                Some(format!("{name}: got {got}, the table says {written}"))
            }
            Some(_) => None,
        });
    let gone = table.keys().filter(|name| !measured.contains_key(*name));
    of_measured
        .chain(gone.map(|name| format!("{name}: in the table, not measured")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(figures: &[(&str, u64)]) -> BTreeMap<String, u64> {
        let owned = |(name, value): &(&str, u64)| ((*name).to_owned(), *value);
        figures.iter().map(owned).collect()
    }

    #[test]
    fn growth_beyond_the_tolerance_is_a_difference_and_shrinking_is_none() {
        let written = table(&[("a", 100_000)]);
        let found = |got| differences(&written, &table(&[("a", got)])).len();
        assert_eq!([50_000, 100_000, 101_000].map(found), [0, 0, 0]);
        assert_eq!([101_001, 200_000].map(found), [1, 1]);
    }

    #[test]
    fn a_figure_that_comes_or_goes_is_a_difference() {
        let (with, without) = (table(&[("a", 1), ("b", 1)]), table(&[("a", 1)]));
        assert_eq!(differences(&without, &with).len(), 1);
        assert_eq!(differences(&with, &without).len(), 1);
    }
}
