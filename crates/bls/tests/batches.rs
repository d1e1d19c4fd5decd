//! Many signatures on one message: what each of the three questions proves, and who is named.

mod support;

use proptest::prelude::*;
use quorate_bls::{
    BatchError, Domain, PublicKey, Signature, SignaturePoint, aggregate, aggregate_keys, verify,
    verify_each, verify_same_message, verify_sum,
};
use support::{g1_outside_subgroup, negated, negative, secret, sum, votes};

const MESSAGE: &[u8] = b"digest";

fn points(votes: &[(PublicKey, Signature)]) -> Vec<SignaturePoint> {
    votes
        .iter()
        .map(|(_, signature)| (*signature).into())
        .collect()
}

fn total(votes: &[(PublicKey, Signature)]) -> PublicKey {
    aggregate_keys(&votes.iter().map(|(key, _)| *key).collect::<Vec<_>>()).unwrap()
}

/// Replaces signatures by real ones over another message.
fn forge(votes: &mut [(PublicKey, Signature)], places: &[usize]) {
    for place in places {
        let secret = secret(u32::try_from(*place).unwrap());
        votes[*place].1 = secret.sign(Domain::Vote, b"another digest");
    }
}

#[test]
fn good_votes_pass_all_three_questions() {
    let votes = votes(40, MESSAGE);
    let signatures: Vec<_> = votes.iter().map(|(_, signature)| *signature).collect();
    let sum = aggregate(&signatures).unwrap();
    assert_eq!(
        verify_sum(Domain::Vote, MESSAGE, &total(&votes), &points(&votes)),
        Some(sum)
    );
    assert_eq!(verify_same_message(Domain::Vote, MESSAGE, &votes), Ok(sum));
    assert_eq!(verify_each(Domain::Vote, MESSAGE, &votes), Ok(()));
    assert!(verify(Domain::Vote, &total(&votes), MESSAGE, &sum));
}

#[test]
fn an_empty_batch_is_refused() {
    assert_eq!(
        verify_same_message(Domain::Vote, MESSAGE, &[]),
        Err(BatchError::Empty)
    );
    assert_eq!(
        verify_each(Domain::Vote, MESSAGE, &[]),
        Err(BatchError::Empty)
    );
    let key = secret(1).public_key();
    assert_eq!(verify_sum(Domain::Vote, MESSAGE, &key, &[]), None);
}

#[test]
fn a_single_forger_is_named_wherever_it_stands() {
    let good = votes(130, MESSAGE);
    for place in [0, 1, 64, 127, 128, 129] {
        let mut votes = good.clone();
        forge(&mut votes, &[place]);
        let expected = BatchError::Forged(vec![place]);
        let named = verify_same_message(Domain::Vote, MESSAGE, &votes);
        assert_eq!(named, Err(expected), "forger at {place}");
    }
}

#[test]
fn a_batch_of_nothing_but_forgeries_is_named_whole() {
    let mut votes = votes(9, MESSAGE);
    forge(&mut votes, &[0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let expected = BatchError::Forged((0..9).collect());
    assert_eq!(
        verify_same_message(Domain::Vote, MESSAGE, &votes),
        Err(expected.clone())
    );
    assert_eq!(verify_each(Domain::Vote, MESSAGE, &votes), Err(expected));
}

/// Two forgers move the same point from one signature to the other: the sum does not change.
fn cancelling() -> Vec<(PublicKey, Signature)> {
    let mut votes = votes(20, MESSAGE);
    let moved = secret(99).sign(Domain::Vote, b"whatever");
    votes[3].1 = aggregate(&[votes[3].1, moved]).unwrap();
    votes[11].1 = aggregate(&[votes[11].1, negative(&moved)]).unwrap();
    votes
}

#[test]
fn forgeries_that_cancel_pass_the_sum() {
    let votes = cancelling();
    assert!(verify_sum(Domain::Vote, MESSAGE, &total(&votes), &points(&votes)).is_some());
    assert!(verify_same_message(Domain::Vote, MESSAGE, &votes).is_ok());
}

#[test]
fn forgeries_that_cancel_are_named_by_random_weights() {
    let expected = BatchError::Forged(vec![3, 11]);
    assert_eq!(
        verify_each(Domain::Vote, MESSAGE, &cancelling()),
        Err(expected)
    );
}

#[test]
fn forgeries_that_cancel_are_named_beside_one_that_does_not() {
    let mut votes = cancelling();
    forge(&mut votes, &[7]);
    let expected = BatchError::Forged(vec![3, 7, 11]);
    assert_eq!(verify_each(Domain::Vote, MESSAGE, &votes), Err(expected));
    let named = verify_same_message(Domain::Vote, MESSAGE, &votes);
    assert!(matches!(named, Err(BatchError::Forged(named)) if named.contains(&7)));
}

/// Forgers at 2 and 6 whose defects are `2 D` and `2 D`: the weighted sum is that of one forger at
/// place 4, who is honest.
#[test]
fn forgers_cannot_point_at_an_honest_third() {
    let mut votes = votes(20, MESSAGE);
    let defect = secret(99).sign(Domain::Vote, b"whatever");
    for place in [2, 6] {
        votes[place].1 = aggregate(&[votes[place].1, defect]).unwrap();
    }
    let expected = BatchError::Forged(vec![2, 6]);
    assert_eq!(
        verify_same_message(Domain::Vote, MESSAGE, &votes),
        Err(expected.clone())
    );
    assert_eq!(verify_each(Domain::Vote, MESSAGE, &votes), Err(expected));
}

#[test]
fn exchanged_signatures_are_named_both_by_random_weights() {
    let mut votes = votes(10, MESSAGE);
    let first = votes[2].1;
    votes[2].1 = votes[5].1;
    votes[5].1 = first;
    assert!(verify_same_message(Domain::Vote, MESSAGE, &votes).is_ok());
    let expected = BatchError::Forged(vec![2, 5]);
    assert_eq!(verify_each(Domain::Vote, MESSAGE, &votes), Err(expected));
}

#[test]
fn a_vote_doubled_verifies_under_its_key_doubled_and_not_under_it_once() {
    let mut votes = votes(4, MESSAGE);
    votes.push(votes[0]);
    assert_eq!(verify_each(Domain::Vote, MESSAGE, &votes), Ok(()));
    let once = total(&votes[..4]);
    assert_eq!(
        verify_sum(Domain::Vote, MESSAGE, &once, &points(&votes)),
        None
    );
}

#[test]
fn votes_of_a_key_and_its_negative_have_no_aggregate() {
    let secrets = [secret(1), negated(&secret(1))];
    let votes = secrets.map(|secret| (secret.public_key(), secret.sign(Domain::Vote, MESSAGE)));
    assert_eq!(
        verify_same_message(Domain::Vote, MESSAGE, &votes),
        Err(BatchError::Cancelled)
    );
    assert_eq!(verify_each(Domain::Vote, MESSAGE, &votes), Ok(()));
}

/// Eleven points of order 11 cancel: what is left is a good aggregate, whatever came in.
#[test]
fn the_subgroup_is_checked_on_the_sum_alone() {
    let votes = votes(5, MESSAGE);
    let stray = SignaturePoint::from_bytes96(&g1_outside_subgroup()).unwrap();
    let mut points = points(&votes);
    points.push(stray);
    assert_eq!(
        verify_sum(Domain::Vote, MESSAGE, &total(&votes), &points),
        None
    );
    points.extend([stray; 10]);
    assert!(verify_sum(Domain::Vote, MESSAGE, &total(&votes), &points).is_some());
}

#[test]
fn a_sum_under_too_few_or_too_many_keys_is_refused() {
    let votes = votes(6, MESSAGE);
    let points = points(&votes);
    assert_eq!(
        verify_sum(Domain::Vote, MESSAGE, &total(&votes[1..]), &points),
        None
    );
    assert_eq!(
        verify_sum(Domain::Vote, MESSAGE, &total(&votes), &points[1..]),
        None
    );
}

#[test]
fn the_sum_of_secrets_signs_like_the_sum_of_votes() {
    let both = sum(&secret(0), &secret(1));
    let votes = votes(2, MESSAGE);
    let expected = both.sign(Domain::Vote, MESSAGE);
    assert_eq!(
        verify_same_message(Domain::Vote, MESSAGE, &votes),
        Ok(expected)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whoever forges, and whoever forges on top with the others' points, is named, and nobody else.
    #[test]
    fn exactly_the_forgers_are_named(
        count in 1usize..300,
        picks in proptest::collection::btree_set(0usize..300, 0..12),
    ) {
        let places: Vec<usize> = picks.into_iter().filter(|place| *place < count).collect();
        let mut votes = votes(u32::try_from(count).unwrap(), MESSAGE);
        forge(&mut votes, &places);
        let expected = if places.is_empty() { Ok(()) } else { Err(BatchError::Forged(places)) };
        prop_assert_eq!(verify_same_message(Domain::Vote, MESSAGE, &votes).map(drop), expected.clone());
        prop_assert_eq!(verify_each(Domain::Vote, MESSAGE, &votes), expected);
    }
}
