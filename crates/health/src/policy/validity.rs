//! The rules that a health section keeps before it may take effect; the contract repeats them.

use quorate_canon::CodecError;
use thiserror::Error;

use super::HealthPolicy;

/// The fewest seats of a committee.
const MIN_SEATS: u16 = 31;
/// The most: what one transaction can still count.
const MAX_SEATS: u16 = 1_024;
/// The fewest FAILs before a DOWN: one may be a blip.
const MIN_FAILS: u8 = 2;
/// The most: each has a slice of the window to itself.
const MAX_FAILS: u8 = 16;
/// The shortest deadline, milliseconds: half the way round the world and back, twice.
const MIN_DEADLINE: u16 = 1_000;

/// The most windows of a health epoch: one bit each.
const MAX_WINDOWS: u16 = 256;
/// 30 days: pay and stake wait for lists and receipts, so neither may wait for ever.
const MAX_WAIT: u32 = 30 * 86_400;

/// Why a health section is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// The section does not decode.
    #[error(transparent)]
    Section(#[from] CodecError),
    /// A number lies outside its range.
    #[error("{parameter}: got {got}, expected {least} to {most}")]
    Range {
        /// The parameter's name in the format.
        parameter: &'static str,
        /// What it is.
        got: u64,
        /// The least it may be.
        least: u64,
        /// The most it may be.
        most: u64,
    },
    /// Two masks lay the same XID to different causes.
    #[error("xid {xid} stands in more than one mask")]
    TwoCauses {
        /// The lowest such number.
        xid: u8,
    },
}

impl HealthPolicy {
    /// Whether the section keeps the rules of the format.
    ///
    /// # Errors
    /// Names the first rule that it breaks.
    pub fn validate(&self) -> Result<(), PolicyError> {
        within("windows", self.windows, 1_u16, MAX_WINDOWS)?;
        within("seats", self.seats, MIN_SEATS, MAX_SEATS)?;
        within("deadline_ms", self.deadline_ms, MIN_DEADLINE, u16::MAX)?;
        within("fails", self.fails, MIN_FAILS, MAX_FAILS)?;
        within("slash_windows", self.slash_windows, 1_u16, u16::MAX)?;
        within("appeal_seconds", self.appeal_seconds, 1_u32, MAX_WAIT)?;
        within("certify_seconds", self.certify_seconds, 1_u32, MAX_WAIT)?;
        within("uptime_memory", self.uptime_memory, 1_u16, u16::MAX)?;
        let memory = self.reputation_memory.get();
        within("reputation_memory", memory, 1_u64, u64::MAX)?;
        self.check_masks()
    }

    fn check_masks(&self) -> Result<(), PolicyError> {
        let twice = (0..=u8::MAX).find(|xid| {
            let masks = [self.xid_hardware, self.xid_application, self.xid_ignored];
            masks.iter().filter(|mask| mask.bit(*xid)).count() > 1
        });
        match twice {
            Some(xid) => Err(PolicyError::TwoCauses { xid }),
            None => Ok(()),
        }
    }
}

fn within<T: Copy + PartialOrd + Into<u64>>(
    parameter: &'static str,
    got: T,
    least: T,
    most: T,
) -> Result<(), PolicyError> {
    if least <= got && got <= most {
        return Ok(());
    }
    Err(PolicyError::Range {
        parameter,
        got: got.into(),
        least: least.into(),
        most: most.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quorate_canon::{Amount, FixedWidth as _};

    #[test]
    fn the_recommended_section_is_valid_and_refuses_simulated_cards() {
        let policy = HealthPolicy::recommended();
        assert_eq!(policy.validate(), Ok(()));
        assert!(!policy.simulated_allowed);
        assert_eq!(HealthPolicy::from_section(&policy.to_bytes()), Ok(policy));
    }

    #[test]
    fn the_devnets_section_is_valid_and_lets_simulated_cards_pass() {
        let policy = HealthPolicy::devnet();
        assert_eq!(policy.validate(), Ok(()));
        assert!(policy.simulated_allowed);
        assert_eq!(HealthPolicy::from_section(&policy.to_bytes()), Ok(policy));
    }

    #[test]
    fn each_range_is_kept() {
        let range = |change: fn(&mut HealthPolicy)| {
            let mut policy = HealthPolicy::recommended();
            change(&mut policy);
            match policy.validate() {
                Err(PolicyError::Range { parameter, .. }) => parameter,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(range(|policy| policy.windows = 0), "windows");
        assert_eq!(range(|policy| policy.windows = 257), "windows");
        assert_eq!(range(|policy| policy.seats = 30), "seats");
        assert_eq!(range(|policy| policy.seats = 1_025), "seats");
        assert_eq!(range(|policy| policy.deadline_ms = 999), "deadline_ms");
        assert_eq!(range(|policy| policy.fails = 1), "fails");
        assert_eq!(range(|policy| policy.fails = 17), "fails");
        assert_eq!(range(|policy| policy.slash_windows = 0), "slash_windows");
        assert_eq!(range(|policy| policy.appeal_seconds = 0), "appeal_seconds");
        assert_eq!(
            range(|policy| policy.certify_seconds = 0),
            "certify_seconds"
        );
        assert_eq!(
            range(|policy| policy.appeal_seconds = 2_592_001),
            "appeal_seconds"
        );
        assert_eq!(
            range(|policy| policy.certify_seconds = 2_592_001),
            "certify_seconds"
        );
        assert_eq!(range(|policy| policy.uptime_memory = 0), "uptime_memory");
        assert_eq!(
            range(|policy| policy.reputation_memory = Amount::new(0)),
            "reputation_memory"
        );
    }

    #[test]
    fn an_xid_has_one_cause() {
        let mut policy = HealthPolicy::recommended();
        policy.xid_application = policy.xid_application.with(79);
        assert_eq!(policy.validate(), Err(PolicyError::TwoCauses { xid: 79 }));
    }

    proptest! {
        #[test]
        fn a_section_has_one_encoding(bytes in proptest::collection::vec(any::<u8>(), 256)) {
            let mut bytes = bytes;
            bytes[7] &= 3;
            bytes[28..30].fill(0);
            bytes[30] &= 0x1f;
            bytes[138] &= 0x1f;
            bytes[142] &= 0x1f;
            bytes[162] &= 0x1f;
            bytes[184..].fill(0);
            let policy = HealthPolicy::from_bytes(&bytes).unwrap();
            prop_assert_eq!(policy.to_bytes(), bytes);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = HealthPolicy::from_section(&bytes);
        }
    }
}
