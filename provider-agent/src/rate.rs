//! How much one address may ask: a bucket of tokens each.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Addresses that are remembered at a time.
const REMEMBERED: usize = 4_096;
/// A burst is so many seconds' worth.
const BURST: u32 = 4;

/// Buckets of all addresses.
#[derive(Debug)]
pub struct Rates {
    per_second: u32,
    buckets: Mutex<BTreeMap<IpAddr, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Thousandths of a token.
    milli: u64,
    at: Instant,
}

impl Rates {
    /// So many a second for each address.
    #[must_use]
    pub const fn new(per_second: u32) -> Self {
        Self {
            per_second,
            buckets: Mutex::new(BTreeMap::new()),
        }
    }

    /// Takes a token of an address, if it has one. An address that is not known is not limited: it is
    /// no connection from outside.
    pub fn take(&self, address: Option<IpAddr>, now: Instant) -> bool {
        let Some(address) = address else {
            return true;
        };
        let full = u64::from(self.per_second) * u64::from(BURST) * 1_000;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED && !buckets.contains_key(&address) {
            // Who was silent for a burst's time has a full bucket, which is what a new one is.
            let span = Duration::from_secs(u64::from(BURST));
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.at) < span);
            if buckets.len() >= REMEMBERED {
                return false;
            }
        }
        let bucket = buckets.entry(address).or_insert(Bucket {
            milli: full,
            at: now,
        });
        let passed = now.saturating_duration_since(bucket.at).as_millis();
        let earned = u64::try_from(passed)
            .unwrap_or(u64::MAX)
            .saturating_mul(self.per_second.into());
        bucket.milli = bucket.milli.saturating_add(earned).min(full);
        bucket.at = now;
        match bucket.milli.checked_sub(1_000) {
            Some(left) => {
                bucket.milli = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(rates: &Rates, last: u8, now: Instant, times: usize) -> usize {
        let address = Some(IpAddr::from([192, 0, 2, last]));
        (0..times).filter(|_| rates.take(address, now)).count()
    }

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let (rates, now) = (Rates::new(5), Instant::now());
        assert_eq!(taken(&rates, 1, now, 100), 20);
        assert_eq!(taken(&rates, 1, now + Duration::from_secs(1), 100), 5);
        assert_eq!(taken(&rates, 1, now + Duration::from_secs(100), 100), 20);
    }

    #[test]
    fn one_address_takes_nothing_from_another() {
        let (rates, now) = (Rates::new(5), Instant::now());
        assert_eq!(taken(&rates, 1, now, 100), 20);
        assert_eq!(taken(&rates, 2, now, 10), 10);
    }

    #[test]
    fn addresses_are_not_remembered_for_ever() {
        let (rates, now) = (Rates::new(5), Instant::now());
        for number in 0..10_000_u32 {
            let later = now + Duration::from_millis(u64::from(number) * 10);
            assert!(rates.take(Some(IpAddr::from(number.to_be_bytes())), later));
        }
        assert!(rates.buckets.lock().unwrap().len() <= REMEMBERED);
    }
}
