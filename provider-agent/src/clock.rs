//! The machine's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use quorate_canon::Timestamp;

/// Unix time; a clock before 1970 counts as 1970.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::new(since.map_or(0, |since| since.as_secs()))
}
