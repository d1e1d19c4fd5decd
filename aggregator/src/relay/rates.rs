//! How often somebody may come in a minute.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// Callers that are remembered at a time; who is one too many is refused.
const REMEMBERED: usize = 16_384;
/// Seconds after which a caller's count starts anew.
const SPAN: u64 = 60;

/// Counts of one kind of callers.
#[derive(Debug)]
pub struct Rates<K> {
    most: u32,
    counts: Mutex<BTreeMap<K, Count>>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    since: u64,
    calls: u32,
}

impl<K: Ord> Rates<K> {
    /// At most `most` of one caller in a minute.
    #[must_use]
    pub const fn new(most: u32) -> Self {
        let counts = Mutex::new(BTreeMap::new());
        Self { most, counts }
    }

    /// Counts a call at second `now`.
    ///
    /// # Errors
    /// The seconds after which the caller may come again.
    pub fn take(&self, caller: K, now: u64) -> Result<(), u64> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |count: &Count| now.saturating_sub(count.since) >= SPAN;
        if counts.len() >= REMEMBERED && !counts.contains_key(&caller) {
            counts.retain(|_, count| !over(count));
            if counts.len() >= REMEMBERED {
                return Err(SPAN);
            }
        }
        let fresh = Count {
            since: now,
            calls: 0,
        };
        let count = counts.entry(caller).or_insert(fresh);
        if over(count) {
            *count = fresh;
        }
        if count.calls >= self.most {
            return Err(SPAN.saturating_sub(now.saturating_sub(count.since)).max(1));
        }
        count.calls += 1;
        Ok(())
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
    fn a_flood_of_callers_is_refused_and_then_forgotten() {
        let rates = Rates::new(1);
        for caller in 0..REMEMBERED {
            assert_eq!(rates.take(caller, 100), Ok(()));
        }
        assert_eq!(rates.take(REMEMBERED, 100), Err(SPAN));
        assert_eq!(rates.take(REMEMBERED, 160), Ok(()));
        assert_eq!(rates.counts.lock().unwrap().len(), 1);
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
