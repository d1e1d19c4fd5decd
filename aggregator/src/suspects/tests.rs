//! What forgers can and cannot do to others.

use proptest::prelude::*;

use super::*;

const ROUND: u64 = 7;
/// After that nothing of the allowance is out.
const QUIET: Duration = Duration::from_secs(10);

fn from(address: u32, operator: u32) -> Sender<u64> {
    Sender {
        span: ROUND,
        source: Some(IpAddr::from(address.to_be_bytes())),
        operator: OperatorIndex::new(operator),
    }
}

/// Sends one bad signature, if it is looked at.
fn forge(suspects: &mut Suspects<u64>, who: Sender<u64>, now: Instant) -> Result<(), Refused> {
    let ticket = suspects.claim(who, 1, now)?;
    suspects.bad(who, ticket);
    Ok(())
}

/// Sends one good signature.
fn prove(suspects: &mut Suspects<u64>, who: Sender<u64>, now: Instant) {
    let ticket = suspects.claim(who, 1, now).unwrap();
    suspects.good(who, ticket, now);
}

#[test]
fn the_17th_bad_signature_of_a_sender_is_not_looked_at_and_others_are() {
    let (mut suspects, now) = (Suspects::new(FAILURES), Instant::now());
    for _ in 0..FAILURES {
        forge(&mut suspects, from(1, 0), now).unwrap();
    }
    let refused = forge(&mut suspects, from(1, 0), now + QUIET);
    assert_eq!(refused, Err(Refused::CutOff(FAILURES)));
    assert!(suspects.is_cut_off(&from(1, 0)));
    for other in [
        from(2, 0),
        from(1, 1),
        Sender {
            span: 8,
            ..from(1, 0)
        },
    ] {
        assert!(suspects.claim(other, 1, now).is_ok(), "{other:?}");
    }
}

#[test]
fn forgetting_a_span_forgets_its_failures_and_no_others() {
    let (mut suspects, now) = (Suspects::new(1), Instant::now());
    let next = Sender {
        span: ROUND + 1,
        ..from(1, 0)
    };
    for who in [from(1, 0), next] {
        forge(&mut suspects, who, now).unwrap();
    }
    suspects.forget_before(ROUND + 1);
    assert!(!suspects.is_cut_off(&from(1, 0)));
    assert!(suspects.is_cut_off(&next));
    assert_eq!((suspects.failures.len(), suspects.ranks.len()), (1, 1));
}

#[test]
fn who_sent_a_good_signature_is_never_cut_off_but_comes_after_others() {
    let (mut suspects, now) = (Suspects::new(FAILURES), Instant::now());
    prove(&mut suspects, from(1, 0), now);
    for _ in 0..FAILURES + 5 {
        forge(&mut suspects, from(1, 0), now).unwrap();
    }
    assert!(!suspects.is_cut_off(&from(1, 0)));
    // Half of the allowance is not for those who failed.
    let half = BURST / 2;
    let ticket = suspects.claim(from(2, 0), half, now).unwrap();
    suspects.bad(from(2, 0), ticket);
    assert!(matches!(
        suspects.claim(from(1, 0), 1, now),
        Err(Refused::Busy)
    ));
    assert!(suspects.claim(from(3, 0), 1, now).is_ok());
}

#[test]
fn a_known_sender_is_not_kept_waiting_by_strangers() {
    let (mut suspects, now) = (Suspects::new(FAILURES), Instant::now());
    prove(&mut suspects, from(1, 0), now);
    for address in 100..100 + 2 * BURST {
        let _ = forge(&mut suspects, from(address, 0), now);
    }
    assert_eq!(forge(&mut suspects, from(99, 0), now), Err(Refused::Busy));
    prove(&mut suspects, from(1, 0), now);
}

#[test]
fn strangers_are_checked_at_a_bounded_rate() {
    let (mut suspects, begin) = (Suspects::new(FAILURES), Instant::now());
    let mut checked = 0;
    for address in 0..100_000 {
        let now = begin + Duration::from_micros(u64::from(address) * 100);
        checked += u32::from(forge(&mut suspects, from(address, 0), now).is_ok());
    }
    // Ten seconds.
    let share = u32::try_from(QUIET.as_millis() / CHECK.as_millis()).unwrap();
    assert!((share..=share + BURST).contains(&checked), "{checked}");
}

#[test]
fn what_turns_out_to_be_good_or_is_taken_back_costs_nothing() {
    let (mut suspects, now) = (Suspects::new(FAILURES), Instant::now());
    for address in 0..3 * BURST {
        let who = from(address, address);
        let ticket = suspects.claim(who, 1, now).unwrap();
        match address % 2 {
            0 => suspects.good(who, ticket, now),
            _ => suspects.withdraw(who, ticket, now),
        }
    }
    assert!(suspects.checking.is_empty());
    assert!(suspects.failures.is_empty());
}

#[test]
fn a_flood_that_comes_at_once_is_told_to_come_again_and_not_for_good() {
    let (mut suspects, now) = (Suspects::new(FAILURES), Instant::now());
    let tickets: Vec<_> = (0..FAILURES)
        .map(|_| suspects.claim(from(1, 0), 1, now).unwrap())
        .collect();
    assert!(matches!(
        suspects.claim(from(1, 0), 1, now),
        Err(Refused::Busy)
    ));
    for ticket in tickets {
        suspects.withdraw(from(1, 0), ticket, now);
    }
    assert!(suspects.claim(from(1, 0), 1, now).is_ok());
}

#[test]
fn who_failed_least_is_forgotten_first_and_then_who_failed_longest_ago() {
    let mut suspects = Suspects::with_room(FAILURES, 3);
    let now = Instant::now();
    for who in [from(1, 0), from(1, 0), from(2, 0), from(3, 0), from(4, 0)] {
        forge(&mut suspects, who, now).unwrap();
    }
    let kept: Vec<_> = suspects.failures.keys().copied().collect();
    assert_eq!(kept, [from(1, 0), from(3, 0), from(4, 0)]);
}

#[test]
fn few_addresses_of_an_operator_are_known_and_the_latest_stay() {
    let (mut suspects, now) = (Suspects::new(1), Instant::now());
    let addresses = u32::try_from(KNOWN).unwrap() + 1;
    for address in (0..addresses).chain([1]) {
        prove(&mut suspects, from(address, 0), now);
    }
    assert!(!suspects.knows(&from(0, 0)));
    assert!((1..addresses).all(|address| suspects.knows(&from(address, 0))));
    prove(&mut suspects, from(9, 0), now);
    assert!(suspects.knows(&from(1, 0)), "it was the latest but one");
    assert!(!suspects.knows(&from(2, 0)));
}

/// What forgers do: some addresses, one after the other, so often in an operator's name; then a pause.
fn forgeries() -> impl Strategy<Value = (u32, u32, u32, u32, u64)> {
    (0u32..5_000, 1u32..400, 0u32..3, 1u32..40, 0u64..3_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_forgeries_make_a_fresh_address_be_refused_for_good(
        attack in proptest::collection::vec(forgeries(), 1..30),
    ) {
        // Little room, so that it overflows.
        let mut suspects = Suspects::with_room(FAILURES, 64);
        let mut now = Instant::now();
        for (first, addresses, operator, times, pause) in attack {
            for address in first..first + addresses {
                for _ in 0..times {
                    let _ = forge(&mut suspects, from(address, operator), now);
                }
                now += Duration::from_millis(pause / u64::from(addresses));
            }
            prop_assert!(suspects.failures.len() <= 64);
            prop_assert_eq!(suspects.failures.len(), suspects.ranks.len());
            prop_assert!(suspects.checking.is_empty());
            for operator in 0..3 {
                let fresh = from(u32::MAX - operator, operator);
                prop_assert!(!suspects.is_cut_off(&fresh));
                match suspects.claim(fresh, 1, now) {
                    Ok(ticket) => suspects.withdraw(fresh, ticket, now),
                    Err(refused) => {
                        prop_assert_eq!(refused, Refused::Busy);
                        // Only while the allowance is used up.
                        let debt = suspects.allowance.debt(now);
                        prop_assert!(debt + CHECK > CHECK * BURST);
                    }
                }
                let before = suspects.allowance;
                let ticket = suspects.claim(fresh, 1, now + QUIET);
                prop_assert!(ticket.is_ok(), "{:?}", ticket);
                suspects.withdraw(fresh, ticket.unwrap(), now + QUIET);
                suspects.allowance = before;
            }
        }
    }
}
