//! Carries calls that others signed, for those without gas: `POST /relay`, with a key and a budget of
//! its own.
//!
//! A call's way: [`page`] (body, address of the sender) -> [`desk`] (taken, and put through every check that
//! can be made before anything is paid) -> [`carrier`] (the transaction).
//! Nothing here touches the aggregator's own key, journals or nonces, and nothing of the aggregator
//! waits for it.

pub mod book;
pub mod budget;
pub mod carrier;
mod checks;
pub mod desk;
pub mod functions;
pub mod observe;
pub mod page;
pub mod rates;
pub mod refusal;
pub mod start;
#[cfg(test)]
mod tests;

pub use observe::Observe;
pub use page::Page;
pub use start::start;
