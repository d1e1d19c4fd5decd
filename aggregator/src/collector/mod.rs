//! The collector takes votes: screened, verified in batches, stored, then counted.
//!
//! [`State`] is pure; the [`actor`] owns it, talks to the store and answers; [`ingress`] is its
//! bounded mailbox.

pub mod actor;
mod book;
mod house;
pub mod ingress;
mod intake;
mod lists;
mod news;
mod parking;
pub mod round;
pub mod state;
#[cfg(test)]
mod tests;

pub use ingress::{Mailbox, Progress};
pub use round::{Judgement, RoundVotes};
pub use state::{Limits, Screening, State};

pub use crate::suspects::Source;

/// Milliseconds since the process began: for waiting only, never in anything that is signed or stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Millis {
    /// Time that has passed since `earlier`; nothing if it lies ahead.
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    /// The moment `span` later.
    pub const fn after(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}
