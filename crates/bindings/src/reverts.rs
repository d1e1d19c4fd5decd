//! Names for what a contract says when it reverts.
