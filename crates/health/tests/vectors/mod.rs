//! The shared vectors of health, standing and work: bytes and answers that the contracts have to repeat.
//!
//! Every group is a set of flat arrays of equal length, so that Foundry's JSON parser reads them. Numbers
//! are decimal strings, bytes hexadecimal.

mod judged;
mod sections;
mod standing;
mod times;
mod words;
mod work;

use std::path::{Path, PathBuf};

use quorate_canon::{Address, ChainId, OfferId};
use quorate_health::{Network, Subject};
use serde_json::{Map, Value, json};

/// The files and their texts.
pub(crate) fn files() -> [(&'static str, String); 3] {
    let text = |document: Value| format!("{document:#}\n");
    [
        (
            "health.json",
            text(json!({
                "about": "Health: docs/formats.md section 14. Written by `cargo run -p quorate-health --example vectors`.",
                "policy": sections::policies(),
                "committee": judged::committees(),
                "probes": judged::probes(),
                "moment": judged::moments(),
                "receipt": words::receipts(),
                "list": words::lists(),
                "contradiction": words::contradictions(),
                "clock": times::clocks(),
                "uptime": times::uptimes(),
                "reputation": times::reputations(),
            })),
        ),
        (
            "standing.json",
            text(json!({
                "about": "Tiers and trust levels: docs/formats.md section 5, standing. Written by `cargo run -p quorate-health --example vectors`.",
                "section": standing::sections(),
                "tier": standing::tiers(),
                "step": standing::steps(),
                "weight": standing::weights(),
            })),
        ),
        (
            "tally.json",
            text(json!({
                "about": "Work of operators: docs/formats.md section 15. Written by `cargo run -p quorate-health --example vectors`.",
                "sample": work::samples(),
                "share": work::shared(),
            })),
        ),
    ]
}

/// Where they lie.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors")
}

/// Rows of named cells, turned into columns.
#[derive(Default)]
struct Table(Map<String, Value>);

impl Table {
    fn row(&mut self, cells: &[(&str, Value)]) {
        for (column, cell) in cells {
            let column = self.0.entry(*column).or_insert_with(|| json!([]));
            if let Some(column) = column.as_array_mut() {
                column.push(cell.clone());
            }
        }
    }
}

impl From<Table> for Value {
    fn from(table: Table) -> Self {
        table.0.into()
    }
}

fn bytes(bytes: impl AsRef<[u8]>) -> Value {
    Value::String(format!("0x{}", hex::encode(bytes)))
}

fn number(number: impl ToString) -> Value {
    Value::String(number.to_string())
}

fn truth(holds: bool) -> Value {
    number(u8::from(holds))
}

/// Numbers that look drawn and are always the same (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    fn small(&mut self, end: u16) -> u16 {
        u16::try_from(self.below(end.into())).unwrap_or(0)
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.roll().to_be_bytes()[0])
    }
}

fn network() -> Network {
    Network {
        l1_chain: ChainId::new(1),
        l2_chain: ChainId::new(42_161),
        rounds: Address([1; 20]),
        avs: Address([2; 20]),
        operator_set: 3,
    }
}

fn machine(id: u64) -> Subject {
    Subject::Machine(OfferId::new(id))
}
