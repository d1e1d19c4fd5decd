//! The wall clock, in one place.

use std::time::{SystemTime, UNIX_EPOCH};

use quorate_canon::Timestamp;

/// The wall clock. It only decides whose votes are taken and what is still worth doing.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::new(since.as_secs())
}
