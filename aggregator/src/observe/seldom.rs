//! Says each thing once a minute at most: what fails is tried again every few seconds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time between two words about one thing.
const PAUSE: Duration = Duration::from_secs(60);

/// When what was said last. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Seldom(Arc<Mutex<BTreeMap<&'static str, Instant>>>);

impl Seldom {
    /// Whether it may be said now; then it counts as said.
    pub(super) fn may_say(&self, what: &'static str, now: Instant) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = said.get(what);
        let may = last.is_none_or(|last| now.saturating_duration_since(*last) >= PAUSE);
        if may {
            said.insert(what, now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_said_once_a_minute() {
        let (seldom, begin) = (Seldom::default(), Instant::now());
        let after = |seconds| begin + Duration::from_secs(seconds);
        assert!(seldom.may_say("a", begin));
        assert!(!seldom.may_say("a", after(59)));
        assert!(seldom.may_say("b", after(59)));
        assert!(seldom.may_say("a", after(60)));
        assert!(!seldom.may_say("a", after(61)));
    }
}
