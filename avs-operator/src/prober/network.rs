//! Whether this operator's own network works, by hosts that are no providers'. An operator that was
//! cut off must not take everybody else for down.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures::future::join_all;
use quorate_service::Shutdown;
use tokio::net::TcpStream;

/// How long a target may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Watches targets.
#[derive(Debug)]
pub struct NetworkWatch {
    targets: Vec<String>,
    every: Duration,
    /// When the last check that failed was begun.
    last_bad: Mutex<Option<Instant>>,
    /// The last check on demand: when it was begun, and what it gave.
    latest: tokio::sync::Mutex<Option<(Instant, bool)>>,
}

impl NetworkWatch {
    /// Of `host:port`s; none are always well (devnet only).
    #[must_use]
    pub fn new(targets: Vec<String>, every: Duration) -> Self {
        Self {
            targets,
            every,
            last_bad: Mutex::new(None),
            latest: tokio::sync::Mutex::new(None),
        }
    }

    /// Checks again and again until the end is asked for.
    pub async fn run(&self, shutdown: &Shutdown) {
        while !self.targets.is_empty() && shutdown.sleep(self.every).await {
            self.check().await;
        }
    }

    /// Whether no check since `since` (and one pause before) has failed.
    #[must_use]
    pub fn is_quiet_since(&self, since: Instant) -> bool {
        let bad = self.last_bad.lock().ok().and_then(|bad| *bad);
        bad.is_none_or(|bad| bad + self.every + PATIENCE < since)
    }

    /// As [`Self::is_quiet_since`], after one more check that was begun no earlier than this call. Many
    /// callers at once share one.
    pub async fn works_since(&self, since: Instant) -> bool {
        let asked = Instant::now();
        let mut latest = self.latest.lock().await;
        let works = match *latest {
            Some((begun, works)) if begun >= asked => works,
            _ => {
                let begun = Instant::now();
                let works = self.check().await;
                *latest = Some((begun, works));
                works
            }
        };
        works && self.is_quiet_since(since)
    }

    /// Whether more than half of the targets accept a connection now.
    async fn check(&self) -> bool {
        let begun = Instant::now();
        let tries = self.targets.iter().map(|target| async move {
            let connected = tokio::time::timeout(PATIENCE, TcpStream::connect(target)).await;
            matches!(connected, Ok(Ok(_)))
        });
        let answers = join_all(tries).await;
        let good = answers.iter().filter(|good| **good).count();
        let works = answers.is_empty() || good * 2 > answers.len();
        if !works && let Ok(mut bad) = self.last_bad.lock() {
            *bad = Some(begun);
        }
        works
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (listener, address)
    }

    #[tokio::test]
    async fn a_network_works_while_more_than_half_of_its_targets_answer() {
        let (_a, first) = listener().await;
        let (_b, second) = listener().await;
        let (c, third) = listener().await;
        let watch = NetworkWatch::new(vec![first, second, third], Duration::from_millis(1));
        assert!(watch.works_since(Instant::now()).await);
        drop((_b, c));
        let cut = Instant::now();
        assert!(!watch.works_since(cut).await);
        assert!(!watch.is_quiet_since(cut), "the failed check is remembered");
    }

    #[tokio::test]
    async fn without_targets_nothing_is_judged() {
        let watch = NetworkWatch::new(Vec::new(), Duration::from_secs(1));
        assert!(watch.works_since(Instant::now()).await);
    }
}
