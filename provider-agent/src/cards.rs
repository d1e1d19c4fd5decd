//! The thread that owns the reader. NVML's calls block, some for long when a card is ill, and its
//! event sets must stay open; so one thread reads, at most once a second whoever asks, and all who
//! asked share the reading.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::AgentError;
use crate::clock::now;
use crate::compose::Snapshot;
use crate::reader::nvml::Driver;
use crate::reader::simulated::LiveScenario;
use crate::reader::{Card, GpuReader};
use crate::xids::XidLog;

/// How old a reading may be that is shared.
const FRESH: Duration = Duration::from_secs(1);
/// Pause between two looks for events.
const EVENTS: Duration = Duration::from_secs(1);
/// Who may wait for a reading at a time.
const QUEUE: usize = 64;
/// How long a reading may take. A driver that hangs for longer is as good as lost.
const PATIENCE: Duration = Duration::from_secs(8);

/// Where the cards come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The driver's library; the system's loader finds it where none is named.
    Driver(Option<PathBuf>),
    /// A scenario file, with a seed for the cards' numbers.
    Scenario(PathBuf, Option<u64>),
}

/// Why there is no reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoReading {
    /// Too many wait for one.
    #[error("too many wait for a reading")]
    Busy,
    /// The driver does not answer.
    #[error("the driver has not answered for {} s", PATIENCE.as_secs())]
    Stuck,
    /// The thread has ended.
    #[error("the reader has ended")]
    Ended,
}

type Ask = oneshot::Sender<Arc<Snapshot>>;

/// The cards of this machine; cheap to clone. The thread ends with the last clone.
#[derive(Debug, Clone)]
pub struct Cards {
    asks: SyncSender<Ask>,
    known: Arc<[Card]>,
}

impl Cards {
    /// Opens the source and starts the thread.
    ///
    /// # Errors
    /// [`AgentError`] if the cards cannot be read at all.
    pub fn start(source: Source) -> Result<Self, AgentError> {
        let (asks, asked) = sync_channel(QUEUE);
        let (opened, first) = sync_channel(1);
        std::thread::Builder::new()
            .name("cards".to_owned())
            .spawn(move || {
                // Whoever started this thread waits for the first word.
                if let Err(error) = own(source, &asked, &opened) {
                    let _ = opened.send(Err(error));
                }
            })?;
        let known = first
            .recv()
            .map_err(|_| AgentError::Ended("the thread of the cards ended".to_owned()))??;
        Ok(Self {
            asks,
            known: known.into(),
        })
    }

    /// The cards that were there at the start, in the driver's order.
    #[must_use]
    pub fn known(&self) -> &[Card] {
        &self.known
    }

    /// A reading that is at most a second old.
    ///
    /// # Errors
    /// [`NoReading`].
    pub async fn read(&self) -> Result<Arc<Snapshot>, NoReading> {
        let (answer, answered) = oneshot::channel();
        match self.asks.try_send(answer) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(NoReading::Busy),
            Err(TrySendError::Disconnected(_)) => return Err(NoReading::Ended),
        }
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(snapshot)) => Ok(snapshot),
            Ok(Err(_)) => Err(NoReading::Ended),
            Err(_) => Err(NoReading::Stuck),
        }
    }
}

/// The thread's life.
fn own(
    source: Source,
    asked: &Receiver<Ask>,
    opened: &SyncSender<Result<Vec<Card>, AgentError>>,
) -> Result<(), AgentError> {
    match source {
        Source::Scenario(path, seed) => {
            let mut reader = LiveScenario::open(&path, seed)?;
            let _ = opened.send(Ok(reader.cards()));
            serve(&mut reader, asked);
        }
        Source::Driver(library) => {
            let driver = Driver::open(library.as_deref())?;
            let mut reader = driver.reader()?;
            let _ = opened.send(Ok(reader.cards()));
            serve(&mut reader, asked);
        }
    }
    Ok(())
}

/// Answers until nobody can ask any more.
fn serve(reader: &mut dyn GpuReader, asked: &Receiver<Ask>) {
    let mut log = XidLog::new(now());
    let mut last: Option<(Instant, Arc<Snapshot>)> = None;
    loop {
        match asked.recv_timeout(EVENTS) {
            Ok(ask) => {
                let fresh = last.take().filter(|(taken, _)| taken.elapsed() < FRESH);
                let (taken, snapshot) =
                    fresh.unwrap_or_else(|| (Instant::now(), take(reader, &mut log)));
                // Who asked may have gone.
                let _ = ask.send(Arc::clone(&snapshot));
                last = Some((taken, snapshot));
            }
            Err(RecvTimeoutError::Timeout) => log.add(&reader.poll_events(), now()),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn take(reader: &mut dyn GpuReader, log: &mut XidLog) -> Arc<Snapshot> {
    let readings = reader.snapshot();
    let now = now();
    log.add(&reader.poll_events(), now);
    Arc::new(Snapshot::of(reader, &readings, log, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steady() -> Source {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/steady.toml");
        Source::Scenario(path.into(), Some(1))
    }

    #[tokio::test]
    async fn many_who_ask_at_once_share_one_reading() {
        let cards = Cards::start(steady()).unwrap();
        assert_eq!(cards.known().len(), 8);
        let first = cards.read().await.unwrap();
        for _ in 0..10 {
            assert!(Arc::ptr_eq(&first, &cards.read().await.unwrap()));
        }
    }

    #[tokio::test]
    async fn a_source_that_cannot_be_opened_is_an_error_at_once() {
        let nowhere = Source::Scenario("/nowhere/scenario.toml".into(), None);
        let error = Cards::start(nowhere).unwrap_err().to_string();
        assert!(error.contains("/nowhere/scenario.toml"), "{error}");
    }

    #[tokio::test]
    async fn who_asks_a_reader_that_ended_is_told() {
        let (asks, asked) = sync_channel(1);
        drop(asked);
        let cards = Cards {
            asks,
            known: Arc::new([]),
        };
        assert_eq!(cards.read().await, Err(NoReading::Ended));
    }

    #[tokio::test(start_paused = true)]
    async fn a_driver_that_hangs_is_told_apart_from_one_that_is_busy() {
        let (asks, _asked) = sync_channel(1);
        let cards = Cards {
            asks,
            known: Arc::new([]),
        };
        assert_eq!(cards.read().await, Err(NoReading::Stuck));
        assert_eq!(cards.read().await, Err(NoReading::Busy));
    }
}
