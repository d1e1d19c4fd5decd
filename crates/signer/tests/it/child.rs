//! Running one of these tests in a second process.

use std::path::Path;
use std::process::{Child, Command, Stdio};

const VARIABLE: &str = "QUORATE_SIGNER_CHILD";

/// Starts this binary again, to run only the test `name` as a child that works on `path`.
/// Its standard output comes through a pipe.
pub(crate) fn spawn(name: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(VARIABLE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The path that this process was started for, if it is a child.
pub(crate) fn path() -> Option<std::path::PathBuf> {
    std::env::var_os(VARIABLE).map(Into::into)
}
