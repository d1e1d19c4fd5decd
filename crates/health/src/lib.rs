//! GPU health: what a machine says about itself, and what is judged from it.
//!
//! Everything here is a function of values. An operator asks a machine; the machine's agent answers
//! with a [`Report`]; [`verdict`] turns what the operator knows (a [`ProbeView`]) into PASS, FAIL or
//! UNKNOWN; a [`WindowTally`] turns a window's verdicts into at most one word, a [`Receipt`] or DOWN;
//! [`propose`] makes of all operators' words the [`DownList`]s that they can sign. By a [`Sample`] of
//! what operators did in a stake epoch, and their [`shares`] of it, they are paid. There is no clock, no
//! randomness, no floating point, and nothing that panics. The bytes and rules are those of `docs/formats.md` sections 14 and 15; what each signal means and where its
//! threshold comes from is told in `docs/health.md`.
//!
//! Two things are true of every verdict, and are tested over random views:
//!
//! - **It is monotone.** More bad news in an answer never gives a better verdict.
//! - **UNKNOWN is no shield.** Whether a verdict is UNKNOWN follows from the operator's own state and
//!   from maintenance written on chain in advance. No answer, and no silence, leads to it.
//!
//! What is *not* true: that a passing report means a healthy card. A report is the host's own word.
//! It may lower a verdict; believing it is never enough to raise one above what an honest committee
//! can see. Health rests on an honest two thirds of each committee, not on proofs.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::float_arithmetic,
        clippy::as_conversions
    )
)]

mod cards;
mod claims;
mod committee;
mod down;
mod draw;
mod epoch;
mod error;
mod gpu;
mod lease;
mod machine;
mod moment;
mod policy;
mod propose;
mod range;
mod rates;
mod reason;
mod report;
mod reputation;
mod sample;
mod share;
mod signals;
mod tally;
mod uptime;
mod uuid;
mod verdict;
mod view;
mod window;
mod word;

pub use claims::{Claims, Judged, agrees};
pub use committee::{Committee, Seats, committee};
pub use down::{DownEntry, DownList, contradicts};
pub use epoch::EpochClock;
pub use error::HealthError;
pub use gpu::{Ecc, GpuRecord, Link, MAX_XIDS, Remap, XidEvent};
pub use lease::{LeaseState, Maintenance};
pub use moment::{moment, probe_message};
pub use policy::{HealthPolicy, PolicyError, XidClass};
pub use propose::{MAX_LISTS, Proposal, propose};
pub use reason::{Reason, Verdict, Why};
pub use report::{
    Checks, MAX_GPUS, Nonce, REPORT_VERSION, Release, Report, SIGNATURE, SignedReport, Subject,
};
pub use reputation::{LeaseEnd, Reputation};
pub use sample::{SAMPLES, Sample, SampledProbe};
pub use share::{ProbeWork, RoundEnd, RoundWork, Share, Shares, shares};
pub use signals::Signals;
pub use tally::{WindowTally, Word};
pub use uptime::uptime_after;
pub use uuid::{GpuUuid, UuidError};
pub use verdict::{faults, verdict};
pub use view::{Answer, Environment, Expected, Previous, ProbeView, Question};
pub use window::{Window, WindowClock};
pub use word::{Network, Place, Receipt};
