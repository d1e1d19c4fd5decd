//! A scenario that can be replaced while it plays: whoever tests a network pulls a card by writing
//! another file.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use quorate_health::Release;

use super::{Scenario, SimulatedReader};
use crate::AgentError;
use crate::reader::{Card, GpuReader, Reading, XidSeen};

/// What tells that a file is another one, or has other contents.
type Mark = (u64, u64, i64, i64);

/// Plays a scenario file, and begins anew with each version of it.
#[derive(Debug)]
pub struct LiveScenario {
    path: PathBuf,
    seed: Option<u64>,
    mark: Option<Mark>,
    reader: SimulatedReader,
}

impl LiveScenario {
    /// Begins the scenario of a file now. With a seed the cards' numbers follow from it, whatever the
    /// file says, so that one file serves many machines, and a replaced one keeps a machine's cards.
    ///
    /// # Errors
    /// As [`Scenario::load`].
    pub fn open(path: &Path, seed: Option<u64>) -> Result<Self, AgentError> {
        let mark = mark(path);
        Ok(Self {
            path: path.to_owned(),
            seed,
            mark,
            reader: SimulatedReader::new(load(path, seed)?),
        })
    }

    /// Takes the file up again if it has changed. One that cannot be read leaves all as it was: it may
    /// be half written.
    fn refresh(&mut self) {
        let now = mark(&self.path);
        if now.is_none() || now == self.mark {
            return;
        }
        self.mark = now;
        match load(&self.path, self.seed) {
            Ok(scenario) => {
                tracing::info!(path = %self.path.display(), "scenario replaced, beginning anew");
                self.reader = SimulatedReader::new(scenario);
            }
            Err(error) => tracing::warn!(%error, "scenario kept as it was"),
        }
    }
}

fn load(path: &Path, seed: Option<u64>) -> Result<Scenario, AgentError> {
    let mut scenario = Scenario::load(path)?;
    if let Some(seed) = seed {
        scenario.seed = format!("seed {seed}");
    }
    Ok(scenario)
}

fn mark(path: &Path) -> Option<Mark> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
    ))
}

impl GpuReader for LiveScenario {
    fn simulated(&self) -> bool {
        true
    }

    fn driver(&self) -> Release {
        self.reader.driver()
    }

    fn cards(&self) -> Vec<Card> {
        self.reader.cards()
    }

    fn snapshot(&mut self) -> Vec<Reading> {
        self.refresh();
        self.reader.snapshot()
    }

    fn poll_events(&mut self) -> Vec<XidSeen> {
        self.refresh();
        self.reader.poll_events()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARDS: &str =
        "seed = \"s\"\n[[card]]\nname = \"NVIDIA L4\"\nmemory_mib = 23034\ncount = 2\n";

    fn scenario(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scenario.toml");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn a_seed_makes_other_cards_of_the_same_file() {
        let (_folder, path) = scenario(CARDS);
        let cards = |seed| {
            let reader = LiveScenario::open(&path, seed).unwrap();
            reader
                .cards()
                .iter()
                .map(|card| card.uuid)
                .collect::<Vec<_>>()
        };
        assert_eq!(cards(Some(7)), cards(Some(7)));
        assert_ne!(cards(Some(7)), cards(Some(8)));
        assert_ne!(cards(Some(7)), cards(None));
    }

    #[test]
    fn a_replaced_file_takes_a_card_away_and_keeps_its_number() {
        let (_folder, path) = scenario(CARDS);
        let mut reader = LiveScenario::open(&path, Some(7)).unwrap();
        let before = reader.snapshot();
        assert!(!before[1].record.lost);
        let text = CARDS.replace("\"s\"", "\"another\"");
        std::fs::write(&path, text + "[[event]]\ncard = 1\nwhat = \"gone\"\n").unwrap();
        let after = reader.snapshot();
        assert!(after[1].record.lost && !after[0].record.lost);
        assert_eq!(after[1].card.uuid, before[1].card.uuid);
    }

    #[test]
    fn a_file_that_makes_no_sense_changes_nothing() {
        let (_folder, path) = scenario(CARDS);
        let mut reader = LiveScenario::open(&path, None).unwrap();
        std::fs::write(&path, "half a fi").unwrap();
        assert_eq!(reader.snapshot().len(), 2);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(reader.snapshot().len(), 2);
    }
}
