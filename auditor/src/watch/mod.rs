//! Watching: every round that gets a header is computed again; a wrong one is refuted, if told so.
//!
//! The core is pure: [`trial`] judges a header from values, [`step`] decides what to do next. Around
//! it stand [`world`] (the followed chain), [`court`] (the contracts that judge) and the docket, each
//! with a real implementation and one that a test makes up.

mod aftermath;
mod court;
mod docket;
mod drive;
mod engine;
mod ethereum;
mod examine;
mod line;
mod observe;
mod options;
mod run;
mod seed;
mod step;
#[cfg(test)]
mod tests;
mod trial;
mod view;
mod words;
mod world;

pub use line::{ActionLine, Deed, Fate, FaultLine, Judgement, Line, RoundLine, Standing};
pub use options::{Mode, Options, Summary, Until};
pub use run::run;
#[cfg(test)]
pub(crate) use seed::BeaconRule;
