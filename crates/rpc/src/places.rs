//! Places for connections and for requests, shared out so that whoever holds many of them gives one
//! up to whoever comes new.
//!
//! Nobody waits for a place and nobody is sent away while others hold theirs without need. When the
//! house is full, the newcomer gets the place of a connection of the site that holds most; of these,
//! of one that asks nothing, the longest without a completed request first; and only where all of them
//! ask something, of the one whose request is open for longest. So strangers from any number of
//! addresses can hold all places only until somebody comes. An honest client that loses an idle
//! connection connects again when it has something to say.

mod house;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use futures::task::AtomicWaker;
use tokio::time::Instant;
use tracing::debug;

use crate::{ServerLimits, addresses::site};
use house::House;

/// All places of a server; cheap to clone.
#[derive(Clone)]
pub(crate) struct Places(Arc<Mutex<House>>);

/// A connection's place; given back on drop.
pub(crate) struct Place(Ticket);

/// Names a place, and does not hold it.
#[derive(Clone)]
pub(crate) struct Ticket {
    places: Places,
    number: u64,
    line: Arc<Line>,
}

/// What is said to a connection.
#[derive(Default)]
pub(crate) struct Line {
    cut: AtomicBool,
    asked: AtomicBool,
    waker: AtomicWaker,
}

/// A request that is worked on. Dropped without [`Asking::answered`], it counts as none.
pub(crate) struct Asking {
    ticket: Ticket,
    request: u64,
}

impl Places {
    pub(crate) fn new(limits: &ServerLimits) -> Self {
        Self(Arc::new(Mutex::new(House::new(limits))))
    }

    /// A place for a connection from `address`, which another may lose by that.
    pub(crate) fn enter(&self, address: IpAddr) -> Place {
        let line = Arc::new(Line::default());
        let site = site(address);
        let (number, loser) = self.house().enter(site, Arc::clone(&line), Instant::now());
        if let Some(loser) = loser {
            debug!(newcomer = %site, "a connection's place goes to a newcomer");
            loser.cut();
        }
        let places = self.clone();
        Place(Ticket {
            places,
            number,
            line,
        })
    }

    fn house(&self) -> MutexGuard<'_, House> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub(crate) fn ticket(&self) -> Ticket {
        self.0.clone()
    }

    /// Whether another has the place now.
    pub(crate) fn is_lost(&self) -> bool {
        self.0.line.cut.load(Ordering::Acquire)
    }

    /// Whether a request has come on this connection.
    pub(crate) fn has_asked(&self) -> bool {
        self.0.line.asked.load(Ordering::Acquire)
    }

    /// Wakes `waker` when the place is lost.
    pub(crate) fn watch(&self, waker: &Waker) {
        self.0.line.waker.register(waker);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.places.house().leave(self.0.number);
    }
}

impl Ticket {
    /// Room for a request, which another connection may be cut for; `None` if there is none.
    pub(crate) fn ask(&self) -> Option<Asking> {
        let admitted = self.places.house().ask(self.number, Instant::now())?;
        self.line.asked.store(true, Ordering::Release);
        if let Some(loser) = admitted.loser {
            debug!("a connection is cut whose requests left no room for others");
            loser.cut();
        }
        Some(Asking {
            ticket: self.clone(),
            request: admitted.request,
        })
    }
}

impl Asking {
    /// The request was answered.
    pub(crate) fn answered(self) {
        let mut house = self.ticket.places.house();
        house.answered(self.ticket.number, Instant::now());
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut house = self.ticket.places.house();
        house.end(self.ticket.number, self.request);
    }
}

impl Line {
    fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.waker.wake();
    }
}
