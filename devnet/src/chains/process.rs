//! A child process in a group of its own, logging to a file, that dies with its handle.

use std::{
    fs,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use crate::Error;

/// A running program. Dropping it kills its whole group.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output appended to `log`.
    ///
    /// The process leads a group of its own, so an interrupt at the terminal reaches only the
    /// devnet, which then ends its children in the right order.
    ///
    /// # Errors
    /// When the log cannot be opened or the program not started.
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> Result<Self, Error> {
        if let Some(dir) = log.parent() {
            fs::create_dir_all(dir).map_err(Error::file(dir))?;
        }
        let out = fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(Error::file(log))?;
        let err = out.try_clone().map_err(Error::file(log))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .spawn()
            .map_err(|e| Error::program(name, e.to_string()))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_path_buf(),
        })
    }

    /// What it was called when it was started.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its output goes.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The status if it has ended.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.child
            .try_wait()
            .map_err(|e| Error::program(&self.name, e.to_string()))
    }

    /// Asks it to end (SIGTERM) and kills it after `grace`.
    ///
    /// # Errors
    /// When the system does not tell its status.
    pub fn stop(mut self, grace: Duration) -> Result<ExitStatus, Error> {
        self.signal(Signal::SIGTERM);
        let end = Instant::now() + grace;
        while Instant::now() < end {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill()
    }

    /// Kills it at once (SIGKILL), as a crash would.
    ///
    /// # Errors
    /// When the system does not tell its status.
    pub fn kill(&mut self) -> Result<ExitStatus, Error> {
        self.signal(Signal::SIGKILL);
        self.child
            .wait()
            .map_err(|e| Error::program(&self.name, e.to_string()))
    }

    /// Freezes it (SIGSTOP): it is there and answers nobody.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on after [`Process::freeze`].
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        // A group that has ended cannot be signalled; there is nothing left to do then.
        if let Ok(id) = i32::try_from(self.child.id()) {
            let _ = killpg(Pid::from_raw(id), signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.kill();
        }
    }
}

/// Whether a status is that of a process that a signal ended.
#[must_use]
pub fn was_killed(status: ExitStatus) -> bool {
    status.signal().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(dir: &Path) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & echo started; wait"]);
        Process::spawn("sleeper", command, &dir.join("log")).expect("sh starts")
    }

    fn group_is_alive(id: u32) -> bool {
        killpg(Pid::from_raw(i32::try_from(id).expect("pid")), None).is_ok()
    }

    #[test]
    fn dropping_ends_the_whole_group() {
        let dir = tempfile::tempdir().expect("dir");
        let process = sleeper(dir.path());
        let id = process.id();
        assert!(group_is_alive(id));
        drop(process);
        let end = Instant::now() + Duration::from_secs(5);
        while group_is_alive(id) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(!group_is_alive(id));
    }

    #[test]
    fn output_goes_to_the_log() {
        let dir = tempfile::tempdir().expect("dir");
        let mut process = sleeper(dir.path());
        let end = Instant::now() + Duration::from_secs(5);
        while fs::read_to_string(process.log())
            .unwrap_or_default()
            .is_empty()
            && Instant::now() < end
        {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(was_killed(process.kill().expect("status")));
        assert_eq!(fs::read_to_string(process.log()).expect("log"), "started\n");
    }
}
