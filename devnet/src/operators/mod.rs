//! Operators: their keys, their restakers, and how they join the operator set.

mod enrol;
mod keys;

pub use enrol::{Avs, Candidate, Enrolment};
pub use keys::{EcdsaKeys, OperatorKeys};
