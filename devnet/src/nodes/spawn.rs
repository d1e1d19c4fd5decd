//! Starting, killing and restarting nodes.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::NodeFiles;
use crate::{
    Error,
    chains::Process,
    liars::{Lie, When},
};

/// The operator's binary.
pub const OPERATOR: &str = "avs-operator";
/// The aggregator's binary.
pub const AGGREGATOR: &str = "aggregator";
const AUDITOR: &str = "auditor";
/// This crate's own binary, which holds the liars.
pub(crate) const DEVNET: &str = "devnet";
/// How long a node may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);

/// A world's nodes while they run; dropping them kills them.
#[derive(Debug)]
pub struct Nodes {
    files: NodeFiles,
    /// By number; `None` while one is down.
    pub operators: Vec<Option<Process>>,
    /// `None` while it is down.
    pub aggregator: Option<Process>,
    /// The auditor that watches and challenges; `None` while none does.
    pub watcher: Option<Process>,
}

impl Nodes {
    /// No node runs yet.
    #[must_use]
    pub fn new(files: NodeFiles) -> Self {
        let operators = files.operator_http.iter().map(|_| None).collect();
        Self {
            files,
            operators,
            aggregator: None,
            watcher: None,
        }
    }

    /// Where the nodes' files are.
    #[must_use]
    pub const fn files(&self) -> &NodeFiles {
        &self.files
    }

    /// Starts the aggregator, or starts it again.
    ///
    /// # Errors
    /// When the binary is not built or does not start.
    pub fn start_aggregator(&mut self) -> Result<(), Error> {
        let mut command = Command::new(binary(AGGREGATOR)?);
        command
            .arg("run")
            .arg("--config")
            .arg(self.files.aggregator());
        self.aggregator = Some(self.spawn("aggregator", command)?);
        Ok(())
    }

    /// Starts an honest operator. Its ledger is created at its very first start only.
    ///
    /// # Errors
    /// When the binary is not built or does not start.
    pub fn start_operator(&mut self, number: usize) -> Result<(), Error> {
        let mut command = Command::new(binary(OPERATOR)?);
        command
            .arg("run")
            .arg("--config")
            .arg(self.files.operator(number));
        if !self
            .files
            .dir
            .join(format!("operator-{number}/ledger"))
            .exists()
        {
            command.arg("--init-ledger");
        }
        self.set_operator(number, command)
    }

    /// Starts an operator that lies: once, from a round on, or as often as a [`When`] says.
    ///
    /// # Errors
    /// When the binary is not built or does not start.
    pub fn start_liar(
        &mut self,
        number: usize,
        lie: Lie,
        when: impl Into<When>,
    ) -> Result<(), Error> {
        let When { from, rounds } = when.into();
        let mut command = Command::new(binary(DEVNET)?);
        command
            .arg("liar")
            .args(["--lie", &lie.to_string()])
            .args(["--from-round", &from.to_string()])
            .args(["--rounds", &rounds.to_string(), "--config"])
            .arg(self.files.operator(number));
        self.set_operator(number, command)
    }

    /// Starts an auditor that follows L2 and refutes what is wrong, in one step.
    ///
    /// # Errors
    /// When the binary is not built or does not start.
    pub fn start_watcher(&mut self) -> Result<(), Error> {
        let mut command = Command::new(binary(AUDITOR)?);
        command
            .args(["watch", "--challenge", "--json", "--config"])
            .arg(self.files.watcher());
        self.watcher = Some(self.spawn("watcher", command)?);
        Ok(())
    }

    /// Asks an operator to end, and waits for it.
    ///
    /// # Errors
    /// When it does not run, or does not end.
    pub fn stop_operator(&mut self, number: usize) -> Result<(), Error> {
        let slot = self.operators.get_mut(number).and_then(Option::take);
        let process = slot.ok_or_else(|| Error::program(OPERATOR, format!("{number} is down")))?;
        process.stop(GRACE).map(|_| ())
    }

    /// Ends all of them: operators first, so that none of them reports a missing aggregator at the
    /// very end.
    pub fn end(self) {
        let Self {
            operators,
            aggregator,
            watcher,
            ..
        } = self;
        let all = operators.into_iter().flatten();
        for process in all.chain(watcher).chain(aggregator) {
            let name = process.name().to_owned();
            if let Err(error) = process.stop(GRACE) {
                tracing::warn!(%error, name, "a node did not end");
            }
        }
    }

    fn set_operator(&mut self, number: usize, command: Command) -> Result<(), Error> {
        let process = self.spawn(&format!("operator-{number}"), command)?;
        let slot = self.operators.get_mut(number);
        *slot.ok_or_else(|| Error::program(OPERATOR, format!("no operator {number}")))? =
            Some(process);
        Ok(())
    }

    fn spawn(&self, name: &str, command: Command) -> Result<Process, Error> {
        Process::spawn(name, command, &self.files.dir.join(name).join("log"))
    }

    /// The nodes that have ended although nobody asked them to, with where their logs are.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn fallen(&mut self) -> Result<Vec<(String, PathBuf)>, Error> {
        let mut fallen = Vec::new();
        for process in self
            .operators
            .iter_mut()
            .chain([&mut self.aggregator, &mut self.watcher])
            .flatten()
        {
            if process.try_wait()?.is_some() {
                fallen.push((process.name().to_owned(), process.log().to_owned()));
            }
        }
        Ok(fallen)
    }
}

/// Where a binary of this workspace is: beside the running one, which for a test is one folder up.
///
/// # Errors
/// When it is not built.
pub fn binary(name: &str) -> Result<PathBuf, Error> {
    let missing = |reason: String| Error::program(name, reason);
    let own = std::env::current_exe().map_err(|e| missing(e.to_string()))?;
    let folders = own.ancestors().skip(1).take(2);
    let found = folders
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.ok_or_else(|| missing("not built: run `cargo build --workspace --bins`".to_owned()))
}

/// Runs the auditor over all rounds and gives its JSON answer.
///
/// # Errors
/// When it could not check (exit status 2) or its answer is no JSON.
pub async fn audit(files: &NodeFiles) -> Result<serde_json::Value, Error> {
    let output = tokio::process::Command::new(binary(AUDITOR)?)
        .args(["replay", "--json", "--log", "warn", "--config"])
        .arg(files.auditor())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|e| Error::program(AUDITOR, e.to_string()))?;
    let words = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.code() == Some(2) {
        return Err(Error::program(AUDITOR, words()));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|e| Error::program(AUDITOR, format!("{e}; it said: {}", words())))
}

/// The last lines of a log, for an error that people read.
#[must_use]
pub fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
