//! One module for each interface of ours, generated from its Solidity source by `build.rs`.

// What the macro writes has no docs of its own and is not reached from outside by its path.
#![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]

include!(concat!(env!("OUT_DIR"), "/ours.rs"));
