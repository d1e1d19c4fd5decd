//! Ending a process: once asked, everything ends; asked twice, at once.

use std::{future::Future, time::Duration};

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tracing::{info, warn};

use crate::cli::Exit;

/// The wish to end, shared by all tasks of a process.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// A wish that nobody has yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Listens for SIGTERM and SIGINT. The first asks everything to end, the second ends the process
    /// with [`Exit::Unchecked`].
    pub fn on_signals() -> std::io::Result<Self> {
        let shutdown = Self::new();
        let mut signals = Signals::new()?;
        let ask = shutdown.clone();
        tokio::spawn(async move {
            let name = signals.next().await;
            info!(signal = name, "shutting down");
            ask.ask();
            let name = signals.next().await;
            warn!(signal = name, "shutting down at once");
            std::process::exit(Exit::Unchecked.code());
        });
        Ok(shutdown)
    }

    /// Asks everything to end.
    pub fn ask(&self) {
        self.token.cancel();
    }

    /// Whether the end was asked for.
    pub fn is_asked(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until the end is asked for.
    pub fn asked(&self) -> WaitForCancellationFutureOwned {
        self.token.clone().cancelled_owned()
    }

    /// A wish that ends with this one, and can end alone.
    pub fn child(&self) -> Self {
        Self {
            token: self.token.child_token(),
        }
    }

    /// Runs `work` until it is done (`Some`) or the end is asked for (`None`).
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.token.cancelled() => None,
            done = work => Some(done),
        }
    }

    /// Sleeps; false if the end was asked for meanwhile.
    pub async fn sleep(&self, time: Duration) -> bool {
        self.or(tokio::time::sleep(time)).await.is_some()
    }
}

/// Waits for tasks until `grace` is over, then aborts those that still run. Returns their names.
pub async fn join_all(
    tasks: Vec<(&'static str, JoinHandle<()>)>,
    grace: Duration,
) -> Vec<&'static str> {
    let until = tokio::time::Instant::now() + grace;
    let mut aborted = Vec::new();
    for (name, mut task) in tasks {
        match tokio::time::timeout_at(until, &mut task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(task = name, %error, "a task ended badly"),
            Err(_) => {
                task.abort();
                warn!(task = name, "a task did not end in time");
                aborted.push(name);
            }
        }
    }
    aborted
}

/// The signals that ask for the end.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) -> &'static str {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "interrupt"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_ends_when_the_end_is_asked_for() {
        let shutdown = Shutdown::new();
        assert_eq!(shutdown.or(async { 5 }).await, Some(5));
        shutdown.ask();
        assert_eq!(shutdown.or(std::future::pending::<()>()).await, None);
        assert!(!shutdown.sleep(Duration::from_secs(60)).await);
    }

    #[tokio::test]
    async fn a_child_ends_alone() {
        let shutdown = Shutdown::new();
        let child = shutdown.child();
        child.ask();
        assert!(child.is_asked() && !shutdown.is_asked());
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_hangs_is_named_and_aborted() {
        let tasks = vec![
            ("quick", tokio::spawn(async {})),
            ("stuck", tokio::spawn(std::future::pending())),
        ];
        assert_eq!(join_all(tasks, Duration::from_secs(1)).await, ["stuck"]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn sigterm_asks_for_the_end() {
        let shutdown = Shutdown::on_signals().unwrap();
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGTERM).unwrap();
        tokio::time::timeout(Duration::from_secs(5), shutdown.asked())
            .await
            .unwrap();
    }
}
