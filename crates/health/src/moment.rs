//! When a member probes: moments that nobody else can foresee, and that it cannot choose.

use quorate_canon::hash::{sha256, tag};
use quorate_canon::{Digest, FixedWidth as _, HealthEpoch, OperatorIndex};

use crate::draw::{numbers, scaled};
use crate::{HealthError, HealthPolicy, Network, Subject, Window};

/// What a member signs, once a health epoch, to draw its moments:
/// `SHA-256(tag("quorate/probes/v1") ‖ network 60 ‖ randomness 32 ‖ epoch u32 ‖ operator u32)`, as a
/// vote is signed. A BLS signature is unique, so the member has no choice, and until it is shown
/// nobody else knows.
#[must_use]
pub fn probe_message(
    network: &Network,
    randomness: &Digest,
    epoch: HealthEpoch,
    operator: OperatorIndex,
) -> Digest {
    sha256(&[
        &tag("quorate/probes/v1"),
        &network.to_bytes(),
        &randomness.0,
        &epoch.to_bytes(),
        &operator.to_bytes(),
    ])
}

/// The moment of an attempt: milliseconds from the beginning of its window.
///
/// A window of `length_ms` has `fails` slices of equal length; attempt `a` lies in slice `a`, so that
/// one short trouble does not make a row of FAILs, and early enough in it for the deadline to pass
/// before the slice ends. Within that span it lies where
/// `SHA-256(tag("quorate/moment/v1") ‖ signature 96 ‖ subject 9 ‖ window u16 ‖ a u8)` says: its first 8
/// bytes, times the span, divided by 2^64.
///
/// # Errors
/// If the policy has no such attempt. Where the deadline is longer than a slice, the span is empty
/// and the moment is the slice's beginning.
pub fn moment(
    signature: &[u8; 96],
    subject: Subject,
    window: Window,
    attempt: u8,
    length_ms: u64,
    policy: &HealthPolicy,
) -> Result<u64, HealthError> {
    if attempt >= policy.fails {
        return Err(HealthError::NoSuchAttempt {
            got: attempt,
            attempts: policy.fails,
        });
    }
    let slice = length_ms.checked_div(policy.fails.into()).unwrap_or(0);
    let span = slice.saturating_sub(policy.deadline_ms.into());
    let hash = sha256(&[
        &tag("quorate/moment/v1"),
        signature,
        &subject.to_bytes(),
        &window.to_bytes(),
        &[attempt],
    ]);
    let [first, _, _] = numbers(&hash);
    let within = scaled(first, span);
    Ok(slice.saturating_mul(attempt.into()).saturating_add(within))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quorate_canon::OfferId;

    const MACHINE: Subject = Subject::Machine(OfferId::new(4));

    fn at(signature: [u8; 96], window: u16, attempt: u8, length: u64) -> u64 {
        let policy = HealthPolicy::recommended();
        moment(
            &signature,
            MACHINE,
            Window(window),
            attempt,
            length,
            &policy,
        )
        .unwrap()
    }

    proptest! {
        #[test]
        fn each_attempt_has_its_slice_and_its_deadline(byte: u8, window: u16, length in 1_u64..10_000_000) {
            let policy = HealthPolicy::recommended();
            let slice = length / 3;
            for attempt in 0..policy.fails {
                let at = at([byte; 96], window, attempt, length);
                let (from, until) = (slice * u64::from(attempt), slice * (u64::from(attempt) + 1));
                prop_assert!(from <= at && at <= until);
                if slice > 10_000 {
                    prop_assert!(at + 10_000 <= until, "{at} leaves no time before {until}");
                }
            }
        }
    }

    #[test]
    fn moments_are_spread_over_the_slice() {
        let tenths: std::collections::BTreeSet<u64> = (0..200)
            .map(|window| at([7; 96], window, 0, 300_000) / 9_000)
            .collect();
        assert_eq!(tenths.len(), 10, "{tenths:?}");
    }

    #[test]
    fn another_member_comes_at_another_time() {
        let same = (0..50)
            .filter(|window| at([1; 96], *window, 0, 300_000) == at([2; 96], *window, 0, 300_000))
            .count();
        assert!(same < 3, "{same}");
    }

    #[test]
    fn there_are_no_more_attempts_than_the_policy_has() {
        let policy = HealthPolicy::recommended();
        assert_eq!(
            moment(&[0; 96], MACHINE, Window(0), 3, 1, &policy),
            Err(HealthError::NoSuchAttempt {
                got: 3,
                attempts: 3
            })
        );
    }
}
