//! Downtime: operators hand in the windows of a health epoch that they call DOWN, the aggregator finds
//! what enough seats agree on, has that signed, and certifies it on L2. Nothing here is believed: the
//! contract counts the seats again. See docs/decisions/downtime.md.

mod accusers;
mod book;
mod certifier;
mod court;
mod desk;
mod loading;
mod shelf;
mod terms;

pub use book::{Book, OWN_LISTS, Own, Proposal, Signed};
pub use certifier::Certifier;
pub use court::Court;
pub use desk::{Desk, Switches};
pub use terms::{Terms, Times};
