//! Instances for a comparison with other matchers.
mod error;
pub mod market;
pub mod naive;
pub use error::Error;
