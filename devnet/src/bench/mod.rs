//! `devnet bench`: the figures that the design asks for, measured here and nowhere else.
//!
//! Tests assert no time: a machine under load would fail them. Gas comes from receipts of anvil with
//! the rules of Osaka, everything else from the clock and from `/proc`. A target that is missed is
//! shown as missed.

mod agent;
mod certificate;
mod certified;
mod crew;
mod downtime;
mod gas;
mod ground;
mod idle;
mod jury;
mod machine;
mod matching;
mod network;
mod probing;
mod process;
mod proposals;
mod refute;
mod rounds;
mod row;
mod slashes;
mod stall;
mod table;
mod vote;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
pub use machine::Machine;
use quorate_service::terminal;
pub use row::Row;
pub use table::{GasTable, TOLERANCE_PERCENT, differences, figures};

use crate::{Error, paths};

/// What is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// A round's matching and the check of its outcome
    Matching,
    /// Certificates from many votes
    Certificate,
    /// Gas of settling and of opening leases on L2
    Gas,
    /// Gas and bytes of each kind of refutation on L2, and of what surrounds it
    Refutations,
    /// Gas of downtime on L2: lists certified, appeals, slashes of machines
    Downtime,
    /// Gas of slashing all of 128 signers on L1, and of false attestations
    Slashes,
    /// Beacon to certificate in a network of four operators; gas of slashes on L1
    Rounds,
    /// An operator's node between rounds
    Idle,
    /// An operator that probes ten thousand machines
    Probing,
    /// A provider's agent that nobody asks
    Agent,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct BenchConfig {
    /// One group only; none for all.
    pub only: Option<Group>,
    /// JSON on standard output instead of the table.
    pub json: bool,
}

/// Where figures, logs and keys of a bench go.
#[must_use]
pub fn dir() -> PathBuf {
    paths::target().join("bench")
}

/// Measures, prints and writes `summary.json`, or with one group only `<group>.json`. Says whether
/// every group could be measured: whether targets were met is in the rows.
///
/// # Errors
/// When the figures cannot be written.
pub async fn bench(config: &BenchConfig) -> Result<bool, Error> {
    let machine = Machine::here();
    let mut rows = Vec::new();
    let mut complete = true;
    // Matching first: what others leave behind of this process's memory would hide its own.
    for group in Group::value_variants() {
        if config.only.is_some_and(|only| only != *group) {
            continue;
        }
        match Box::pin(group.measure()).await {
            Ok(measured) => rows.extend(measured),
            Err(error) => {
                complete = false;
                eprintln!("{}: not measured: {error}", group.word());
            }
        }
    }
    rows.extend(vote::at_scale(&rows));
    let file = config.only.map_or("summary".to_owned(), Group::word) + ".json";
    row::write(&dir(), &file, &machine, &rows)?;
    if config.json {
        println!(
            "{}",
            serde_json::json!({ "machine": machine, "rows": rows })
        );
    } else {
        println!("{machine}");
        println!("{}", row::table(&rows));
        let missed = rows.iter().filter(|row| row.met == Some(false)).count();
        let asked = rows.iter().filter(|row| row.met.is_some()).count();
        println!(
            "{} of {asked} targets met; {}",
            asked - missed,
            dir().join(file).display()
        );
    }
    Ok(complete)
}

impl Group {
    fn word(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Steps that its progress bar shows.
    const fn steps(self) -> u64 {
        match self {
            Self::Matching => 4,
            Self::Certificate => 6,
            Self::Gas => 8,
            Self::Refutations => 26,
            Self::Downtime => 7,
            Self::Slashes => 4,
            Self::Rounds => 3,
            Self::Idle => 30,
            Self::Probing => 1,
            Self::Agent => 3,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Matching => "matching",
            Self::Certificate => "certificates from votes",
            Self::Gas => "gas on L2",
            Self::Refutations => "refutations on L2",
            Self::Downtime => "downtime on L2",
            Self::Slashes => "128 slashes on L1, two minutes",
            Self::Rounds => "beacon to certificate, two minutes",
            Self::Idle => "operator between rounds, three minutes",
            Self::Probing => "probing, three minutes",
            Self::Agent => "an idle agent, three minutes",
        }
    }

    async fn measure(self) -> Result<Vec<Row>, Error> {
        let bar = terminal::progress(self.steps(), self.title());
        let rows = Box::pin(self.rows(|| bar.inc(1))).await;
        bar.finish_and_clear();
        rows
    }

    async fn rows(self, tick: impl Fn()) -> Result<Vec<Row>, Error> {
        match self {
            Self::Matching => matching::measure(tick),
            Self::Certificate => certificate::measure(tick),
            Self::Gas => gas::measure(&fresh("gas")?, tick).await,
            Self::Refutations => Box::pin(refutations(tick)).await,
            Self::Downtime => Box::pin(downtime::measure(&fresh("downtime")?, tick)).await,
            Self::Slashes => Box::pin(jury::measure(&fresh("slashes")?, tick)).await,
            Self::Rounds => Box::pin(rounds::measure(&fresh("rounds")?, tick)).await,
            Self::Idle => Box::pin(idle::measure(&fresh("idle")?, tick)).await,
            Self::Probing => probing::measure(tick).await,
            Self::Agent => Box::pin(agent::measure(&fresh("agent")?, tick)).await,
        }
    }
}

/// All rows of one group, without bar, table and file; what a bench leaves behind lies in `dir`.
///
/// # Errors
/// When it cannot be measured.
pub async fn rows_of(group: Group) -> Result<Vec<Row>, Error> {
    Box::pin(group.rows(|| ())).await
}

async fn refutations(tick: impl Fn()) -> Result<Vec<Row>, Error> {
    let mut rows = Box::pin(proposals::measure(&fresh("refutations")?)).await?;
    for size in refute::SIZES {
        let dir = fresh("refutations")?;
        rows.extend(Box::pin(refute::measure(&dir, size, &tick)).await?);
    }
    Ok(rows)
}

/// An empty folder below [`dir`].
fn fresh(name: &str) -> Result<PathBuf, Error> {
    let path: PathBuf = Path::new(&dir()).join("run").join(name);
    if path.exists() {
        std::fs::remove_dir_all(&path).map_err(Error::file(&path))?;
    }
    std::fs::create_dir_all(&path).map_err(Error::file(&path))?;
    Ok(path)
}
