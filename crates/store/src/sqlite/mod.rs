//! Databases for what costs stake or money.
//!
//! Each database is one file of tables of records (`key BLOB -> record BLOB`), opened by one
//! process at a time:
//! - WAL with `synchronous = FULL`: a commit that returned has been synchronised to disk.
//! - `locking_mode = EXCLUSIVE`, taken at open and held: a second process is refused at once
//!   with [`StoreError::Locked`](crate::StoreError::Locked).
//! - The file is created whole (built beside, then linked into place): it either is not there
//!   or has its schema.
//! - Every open checks the application id, the schema version and the pages' structure.
//!
//! To back a database up, stop its process and copy the file; a copy of the file alone, taken
//! while the process runs, lacks what still lies in the WAL.

mod connection;
mod database;
mod schema;
mod transaction;

pub use database::Database;
pub use schema::{Migration, Schema};
pub use transaction::Transaction;
