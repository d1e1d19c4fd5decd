//! What a health epoch is judged by, as the chains and the beacon have it.

use std::collections::BTreeMap;

use quorate_canon::{Digest, HealthEpoch, OperatorIndex, Timestamp, hash};
use quorate_chain::health::epoch_clock;
use quorate_health::{Committee, HealthPolicy, Judged, Network, Seats, Subject, committee};
use quorate_protocol::{Domain, Schedule, StakeTable};

use crate::chain::{Fault, HealthChain};
use crate::clock::now;
use crate::settle::Beacons;

/// Seconds that the beacon is waited for: its round is long past.
const BEACON: u64 = 10;

/// How long an aggregator waits at most for lists, and again for signatures, in seconds.
const LONGEST_WAIT: u64 = 600;

/// The times of one epoch, as an aggregator keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The first second after the epoch: from then on lists are taken.
    pub over: Timestamp,
    /// From here on the lists that came decide what is proposed; later ones change nothing.
    pub frozen: Timestamp,
    /// From here on a proposal is certified with the signatures that it has.
    pub due: Timestamp,
    /// The last second in which L2 takes lists.
    pub until: Timestamp,
    /// The last second in which receipts are taken against lists: lists are kept up to here.
    pub appealable: Timestamp,
}

impl Times {
    /// The times of an epoch that ends before `over`, whose lists are taken up to `until`, and receipts
    /// against them up to `appealable`: a quarter of the first span for lists, a quarter for signatures,
    /// neither longer than ten minutes.
    #[must_use]
    pub fn new(over: Timestamp, until: Timestamp, appealable: Timestamp) -> Self {
        let seconds = until.get().saturating_sub(over.get()).saturating_add(1);
        let wait = (seconds / 4).clamp(1, LONGEST_WAIT);
        let after = |seconds: u64| Timestamp::new(over.get().saturating_add(seconds));
        Self {
            over,
            frozen: after(wait),
            due: after(2 * wait),
            until,
            appealable,
        }
    }
}

/// All that an epoch's lists are judged by.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The epoch.
    pub epoch: HealthEpoch,
    /// The network that lists must name.
    pub network: Network,
    /// When what happens.
    pub times: Times,
    /// Seats, windows.
    pub policy: HealthPolicy,
    /// The operators' keys and stakes.
    pub table: StakeTable,
    /// The stakes, summed up.
    pub seats: Seats,
    /// What committees are drawn by.
    pub randomness: Digest,
    /// The beacon's signature behind it.
    pub beacon: [u8; 48],
}

impl Terms {
    /// Reads an epoch's terms from the chain and the beacon.
    ///
    /// # Errors
    /// [`Fault`]; [`Fault::Unreachable`] also while the table is not complete on L2.
    pub async fn load<C: HealthChain, B: Beacons>(
        chain: &C,
        beacons: &B,
        (domain, schedule): (&Domain, &Schedule),
        epoch: HealthEpoch,
    ) -> Result<Self, Fault> {
        let clock = epoch_clock(schedule);
        let bad = |error: quorate_health::HealthError| Fault::BadData(error.to_string());
        let round = clock.first_round(epoch).map_err(bad)?;
        let policy = chain.health_policy(round).await?;
        let stake_epoch = clock.stake_epoch(epoch).map_err(bad)?;
        let table = chain.table(stake_epoch).await?;
        let table = table.ok_or_else(|| {
            Fault::Unreachable(format!("stake table {stake_epoch} is not complete on L2"))
        })?;
        let deadline = Timestamp::new(now().get().saturating_add(BEACON));
        let beacon_round = clock.beacon_round(epoch).map_err(bad)?;
        let beacon = beacons
            .signature(beacon_round, deadline)
            .await
            .map_err(Fault::Unreachable)?;
        Ok(Self {
            epoch,
            network: *domain,
            times: Times::new(
                clock.end(epoch).map_err(bad)?,
                clock.certifiable_until(epoch, &policy).map_err(bad)?,
                clock.appealable_until(epoch, &policy).map_err(bad)?,
            ),
            policy,
            seats: Seats::new(table.stakes()).map_err(bad)?,
            table,
            randomness: hash::sha256(&[&beacon]),
            beacon,
        })
    }

    /// Who judges a machine in this epoch.
    #[must_use]
    pub fn committee(&self, subject: Subject) -> Committee {
        committee(
            &self.randomness,
            self.epoch,
            subject,
            &self.seats,
            self.policy.seats,
        )
    }

    /// The epoch, as far as its lists depend on it.
    #[must_use]
    pub fn judged<'a>(&self, committees: &'a BTreeMap<Subject, Committee>) -> Judged<'a> {
        Judged {
            network: self.network,
            epoch: self.epoch,
            windows: self.policy.windows,
            committees,
        }
    }

    /// The operators with stake.
    pub fn operators(&self) -> impl Iterator<Item = OperatorIndex> + '_ {
        (0..self.table.count())
            .map(OperatorIndex::new)
            .filter(|operator| {
                self.table
                    .stake(*operator)
                    .is_some_and(|stake| stake.get() != 0)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of an epoch whose lists are taken for so many seconds.
    fn times(over: u64, seconds: u64) -> Times {
        let until = Timestamp::new(over + seconds - 1);
        Times::new(Timestamp::new(over), until, until)
    }

    #[test]
    fn waits_are_a_quarter_of_the_time_and_bounded() {
        let short = times(100, 10);
        assert_eq!((short.frozen.get(), short.due.get()), (102, 104));
        let long = times(0, 43_200);
        assert_eq!((long.frozen.get(), long.due.get()), (600, 1_200));
    }

    #[test]
    fn everything_happens_before_the_contract_closes() {
        for seconds in [4, 5, 10, 60, 43_200] {
            let times = times(7, seconds);
            assert!(
                times.frozen <= times.due && times.due <= times.until,
                "{seconds}"
            );
        }
    }
}
