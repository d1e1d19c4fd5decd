//! The table, for people and for programs.

use crate::measure::Row;

const COLUMNS: [&str; 13] = [
    "market",
    "requests",
    "offers",
    "matches",
    "prepare s",
    "match s, 1 thread",
    "2 threads",
    "check s",
    "list s",
    "roots s",
    "peak MB",
    "pairs scored",
    "times the row before",
];

/// The head of the table.
pub(crate) fn header() {
    println!("{}", machine());
    println!("| {} |", COLUMNS.join(" | "));
    println!("|{}", " ---: |".repeat(COLUMNS.len()));
}

/// A row; growth is that of matching on two threads.
pub(crate) fn line(row: &Row, before: Option<&Row>) {
    let growth = before.map_or_else(String::new, |before| {
        format!("{:.1}", row.match_2 / before.match_2)
    });
    println!(
        "| {} | {} | {} | {} | {:.4} | {:.4} | {:.4} | {:.4} | {:.4} | {:.4} | {} | {} | {growth} |",
        row.name,
        row.requests,
        row.offers,
        row.matches,
        row.prepare,
        row.match_1,
        row.match_2,
        row.check,
        row.list,
        row.roots,
        row.peak,
        row.effort.pairs,
    );
}

/// All rows as one JSON list. Names hold neither quotes nor backslashes.
pub(crate) fn json(rows: &[Row]) -> String {
    let rows: Vec<String> = rows.iter().map(object).collect();
    format!("[\n{}\n]", rows.join(",\n"))
}

fn object(row: &Row) -> String {
    format!(
        concat!(
            r#"{{"market":"{}","requests":{},"offers":{},"matches":{},"prepare_s":{:.6},"#,
            r#""match_1_s":{:.6},"match_2_s":{:.6},"check_s":{:.6},"list_s":{:.6},"roots_s":{:.6},"#,
            r#""whole_s":{:.6},"peak_mb":{},"inputs_mb":{},"bands":{},"searches":{},"pairs":{}}}"#
        ),
        row.name,
        row.requests,
        row.offers,
        row.matches,
        row.prepare,
        row.match_1,
        row.match_2,
        row.check,
        row.list,
        row.roots,
        row.whole(),
        row.peak,
        row.inputs,
        row.effort.bands,
        row.effort.searches,
        row.effort.pairs,
    )
}

/// The processor and how many threads it runs, as far as the system tells.
fn machine() -> String {
    let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find(|line| line.starts_with("model name"));
    let name = model.and_then(|line| line.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!(
        "{}, {cores} cores; times are the best of several",
        name.map_or("unknown processor", |(_, name)| name)
    )
}
