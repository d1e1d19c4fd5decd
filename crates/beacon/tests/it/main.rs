//! The beacon crate on quicknet's real rounds and against relays of every kind.

mod client;
mod relay;
mod rounds;
mod vectors;
