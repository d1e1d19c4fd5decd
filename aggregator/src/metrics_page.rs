//! docs/metrics.md: the aggregator's section is printed from its registry, the other binaries' are held
//! to the names in their sources. These tests tell when the page is stale.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use quorate_service::Metrics;

use crate::{observe, relay};

/// What is printed stands between these.
const BEGIN: &str = "## Aggregator\n\n";
const END: &str = "\n## Operator\n";
/// The other binaries' folders, and what the names of their metrics begin with.
const OTHERS: [(&str, &str); 3] = [
    ("avs-operator", "operator_"),
    ("provider-agent", "agent_"),
    ("auditor", "auditor_"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page() -> String {
    fs::read_to_string(root().join("docs/metrics.md")).unwrap()
}

/// The aggregator's section: one row a metric, in the order of registration.
fn section() -> String {
    let metrics = Metrics::new();
    drop(observe::Observe::new(&metrics));
    drop(relay::Observe::new(&metrics));
    let mut section = String::from("| metric | kind | what it tells |\n| --- | --- | --- |\n");
    for metric in metrics.described() {
        let labels = match metric.labels {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(", ")),
        };
        let (name, kind, help) = (metric.name, metric.kind, metric.help);
        section.push_str(&format!("| `{name}{labels}` | {kind} | {help}. |\n"));
    }
    section
}

/// The names of metrics in a folder's `observe.rs` files.
fn named(folder: &Path, prefix: &str, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            named(&path, prefix, names);
        } else if path.ends_with("observe.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let literals = text.split('"').skip(1).step_by(2);
            let metrics = literals.filter(|literal| {
                let plain = |c: char| c.is_ascii_lowercase() || c == '_';
                literal.starts_with(prefix) && literal.chars().all(plain)
            });
            names.extend(metrics.map(|name| format!("quorate_{name}")));
        }
    }
}

/// The names in the page's first column that begin so.
fn listed(page: &str, prefix: &str) -> BTreeSet<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows.filter_map(|row| row.split(['{', '`']).next());
    let ours = names.filter(|name| name.starts_with(&format!("quorate_{prefix}")));
    ours.map(str::to_owned).collect()
}

#[test]
fn the_aggregators_section_is_not_stale() {
    let (stored, section) = (page(), section());
    let (head, rest) = stored.split_once(BEGIN).unwrap();
    let (printed, tail) = rest.split_once(END).unwrap();
    if env::var_os("UPDATE").is_some() {
        let page = [head, BEGIN, &section, END, tail].concat();
        return fs::write(root().join("docs/metrics.md"), page).unwrap();
    }
    assert_eq!(printed, section, "run UPDATE=1 cargo test -p aggregator");
}

#[test]
fn the_page_has_every_metric_of_the_other_binaries_and_no_other() {
    let page = page();
    for (folder, prefix) in OTHERS {
        let mut names = BTreeSet::new();
        named(&root().join(folder).join("src"), prefix, &mut names);
        assert!(!names.is_empty(), "no metric in {folder}");
        assert_eq!(
            listed(&page, prefix),
            names,
            "left: docs/metrics.md, right: {folder}"
        );
    }
}
