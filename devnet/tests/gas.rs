//! Gas of receipts against the committed table: what grows is seen in the change that makes it grow.
//!
//! `UPDATE=1 cargo test -p devnet --test gas` writes the figures on L2 anew, and with `QUORATE_SOAK=1`
//! those on L1 too. Read the diff.

use std::path::PathBuf;

use devnet::bench::{GasTable, Group, TOLERANCE_PERCENT, differences, figures, rows_of};

const ABOUT: &str = "Gas of receipts and bytes of witnesses, on anvil with the rules of Osaka. A test \
    compares them: cargo test -p devnet --test gas; with QUORATE_SOAK=1 those on L1 too, which take a \
    minute. With UPDATE=1 it writes them anew.";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/gas.json")
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some()
}

#[tokio::test]
async fn no_figure_has_grown() {
    quorate_service::install_crypto();
    let mut measured = GasTable {
        about: ABOUT.to_owned(),
        ..GasTable::default()
    };
    for group in [Group::Gas, Group::Refutations, Group::Downtime] {
        measured.l2.extend(figures(&rows_of(group).await.unwrap()));
    }
    let slashes = is_set("QUORATE_SOAK");
    if slashes {
        measured.l1 = figures(&rows_of(Group::Slashes).await.unwrap());
    }
    let table = GasTable::read(&path()).unwrap_or_default();
    if is_set("UPDATE") {
        if !slashes {
            measured.l1 = table.l1;
        }
        measured.write(&path()).unwrap();
        return;
    }
    let mut found = differences(&table.l2, &measured.l2);
    if slashes {
        found.extend(differences(&table.l1, &measured.l1));
    }
    assert!(
        found.is_empty(),
        "gas has grown by more than {TOLERANCE_PERCENT} % (or other things are measured); if that is \
         meant, UPDATE=1 cargo test -p devnet --test gas:\n{}",
        found.join("\n")
    );
}
