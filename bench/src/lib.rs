//! Instances for a comparison with other matchers.
//!
//! A market becomes an [`Instance`]: a file that says of each eligible pair what it scores, so that
//! another program can match it without knowing our rules. [`naive`] is the plainest right matcher,
//! [`weights`] asks what other weights would have made of the same orders.

mod error;
mod instance;
mod market;
pub mod naive;
mod trace;
pub mod weights;

pub use error::Error;
pub use instance::{Instance, Pair};
pub use market::{Market, random};
pub use trace::{Demand, Trace};
