//! docs/metrics.md, printed from the registry itself; this test tells when it is stale.

use std::path::Path;

use quorate_service::Metrics;

use crate::observe::Observe;

/// The page: one row a metric, in the order of registration.
fn page() -> String {
    let metrics = Metrics::new();
    drop(Observe::new(&metrics));
    let text = metrics.encode().unwrap();
    let mut page = String::from(
        "# Metrics of the aggregator\n\nServed at `/metrics`; counters end in `_total`. Printed by \
         `UPDATE=1 cargo test -p aggregator`. Labels `reason` are the names of [reasons.md](reasons.md).\n\n\
         | metric | kind | what it tells |\n| --- | --- | --- |\n",
    );
    for (help, kind) in text.lines().zip(text.lines().skip(1)) {
        let (Some(help), Some(kind)) = (help.strip_prefix("# HELP "), kind.strip_prefix("# TYPE "))
        else {
            continue;
        };
        let (name, help) = help.split_once(' ').unwrap();
        page.push_str(&format!(
            "| `{name}` | {} | {help} |\n",
            kind.rsplit(' ').next().unwrap()
        ));
    }
    page
}

#[test]
fn the_page_is_not_stale() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, page()).unwrap();
    }
    let stored = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(stored, page(), "run UPDATE=1 cargo test -p aggregator");
}
