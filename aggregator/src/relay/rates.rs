//! How often somebody may come in a minute.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// Callers that are remembered at a time. For one more, another is forgotten and begins its minute
/// anew: whoever can come as so many gains little by that, and nobody is refused for it.
const REMEMBERED: usize = 16_384;
/// Seconds after which a caller's count starts anew.
const SPAN: u64 = 60;

/// Counts of one kind of callers.
#[derive(Debug)]
pub struct Rates<K> {
    most: u32,
    counts: Mutex<Counts<K>>,
}

/// Counts by caller, and callers in the order in which they are forgotten.
#[derive(Debug)]
struct Counts<K> {
    by_caller: BTreeMap<K, Count>,
    order: BTreeSet<(Count, K)>,
    /// The second in which those whose minute is over were forgotten last.
    swept: u64,
}

/// Ordered by what is lost with it: who came seldom goes before who came often, and of these who came
/// first. So a flood of callers that come once forgets each other, and nobody who was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Count {
    calls: u32,
    since: u64,
}

impl<K: Ord + Copy> Rates<K> {
    /// At most `most` of one caller in a minute.
    #[must_use]
    pub const fn new(most: u32) -> Self {
        let counts = Mutex::new(Counts {
            by_caller: BTreeMap::new(),
            order: BTreeSet::new(),
            swept: 0,
        });
        Self { most, counts }
    }

    /// Counts a call at second `now`.
    ///
    /// # Errors
    /// The seconds after which the caller may come again.
    pub fn take(&self, caller: K, now: u64) -> Result<(), u64> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = counts.by_caller.get(&caller);
        let known = known.filter(|count| !count.is_over(now));
        let mut count = known.copied().unwrap_or(Count {
            calls: 0,
            since: now,
        });
        if count.calls >= self.most {
            return Err(SPAN.saturating_sub(now.saturating_sub(count.since)).max(1));
        }
        count.calls += 1;
        counts.put(caller, count, now);
        Ok(())
    }
}

impl<K: Ord + Copy> Counts<K> {
    /// Writes a caller's count, and makes room for it where there is none.
    fn put(&mut self, caller: K, count: Count, now: u64) {
        if let Some(before) = self.by_caller.remove(&caller) {
            self.order.remove(&(before, caller));
        }
        if self.by_caller.len() >= REMEMBERED && self.swept != now {
            self.by_caller.retain(|_, count| !count.is_over(now));
            self.order.retain(|(count, _)| !count.is_over(now));
            self.swept = now;
        }
        if self.by_caller.len() >= REMEMBERED
            && let Some((_, first)) = self.order.pop_first()
        {
            self.by_caller.remove(&first);
        }
        self.by_caller.insert(caller, count);
        self.order.insert((count, caller));
    }
}

impl Count {
    const fn is_over(&self, now: u64) -> bool {
        now.saturating_sub(self.since) >= SPAN
    }
}

/// Whom a network address stands for: whoever has one of IPv6 has its whole /64.
#[must_use]
pub const fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => IpAddr::V4(address),
            None => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_minute_and_no_more() {
        let rates = Rates::new(2);
        assert_eq!([rates.take(1, 100), rates.take(1, 110)], [Ok(()), Ok(())]);
        assert_eq!(rates.take(1, 130), Err(30));
        assert_eq!(rates.take(2, 130), Ok(()), "another caller");
        assert_eq!(rates.take(1, 160), Ok(()), "a minute later");
    }

    #[test]
    fn a_clock_that_goes_back_forgives_nothing() {
        let rates = Rates::new(1);
        assert_eq!(rates.take(1, 100), Ok(()));
        assert_eq!(rates.take(1, 10), Err(60));
    }

    #[test]
    fn a_flood_of_callers_keeps_no_newcomer_out_and_forgets_nobody_who_came_too_often() {
        let rates = Rates::new(2);
        let often = usize::MAX;
        assert_eq!(
            [rates.take(often, 100), rates.take(often, 100)],
            [Ok(()); 2]
        );
        for caller in 0..2 * REMEMBERED {
            assert_eq!(rates.take(caller, 100), Ok(()), "{caller}");
        }
        assert_eq!(rates.take(often, 130), Err(30));
        let counts = rates.counts.lock().unwrap();
        assert_eq!(
            [counts.by_caller.len(), counts.order.len()],
            [REMEMBERED; 2]
        );
    }

    #[test]
    fn whose_minute_is_over_is_forgotten_first() {
        let rates = Rates::new(2);
        for caller in 0..REMEMBERED {
            for _ in 0..2 {
                assert_eq!(rates.take(caller, 100), Ok(()));
            }
        }
        assert_eq!(rates.take(REMEMBERED, 160), Ok(()));
        let counts = rates.counts.lock().unwrap();
        assert_eq!([counts.by_caller.len(), counts.order.len()], [1; 2]);
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let of = |text: &str| household(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
