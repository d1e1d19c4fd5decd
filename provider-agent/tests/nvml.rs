//! The NVML path, against a library that speaks its ABI: the test compiles it, and the wrapper loads it
//! as it loads the driver's.

use std::path::{Path, PathBuf};
use std::process::Command;

use provider_agent::reader::nvml::Driver;
use provider_agent::reader::{GpuReader as _, ReaderError, Reading};
use quorate_health::{Ecc, Link, Remap, Signals};
use tempfile::TempDir;

/// A compiled driver; gone with its folder.
struct Fake {
    library: PathBuf,
    _folder: TempDir,
}

impl Fake {
    /// Compiles one with these macros. Each has a file of its own, so that its state is its own.
    fn build(macros: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libnvidia-ml.so.1");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nvml/fake.c");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let done = Command::new(&compiler)
            .args(["-shared", "-fPIC", "-o"])
            .arg(&library)
            .args(macros.iter().map(|name| format!("-D{name}")))
            .arg(&source)
            .output()
            .unwrap_or_else(|error| panic!("{compiler}, the C compiler that links Rust: {error}"));
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        Self {
            library,
            _folder: folder,
        }
    }

    fn open(&self) -> Driver {
        Driver::open(Some(&self.library)).unwrap()
    }
}

fn readings(macros: &[&str]) -> Vec<Reading> {
    let fake = Fake::build(macros);
    let driver = fake.open();
    driver.reader().unwrap().snapshot()
}

#[test]
fn every_value_lands_in_its_field() {
    let fake = Fake::build(&["PROCESSES=3"]);
    let driver = fake.open();
    let mut reader = driver.reader().unwrap();
    assert_eq!(reader.driver().to_string(), "550.54.15");
    assert!(!reader.simulated());
    let readings = reader.snapshot();
    assert_eq!(readings.len(), 2);
    let Reading {
        card,
        record,
        missing,
    } = &readings[1];
    assert_eq!(card.name, "NVIDIA H100 80GB HBM3");
    assert_eq!(
        card.uuid.to_string(),
        "GPU-00000000-0000-0000-0000-000000000001"
    );
    assert_eq!(
        (missing.as_slice(), record.signals),
        (&[][..], Signals::ALL)
    );
    assert_eq!(record.uuid, card.uuid);
    assert_eq!(record.model, 51, "the H100 of the policy's table");
    assert_eq!(
        (record.pci_device, record.pci_subsystem),
        (0x2330_10de, 0x16c1_10de)
    );
    assert_eq!(
        (record.memory_mib, record.held, record.processes),
        (81_559, 6 << 20, 3)
    );
    assert_eq!(
        (record.celsius, record.slowdown, record.shutdown),
        (42, 89, 92)
    );
    assert_eq!(record.throttle, 0x40);
    let ecc = |corrected, uncorrected| Ecc {
        corrected,
        uncorrected,
    };
    assert_eq!(
        (record.volatile, record.aggregate),
        (ecc(1_001, 1_101), ecc(2_001, 2_101))
    );
    let remap = Remap {
        correctable: 11,
        uncorrectable: 7,
        pending: true,
        failure: false,
    };
    assert_eq!(record.remap, remap);
    let link = Link {
        width: 8,
        max_width: 16,
        generation: 1,
        max_generation: 5,
    };
    assert_eq!((record.link, record.replays), (link, 21));
    assert!(!record.lost && !record.needs_reset);
}

#[test]
fn events_are_told_once_and_with_their_card() {
    let fake = Fake::build(&["XIDS=31,79,999,70000", "PROCESSES=1"]);
    let driver = fake.open();
    let mut reader = driver.reader().unwrap();
    let seen = reader.poll_events();
    let numbers: Vec<u16> = seen.iter().map(|event| event.xid).collect();
    assert_eq!(numbers, [31, 79, 999, u16::MAX]);
    let second = reader.cards()[1].uuid;
    assert!(
        seen.iter()
            .all(|event| event.card == second && event.with_process)
    );
    assert!(
        reader.poll_events().is_empty(),
        "the sets stay open, and are empty"
    );
}

#[test]
fn a_card_without_events_costs_the_others_nothing() {
    let fake = Fake::build(&["NO_EVENTS=0", "XIDS=48"]);
    let driver = fake.open();
    let mut reader = driver.reader().unwrap();
    let readings = reader.snapshot();
    assert!(!readings[0].record.has(Signals::XIDS), "the fault is there");
    assert_eq!(readings[0].missing[0].what, "xid events");
    assert!(readings[1].record.has(Signals::XIDS));
    assert_eq!(reader.poll_events().len(), 1);
}

#[test]
fn a_card_that_falls_off_the_bus_stays_in_the_list_as_lost() {
    let fake = Fake::build(&["LOST=1"]);
    let driver = fake.open();
    let mut reader = driver.reader().unwrap();
    assert!(!reader.snapshot()[1].record.lost, "it answers at first");
    let readings = reader.snapshot();
    assert_eq!(readings.len(), 2);
    let lost = &readings[1].record;
    assert!(lost.lost);
    assert_eq!(lost.uuid, reader.cards()[1].uuid);
    assert_eq!(
        (lost.signals, lost.memory_mib),
        (Signals::NONE, 0),
        "nothing stale"
    );
    assert!(!readings[0].record.lost);
}

#[test]
fn a_card_that_was_lost_before_the_agent_began_is_left_out() {
    let readings = readings(&["OPEN_LOST=0"]);
    assert_eq!(readings.len(), 1);
    assert_eq!(readings[0].card.index, 1);
}

#[test]
fn a_card_that_needs_a_reset_says_so() {
    let readings = readings(&["RESET=0"]);
    assert!(readings[0].record.needs_reset);
    assert!(!readings[0].record.has(Signals::MEMORY));
    assert!(
        readings[0].record.has(Signals::TEMPERATURE),
        "the rest is read"
    );
    assert!(!readings[1].record.needs_reset);
}

#[test]
fn what_a_card_cannot_give_is_named_with_the_drivers_word() {
    let reading = readings(&["BARE=1"]).remove(0);
    let what: Vec<_> = reading.missing.iter().map(|missing| missing.what).collect();
    let expected = [
        "slowdown threshold",
        "shutdown threshold",
        "volatile ecc",
        "aggregate ecc",
        "row remapping",
    ];
    assert_eq!(what, expected);
    assert!(reading.missing[0].why.contains("not available"));
    assert!(!reading.record.has(Signals::REMAP));
    assert!(reading.record.has(Signals::MEMORY.with(Signals::LINK)));
    assert_eq!(
        reading.record.model, 36,
        "the RTX 4090 of the policy's table"
    );
}

#[test]
fn slices_of_cards_are_not_read() {
    let fake = Fake::build(&["UUID=\"MIG-00000000-0000-0000-0000-0000000000%02x\""]);
    let driver = fake.open();
    assert!(matches!(
        driver.reader().unwrap_err(),
        ReaderError::NoCards { listed: 2, .. }
    ));
}

#[test]
fn a_machine_without_the_library_is_told_what_was_tried_and_what_to_do() {
    let error = Driver::open(Some(Path::new("/nowhere/libnvidia-ml.so.1"))).unwrap_err();
    let words = error.to_string();
    for part in [
        "/nowhere/libnvidia-ml.so.1",
        "nvidia-smi",
        "--library",
        "--scenario",
    ] {
        assert!(words.contains(part), "{part:?} not in {words}");
    }
}

#[test]
fn a_driver_that_is_not_loaded_is_told_apart_from_one_that_is_not_there() {
    let refusal = |answer: &str| {
        let fake = Fake::build(&[answer]);
        match Driver::open(Some(&fake.library)).unwrap_err() {
            ReaderError::NoDriver { why, remedy, .. } => format!("{why}; {remedy}"),
            other => panic!("{other}"),
        }
    };
    assert!(refusal("INIT=9").contains("modprobe nvidia"));
    assert!(refusal("INIT=18").contains("restart the machine"));
    assert!(refusal("INIT=4").contains("/dev/nvidia*"));
}

#[test]
fn a_library_that_is_no_nvml_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libnvidia-ml.so.1");
    std::fs::write(&library, b"no library").unwrap();
    assert!(matches!(
        Driver::open(Some(&library)).unwrap_err(),
        ReaderError::NoLibrary { tried } if tried.len() == 1
    ));
}
