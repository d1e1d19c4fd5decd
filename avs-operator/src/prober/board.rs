//! What the driver tells the prober of the chain. The driver follows L2 for the rounds, and the
//! prober must not make it wait: with each block the driver puts up a board that the prober reads
//! whenever it likes. A block in which nothing happened to machines costs the driver next to nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quorate_canon::{Digest, Stake, Timestamp};
use quorate_chain::{Head, State, machines::MachineIndex};
use tokio::sync::watch;

use super::roster::{Roster, draw_up};

/// Pause between two looks whether offers on the roster have a newer version.
const REFRESH: Duration = Duration::from_secs(5);

/// The chain as the prober sees it.
#[derive(Debug, Clone)]
pub struct Board {
    /// The newest block.
    pub head: Head,
    /// Machines and leases as of that block.
    pub machines: Arc<MachineIndex>,
    /// The machines of the window that was asked for, once the chain has come so far.
    pub roster: Option<Arc<Roster>>,
}

/// Seconds before a window at which the chain decides which machines are judged in it.
const LEAD: u64 = 4;

/// The second at whose end the chain decides which machines are judged in a window: a little before it
/// begins, so that the blocks that say so are known by then, and the same for all operators.
#[must_use]
pub fn as_of(window_start: Timestamp) -> Timestamp {
    Timestamp::new(window_start.get().saturating_sub(LEAD))
}

/// Which window's machines are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// First second of the health epoch.
    pub epoch_start: Timestamp,
    /// The second at whose end the chain decides which machines they are: see [`as_of`].
    pub as_of: Timestamp,
    /// Stake for each registered GPU, by tier, below which a machine without a lease is left out.
    pub min_stake: [Stake; 8],
    /// The most machines.
    pub most: usize,
}

/// The prober's side.
#[derive(Debug, Clone)]
pub struct BoardReader {
    wanted: watch::Sender<Option<Wanted>>,
    board: watch::Receiver<Board>,
}

impl BoardReader {
    /// Asks for the machines of a window.
    pub fn want(&self, wanted: Wanted) {
        self.wanted.send_if_modified(|before| {
            let new = *before != Some(wanted);
            *before = Some(wanted);
            new
        });
    }

    /// The board as it is now.
    #[must_use]
    pub fn look(&self) -> Board {
        self.board.borrow().clone()
    }

    /// Waits for the next board; for ever once the driver has gone.
    pub async fn changed(&mut self) {
        if self.board.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The driver's side.
#[derive(Debug)]
pub struct Feed {
    wanted: watch::Receiver<Option<Wanted>>,
    board: watch::Sender<Board>,
    revision: Option<u64>,
    refreshed: Instant,
}

/// Both sides.
#[must_use]
pub fn board() -> (Feed, BoardReader) {
    let head = Head {
        number: 0,
        hash: Digest([0; 32]),
        timestamp: Timestamp::new(0),
    };
    let empty = Board {
        head,
        machines: Arc::default(),
        roster: None,
    };
    let (wanted, asked) = watch::channel(None);
    let (board, seen) = watch::channel(empty);
    let feed = Feed {
        wanted: asked,
        board,
        revision: None,
        refreshed: Instant::now(),
    };
    let reader = BoardReader {
        wanted,
        board: seen,
    };
    (feed, reader)
}

impl Feed {
    /// Puts up the board of a new block.
    pub fn on_head(&mut self, state: &State, head: Head) {
        if !state.has_machines() {
            // Not put up any more: the head on the board grows old, and nobody is judged by it.
            return;
        }
        let wanted = *self.wanted.borrow();
        let revision = state.machines.revision();
        let machines = (self.revision != Some(revision)).then(|| Arc::new(state.machines.clone()));
        self.revision = Some(revision);
        let roster = self.roster(state, head, wanted);
        self.board.send_modify(|board| {
            board.head = head;
            if let Some(machines) = machines {
                board.machines = machines;
            }
            if let Some(roster) = roster {
                board.roster = Some(Arc::new(roster));
            }
        });
    }

    /// The roster, if it is to be another one than before.
    fn roster(&mut self, state: &State, head: Head, wanted: Option<Wanted>) -> Option<Roster> {
        // A block of the same second may still come: what was at a second's end is known after it.
        let wanted = wanted.filter(|wanted| wanted.as_of < head.timestamp)?;
        let old = self.board.borrow().roster.clone();
        match old {
            Some(old) if old.wanted == wanted => {
                if self.refreshed.elapsed() < REFRESH {
                    return None;
                }
                self.refreshed = Instant::now();
                old.renewed(&state.market, head.timestamp)
            }
            _ => Some(draw_up(state, wanted)),
        }
    }
}
