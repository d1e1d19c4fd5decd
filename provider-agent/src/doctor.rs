//! `provider-agent doctor`: reads every card once, and says what an operator would find wrong.

mod checks;

use std::fmt::Write as _;
use std::path::PathBuf;

use quorate_canon::{HealthEpoch, OfferId, OperatorIndex, Timestamp};
use quorate_health::{
    Checks, Expected, GpuUuid, HealthPolicy, LeaseState, MAX_GPUS, Nonce, Question, Reason, Report,
    Signals, Subject, Window,
};
use quorate_service::Exit;
use quorate_service::doctor::{Doctor, Finding};
use quorate_service::terminal::{self, Tone};
use serde::{Deserialize, Serialize};

use crate::cards::Source;
use crate::clock::now;
use crate::compose::{compose, own_faults};
use crate::reader::nvml::Driver;
use crate::reader::simulated::LiveScenario;
use crate::reader::{GpuReader, Missing, Reading};
use crate::xids::XidLog;
use crate::{AgentError, Config};

/// Bytes in a MiB, as a shift.
const MIB: u32 = 20;

/// Options of `doctor`.
#[derive(Debug, Clone, clap::Args)]
pub struct DoctorArgs {
    /// The driver's library, where it lies elsewhere than the system's loader looks.
    #[arg(long, value_name = "FILE", conflicts_with = "scenario")]
    pub library: Option<PathBuf>,
    /// Simulated cards, from a scenario file.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// All that the doctor found.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnosis {
    /// The cards.
    #[serde(flatten)]
    pub examination: Examination,
    /// Keys, chain and registration; empty without a configuration.
    pub checks: Vec<Finding>,
}

impl Diagnosis {
    /// 1 if anything is wrong, 2 if something could not be checked, else 0.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let checks = Doctor {
            findings: self.checks.clone(),
        };
        match (self.examination.exit(), checks.exit()) {
            (Exit::Well, exit) => exit,
            (exit, _) => exit,
        }
    }

    /// The same for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.examination.text();
        if !self.checks.is_empty() {
            let findings = self.checks.clone();
            let _ = writeln!(text, "{}", Doctor { findings }.table());
        }
        text
    }
}

/// Examines the cards, and with a configuration all that the agent needs besides.
///
/// # Errors
/// [`AgentError`] if the cards cannot be read at all.
pub async fn run(args: &DoctorArgs, config: Option<&Config>) -> Result<Diagnosis, AgentError> {
    let source = match (&args.scenario, &args.library, config) {
        (Some(path), _, _) => Source::Scenario(path.clone(), None),
        (None, Some(path), _) => Source::Driver(Some(path.clone())),
        (None, None, Some(config)) => config.source(),
        (None, None, None) => Source::Driver(None),
    };
    let policy = HealthPolicy::recommended();
    let examination = match source {
        Source::Scenario(path, seed) => {
            let mut reader = LiveScenario::open(&path, seed)?;
            let source = format!("scenario {}", path.display());
            examine(source, &mut reader, &policy, now())
        }
        Source::Driver(library) => {
            let driver = Driver::open(library.as_deref())?;
            let source = format!("library {}", driver.library().display());
            examine(source, &mut driver.reader()?, &policy, now())
        }
    };
    let checks = match config {
        Some(config) => checks::of(config, &examination).await.findings,
        None => Vec::new(),
    };
    Ok(Diagnosis {
        examination,
        checks,
    })
}

/// What the doctor found, in the form that `--json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Examination {
    /// Where the cards come from: the driver's library, or a scenario file.
    pub source: String,
    /// The driver's version.
    pub driver: String,
    /// Whether the cards are simulated.
    pub simulated: bool,
    /// What is wrong with the machine as a whole.
    pub faults: Vec<Fault>,
    /// The cards.
    pub cards: Vec<CardFinding>,
}

/// What is wrong, as the table of reasons has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The reason's number.
    pub code: u8,
    /// The reason.
    pub reason: String,
}

impl From<&Reason> for Fault {
    fn from(reason: &Reason) -> Self {
        Self {
            code: reason.code(),
            reason: reason.to_string(),
        }
    }
}

/// One card: `null` is what it does not give.
#[derive(Debug, Clone, Serialize)]
pub struct CardFinding {
    /// Its place in the driver's list.
    pub index: u32,
    /// Its number.
    pub uuid: String,
    /// The driver's name of its model.
    pub name: String,
    /// Its model in the policy's table; 0 if it has none.
    pub model: u8,
    /// Whether it does not answer.
    pub lost: bool,
    /// Memory, MiB.
    pub memory_mib: Option<u32>,
    /// Memory that is held, MiB.
    pub held_mib: Option<u64>,
    /// Processes that compute on it.
    pub processes: Option<u16>,
    /// Degrees Celsius.
    pub celsius: Option<u8>,
    /// Its own threshold of slowdown, degrees Celsius.
    pub slowdown: Option<u8>,
    /// Its own threshold of shutdown, degrees Celsius.
    pub shutdown: Option<u8>,
    /// NVML's mask of reasons for throttling.
    pub throttle: Option<u64>,
    /// Corrected and uncorrected memory errors since the driver was loaded.
    pub volatile_ecc: Option<[u64; 2]>,
    /// The same over its life.
    pub aggregate_ecc: Option<[u64; 2]>,
    /// Rows remapped for correctable and uncorrectable errors.
    pub remapped_rows: Option<[u32; 2]>,
    /// Whether rows wait for a reset, and whether one could not be remapped.
    pub remap_pending_failed: Option<[bool; 2]>,
    /// PCIe replays since the driver was loaded.
    pub replays: Option<u32>,
    /// Lanes in use and lanes that there are.
    pub lanes: Option<[u8; 2]>,
    /// PCIe generation in use and the highest.
    pub generation: Option<[u8; 2]>,
    /// XIDs that came while the doctor looked.
    pub xids: Vec<u16>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// What it does not give, and why.
    pub missing: Vec<MissingSignal>,
}

/// A signal that a card does not give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingSignal {
    /// The signal.
    pub what: &'static str,
    /// The driver's word.
    pub why: String,
}

impl From<&Missing> for MissingSignal {
    fn from(missing: &Missing) -> Self {
        Self {
            what: missing.what,
            why: missing.why.clone(),
        }
    }
}

/// Reads every card once and judges it by `policy`, as if the machine were registered as it is found,
/// and free.
pub fn examine(
    source: String,
    reader: &mut dyn GpuReader,
    policy: &HealthPolicy,
    now: Timestamp,
) -> Examination {
    let mut log = XidLog::new(now);
    log.add(&reader.poll_events(), now);
    let readings = reader.snapshot();
    let report = compose(&QUESTION, reader, &readings, &log, now);
    let faults = own_faults(&report, &as_found(&report), LeaseState::Free, None, policy);
    let findings = readings
        .iter()
        .map(|reading| finding(reading, &report, &faults));
    Examination {
        source,
        driver: reader.driver().to_string(),
        simulated: reader.simulated(),
        faults: faults
            .iter()
            .filter(|reason| reason.card().is_none())
            .map(Fault::from)
            .collect(),
        cards: findings.collect(),
    }
}

/// Nobody's question; the doctor answers itself.
const QUESTION: Question = Question {
    subject: Subject::Machine(OfferId::new(0)),
    operator: OperatorIndex::new(0),
    epoch: HealthEpoch::new(0),
    window: Window(0),
    nonce: Nonce([0; 16]),
    lease: LeaseState::Free,
    checks: Checks::REPORT,
};

/// A registration that says what was found: the model of the first card that answers.
fn as_found(report: &Report) -> Expected {
    let first = report.gpus.iter().find(|gpu| !gpu.lost);
    Expected {
        cards: report.gpus.iter().map(|gpu| gpu.uuid).collect(),
        model: first.map_or(0, |gpu| gpu.model),
        vram_mib: first.map_or(0, |gpu| gpu.memory_mib),
    }
}

fn finding(reading: &Reading, report: &Report, faults: &[Reason]) -> CardFinding {
    let card = &reading.card;
    let reported = report.gpus.iter().find(|gpu| gpu.uuid == card.uuid);
    let record = reported.unwrap_or(&reading.record);
    let given = |signal| record.has(signal);
    CardFinding {
        index: card.index,
        uuid: card.uuid.to_string(),
        name: card.name.clone(),
        model: record.model,
        lost: record.lost,
        memory_mib: given(Signals::MEMORY).then_some(record.memory_mib),
        held_mib: given(Signals::MEMORY).then_some(record.held >> MIB),
        processes: given(Signals::PROCESSES).then_some(record.processes),
        celsius: given(Signals::TEMPERATURE).then_some(record.celsius),
        slowdown: given(Signals::SLOWDOWN).then_some(record.slowdown),
        shutdown: given(Signals::SHUTDOWN).then_some(record.shutdown),
        throttle: given(Signals::THROTTLE).then_some(record.throttle),
        volatile_ecc: given(Signals::ECC_VOLATILE)
            .then_some([record.volatile.corrected, record.volatile.uncorrected]),
        aggregate_ecc: given(Signals::ECC_AGGREGATE)
            .then_some([record.aggregate.corrected, record.aggregate.uncorrected]),
        remapped_rows: given(Signals::REMAP)
            .then_some([record.remap.correctable, record.remap.uncorrectable]),
        remap_pending_failed: given(Signals::REMAP)
            .then_some([record.remap.pending, record.remap.failure]),
        replays: given(Signals::REPLAYS).then_some(record.replays),
        lanes: given(Signals::LINK).then_some([record.link.width, record.link.max_width]),
        generation: given(Signals::LINK)
            .then_some([record.link.generation, record.link.max_generation]),
        xids: record.xids.iter().map(|event| event.xid).collect(),
        faults: of_card(faults, card.uuid),
        missing: reading.missing.iter().map(MissingSignal::from).collect(),
    }
}

fn of_card(faults: &[Reason], card: GpuUuid) -> Vec<Fault> {
    faults
        .iter()
        .filter(|reason| reason.card() == Some(card))
        .map(Fault::from)
        .collect()
}

impl Examination {
    /// 0 if nothing is wrong, 1 if something is. That cards are simulated is said, and is no fault of
    /// the doctor's.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let simulated = Reason::Simulated.code();
        let machine = self.faults.iter().any(|fault| fault.code != simulated);
        if machine || self.cards.iter().any(|card| !card.faults.is_empty()) {
            Exit::Fault
        } else {
            Exit::Well
        }
    }

    /// The findings for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}, driver {}\n", self.source, self.driver);
        if self.simulated {
            text.push_str("SIMULATED cards: a production network judges this machine as a FAIL\n");
        }
        if self.cards.len() > MAX_GPUS {
            let _ = writeln!(text, "only {MAX_GPUS} cards go into a report");
        }
        let _ = writeln!(text, "{}", self.table());
        for card in &self.cards {
            for missing in &card.missing {
                let _ = writeln!(
                    text,
                    "card {}: no {}: {}",
                    card.index, missing.what, missing.why
                );
            }
        }
        text
    }

    fn table(&self) -> String {
        let mut table = terminal::table(&HEAD);
        for card in &self.cards {
            let (word, tone) = match (card.lost, card.faults.first()) {
                (_, Some(_)) => (reasons(card), Tone::Bad),
                (true, None) => ("lost".to_owned(), Tone::Bad),
                (false, None) => ("well".to_owned(), Tone::Good),
            };
            let mut cells: Vec<_> = columns(card)
                .iter()
                .map(|column| terminal::cell(column, Tone::Plain))
                .collect();
            cells.push(terminal::cell(&word, tone));
            table.add_row(cells);
        }
        table.to_string()
    }
}

/// The columns of the table.
const HEAD: [&str; 9] = [
    "",
    "card",
    "memory MiB",
    "jobs",
    "C",
    "ecc",
    "rows",
    "pcie",
    "verdict",
];

fn columns(card: &CardFinding) -> [String; 8] {
    let pair = |pair: Option<[String; 2]>| pair.map_or_else(dash, |[a, b]| format!("{a}/{b}"));
    let numbers = |pair: Option<[u64; 2]>| pair.map(|pair| pair.map(|number| number.to_string()));
    [
        card.index.to_string(),
        format!("{}\n{}", card.name, card.uuid),
        pair(
            card.held_mib
                .zip(card.memory_mib)
                .map(|(held, all)| [held.to_string(), all.to_string()]),
        ),
        card.processes.map_or_else(dash, |count| count.to_string()),
        pair(card.celsius.map(|now| {
            let limit = card.slowdown.map_or_else(dash, |limit| limit.to_string());
            [now.to_string(), limit]
        })),
        pair(numbers(card.volatile_ecc)),
        pair(numbers(card.remapped_rows.map(|rows| rows.map(u64::from)))),
        link(card),
    ]
}

fn link(card: &CardFinding) -> String {
    match (card.lanes, card.generation) {
        (Some([width, max]), Some([generation, highest])) => {
            format!("x{width}/{max} gen {generation}/{highest}")
        }
        _ => dash(),
    }
}

fn reasons(card: &CardFinding) -> String {
    let named = format!("{}: ", card.uuid);
    let reasons: Vec<_> = card
        .faults
        .iter()
        .map(|fault| fault.reason.replace(&named, ""))
        .collect();
    reasons.join("\n")
}

fn dash() -> String {
    "-".to_owned()
}
