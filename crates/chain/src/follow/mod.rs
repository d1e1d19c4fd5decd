//! Following a chain's head.
//!
//! [`Reader`] asks for the newest block again and again and brings its [`State`] there: block by
//! block, each block's parent compared with the block before, each block's logs asked for by the
//! block's hash. Where the chain has changed it walks back to the common ancestor, takes the blocks
//! above it back and goes on from there; a change deeper than `final_depth` stops it with
//! [`crate::ChainError::DeepReorg`].

mod backfill;
mod base;
mod image;
mod reader;
mod source;
mod state;
mod step;
mod trail;

pub use reader::{Advance, Reader, ReaderConfig};
pub use source::Source;
pub use state::{Contracts, Followed, State};
pub(crate) use trail::Trail;
