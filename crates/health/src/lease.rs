//! What the chain says about a machine: leased or not, in maintenance or not. Never the machine.

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::{CodecError, Timestamp};

use crate::HealthPolicy;
use crate::range::ensure;

/// Whether a machine is in use, as the chain has it; 9 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseState {
    /// Code 0: it has no lease and has had none.
    Free,
    /// Code 1: it has at least one lease, the oldest since then.
    LeasedSince(Timestamp),
    /// Code 2: it has none; the last one ended then.
    EndedAt(Timestamp),
}

impl LeaseState {
    /// Whether somebody may rightly hold the cards at `now`: in a lease, or while the last tenant's
    /// work is being cleared away. This excuses checks that need a card for themselves, and no other.
    #[must_use]
    pub fn in_use(&self, now: Timestamp, policy: &HealthPolicy) -> bool {
        match self {
            Self::Free => false,
            Self::LeasedSince(_) => true,
            Self::EndedAt(end) => {
                now.get().saturating_sub(end.get()) < u64::from(policy.drain_seconds)
            }
        }
    }
}

impl FixedWidth for LeaseState {
    const WIDTH: usize = 9;

    fn write(&self, out: &mut Writer) {
        let (code, time) = match self {
            Self::Free => (0_u8, Timestamp::new(0)),
            Self::LeasedSince(start) => (1, *start),
            Self::EndedAt(end) => (2, *end),
        };
        out.value(&code);
        out.value(&time);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let code: u8 = input.value()?;
        let time: Timestamp = input.value()?;
        ensure(code <= 2, "lease", code, "0, 1 or 2")?;
        ensure(
            code != 0 || time.get() == 0,
            "lease time",
            time.get(),
            "0 without a lease",
        )?;
        Ok(match code {
            1 => Self::LeasedSince(time),
            2 => Self::EndedAt(time),
            _ => Self::Free,
        })
    }
}

/// A maintenance that the provider wrote to the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Maintenance {
    /// When it was written: the timestamp of that block.
    pub announced: Timestamp,
    /// Its first second.
    pub from: Timestamp,
    /// The second after its last.
    pub until: Timestamp,
    /// Seconds of maintenance that the machine has had in the 30 days before `from`.
    pub used_seconds: u32,
}

impl Maintenance {
    /// Whether it is in force at `now`: begun, not over, announced early enough, and within the cap.
    #[must_use]
    pub fn in_force(&self, now: Timestamp, policy: &HealthPolicy) -> bool {
        let (now, from) = (now.get(), self.from.get());
        let noticed = self
            .announced
            .get()
            .saturating_add(u64::from(policy.maintenance_notice))
            <= from;
        let used = u64::from(self.used_seconds).saturating_add(now.saturating_sub(from));
        from <= now && now < self.until.get() && noticed && used < u64::from(policy.maintenance_cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> HealthPolicy {
        HealthPolicy {
            drain_seconds: 120,
            maintenance_notice: 3_600,
            maintenance_cap: 7_200,
            ..HealthPolicy::recommended()
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::new(seconds)
    }

    #[test]
    fn a_lease_that_just_ended_still_excuses_and_then_no_longer() {
        let state = LeaseState::EndedAt(at(1_000));
        assert!(state.in_use(at(1_119), &policy()));
        assert!(!state.in_use(at(1_120), &policy()));
    }

    #[test]
    fn maintenance_needs_notice() {
        let announced = |announced| Maintenance {
            announced: at(announced),
            from: at(10_000),
            until: at(11_000),
            used_seconds: 0,
        };
        assert!(announced(6_400).in_force(at(10_500), &policy()));
        assert!(!announced(6_401).in_force(at(10_500), &policy()));
    }

    #[test]
    fn maintenance_has_a_beginning_and_an_end() {
        let planned = Maintenance {
            announced: at(0),
            from: at(10_000),
            until: at(11_000),
            used_seconds: 0,
        };
        let in_force: Vec<bool> = [9_999, 10_000, 10_999, 11_000]
            .map(|now| planned.in_force(at(now), &policy()))
            .into();
        assert_eq!(in_force, [false, true, true, false]);
    }

    #[test]
    fn maintenance_ends_at_the_cap() {
        let long = Maintenance {
            announced: at(0),
            from: at(10_000),
            until: at(90_000),
            used_seconds: 7_000,
        };
        assert!(long.in_force(at(10_199), &policy()));
        assert!(!long.in_force(at(10_200), &policy()));
    }
}
