//! Two kinds of store, chosen by what a loss would cost.
//!
//! - [`sqlite`]: what costs stake or money if it is lost: the signing ledger, accepted
//!   votes, evidence, sent transactions. SQLite in WAL mode with full synchronisation and an
//!   exclusive lock; a write that returned survives a crash and a power loss.
//! - [`derived`]: what can be computed again from the chains: snapshots, rounds, indexes.
//!   sled, which in its released version loses acknowledged writes at a power loss. What
//!   cannot be opened is moved aside and built again.
//!
//! Both keep records behind the same frame ([`record`]): a checksum bound to the table and
//! the key, so that a flipped or a misplaced record is an error and never a wrong value.

pub mod derived;
mod error;
pub mod files;
pub mod record;
pub mod sqlite;
mod table;

pub use error::{Result, StoreError};
pub use table::Table;
