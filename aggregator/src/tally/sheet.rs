//! What of a stake epoch is looked at, and by whom it could have been done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use quorate_canon::{Epoch, OperatorIndex, Round, Timestamp};
use quorate_chain::health::epoch_clock;
use quorate_health::{Place, Receipt, Subject};
use quorate_protocol::StakeTable;

use crate::chain::{Fault, ProbeAt, TallyChain};
use crate::downs::Terms;
use crate::reach::Facts;
use crate::settle::Beacons;

/// How long an aggregator waits at most before it shows work, and how long before the end it looks
/// for more, in seconds.
const LONGEST_WAIT: u64 = 600;

/// A sampled (machine, window).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Where it lies.
    pub at: ProbeAt,
    /// Who sits on the machine's committee.
    pub members: BTreeSet<OperatorIndex>,
    /// What a member signs that says PASS.
    pub receipt: Receipt,
}

/// The sample of one stake epoch. It never changes once it is drawn.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// The stake epoch.
    pub epoch: Epoch,
    /// From here on what came is shown.
    pub first: Timestamp,
    /// From here on what came since is shown.
    pub last: Timestamp,
    /// The last second in which work is shown.
    pub until: Timestamp,
    /// The sampled rounds, each once.
    pub rounds: BTreeSet<Round>,
    /// The sampled probes, by the number of their sample.
    pub probes: BTreeMap<u16, Probe>,
    /// The operators' keys and stakes.
    pub table: Arc<StakeTable>,
}

impl Sheet {
    /// Reads the sheet of an epoch whose sample was drawn.
    ///
    /// # Errors
    /// [`Fault`]; [`Fault::Unreachable`] also while a table is not complete on L2.
    pub async fn load<C: TallyChain, B: Beacons>(
        chain: &C,
        beacons: &B,
        facts: &Facts,
        epoch: Epoch,
    ) -> Result<Self, Fault> {
        let clock = epoch_clock(&facts.schedule);
        let bad = |error: quorate_health::HealthError| Fault::BadData(error.to_string());
        let drawn_by = clock.sample_epoch(epoch).map_err(bad)?;
        let begin = clock.start(drawn_by).map_err(bad)?;
        let until = chain.showable_until(epoch).await?;
        let table = chain.table(epoch).await?.ok_or_else(|| {
            Fault::Unreachable(format!("stake table {epoch} is not complete on L2"))
        })?;
        let sampled = chain.sampled(epoch).await?;
        let (first, last) = moments(begin, until);
        let mut sheet = Self {
            epoch,
            first,
            last,
            until,
            rounds: sampled.rounds.into_iter().collect(),
            probes: BTreeMap::new(),
            table: Arc::new(table),
        };
        let mut terms = BTreeMap::new();
        for (sample, at) in (0u16..).zip(sampled.probes) {
            // No offer has the number 0: no machine was for hire, and L2 takes nothing about it.
            if at.machine.get() == 0 {
                continue;
            }
            if let std::collections::btree_map::Entry::Vacant(place) = terms.entry(at.epoch) {
                let facts = (&facts.domain, &facts.schedule);
                place.insert(Terms::load(chain, beacons, facts, at.epoch).await?);
            }
            if let Some(terms) = terms.get(&at.epoch) {
                sheet.probes.insert(sample, probe(terms, at));
            }
        }
        Ok(sheet)
    }

    /// How often it is time to have shown something by now: never, once, or twice.
    #[must_use]
    pub fn looks(&self, clock: Timestamp) -> u8 {
        u8::from(clock >= self.first) + u8::from(clock >= self.first && clock >= self.last)
    }
}

/// When work is shown, of what is shown in so many seconds, and when once more.
fn moments(begin: Timestamp, until: Timestamp) -> (Timestamp, Timestamp) {
    let wait = (until.get().saturating_sub(begin.get()) / 4).min(LONGEST_WAIT);
    (
        Timestamp::new(begin.get().saturating_add(wait)),
        Timestamp::new(until.get().saturating_sub(wait)),
    )
}

fn probe(terms: &Terms, at: ProbeAt) -> Probe {
    let subject = Subject::Machine(at.machine);
    Probe {
        at,
        members: terms.committee(subject).members().into_iter().collect(),
        receipt: Receipt(Place {
            network: terms.network,
            subject,
            epoch: at.epoch,
            window: at.window,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_a_quarter_of_the_time_and_bounded() {
        let of = |begin, until| {
            let (first, last) = moments(Timestamp::new(begin), Timestamp::new(until));
            (first.get(), last.get())
        };
        assert_eq!(of(100, 130), (107, 123));
        assert_eq!(of(0, 86_400), (600, 85_800));
        assert_eq!(
            of(50, 40),
            (50, 40),
            "a time for showing that is over before it begins"
        );
    }
}
