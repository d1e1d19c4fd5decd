//! Single signatures of one message as one. A bad one among them is named and left out.

use std::collections::{BTreeMap, BTreeSet};

use quorate_bls::{self as bls, BatchError, PublicKey, Signature};
use quorate_canon::{Digest, OperatorIndex};
use quorate_protocol::{Bitmap, StakeTable};

use crate::chain::Signed;

/// What became of signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    /// The signers and their sum; none if nobody is left.
    pub(super) signed: Option<Signed>,
    /// Who is in it.
    pub(super) signers: BTreeSet<OperatorIndex>,
    /// Whose signatures are not theirs.
    pub(super) bad: Vec<OperatorIndex>,
}

/// Adds up single signatures over `digest`, and `base`, a verified sum of others: whoever is in it
/// is not taken a second time, and whoever has no stake not at all.
pub(super) fn sum(
    digest: Digest,
    table: &StakeTable,
    base: Option<(BTreeSet<OperatorIndex>, Signature)>,
    singles: &BTreeMap<OperatorIndex, Signature>,
) -> Sum {
    let (mut signers, mut parts) = match base {
        Some((signers, sum)) => (signers, vec![sum]),
        None => (BTreeSet::new(), Vec::new()),
    };
    let votes: Vec<(OperatorIndex, (PublicKey, Signature))> = singles
        .iter()
        .filter(|(operator, _)| !signers.contains(operator))
        .filter_map(|(operator, signature)| {
            let (key, _) = table.signer(*operator).ok()?;
            Some((*operator, (*key, *signature)))
        })
        .collect();
    let bad = forged(digest, &votes);
    for (operator, (_, signature)) in &votes {
        if !bad.contains(operator) {
            signers.insert(*operator);
            parts.push(*signature);
        }
    }
    let mut bitmap = Bitmap::empty(table.count());
    // A signer beyond the table cannot be: the certificate was verified by it.
    let fits = signers.iter().all(|signer| bitmap.insert(*signer).is_ok());
    let aggregate = bls::aggregate(&parts).filter(|_| fits);
    Sum {
        signed: aggregate.map(|aggregate| Signed {
            bitmap: bitmap.to_bytes(),
            aggregate: aggregate.to_eip2537().to_vec(),
        }),
        signers,
        bad,
    }
}

/// Whose signature is bad: one check of all, and only if that fails a search.
fn forged(digest: Digest, votes: &[(OperatorIndex, (PublicKey, Signature))]) -> Vec<OperatorIndex> {
    let batch: Vec<_> = votes.iter().map(|(_, vote)| *vote).collect();
    match bls::verify_same_message(bls::Domain::Vote, &digest.get(), &batch) {
        Ok(_) | Err(BatchError::Empty | BatchError::Cancelled) => Vec::new(),
        Err(BatchError::Forged(places)) => places
            .iter()
            .filter_map(|place| votes.get(*place).map(|(operator, _)| *operator))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use quorate_bls::Domain as Purpose;

    use super::*;
    use crate::testing::World;

    const MESSAGE: Digest = Digest([5; 32]);

    fn sign(world: &World, operators: &[u32]) -> BTreeMap<OperatorIndex, Signature> {
        let sign = |operator: &u32| {
            let key = &world.keys[*operator as usize];
            let signature = key.sign(Purpose::Vote, &MESSAGE.0);
            (OperatorIndex::new(*operator), signature)
        };
        operators.iter().map(sign).collect()
    }

    fn holds(world: &World, sum: &Sum) -> bool {
        let signed = sum.signed.as_ref().unwrap();
        let bitmap = Bitmap::from_bytes(&signed.bitmap, world.table.count()).unwrap();
        let key = world.table.signers_key(&bitmap).unwrap();
        let aggregate = signed.aggregate.as_slice().try_into().unwrap();
        let aggregate = Signature::from_eip2537(aggregate).unwrap();
        bls::verify(Purpose::Vote, &key, &MESSAGE.0, &aggregate)
    }

    fn indices(sum: &Sum) -> Vec<u32> {
        sum.signers.iter().map(|signer| signer.get()).collect()
    }

    #[test]
    fn a_bad_signature_is_named_and_does_not_spoil_the_sum() {
        let world = World::new(&[1, 1, 1, 1]);
        let mut singles = sign(&world, &[0, 1, 2]);
        let other = sign(&world, &[3]).into_values().next().unwrap();
        singles.insert(OperatorIndex::new(1), other);
        let sum = sum(MESSAGE, &world.table, None, &singles);
        assert_eq!(sum.bad, [OperatorIndex::new(1)]);
        assert_eq!(indices(&sum), [0, 2]);
        assert!(holds(&world, &sum));
    }

    #[test]
    fn nobody_is_added_twice() {
        let world = World::new(&[1, 1, 1]);
        let certified = sign(&world, &[0, 1]);
        let base: Vec<_> = certified.values().copied().collect();
        let base = (
            certified.keys().copied().collect(),
            bls::aggregate(&base).unwrap(),
        );
        let singles = sign(&world, &[1, 2]);
        let sum = sum(MESSAGE, &world.table, Some(base), &singles);
        assert_eq!(indices(&sum), [0, 1, 2]);
        assert!(holds(&world, &sum));
    }

    #[test]
    fn whoever_has_no_stake_is_left_out() {
        let world = World::new(&[1, 0]);
        let sum = sum(MESSAGE, &world.table, None, &sign(&world, &[0, 1]));
        assert_eq!((indices(&sum), sum.bad.len()), (vec![0], 0));
    }

    #[test]
    fn of_nobody_there_is_no_sum() {
        let world = World::new(&[1]);
        let sum = sum(MESSAGE, &world.table, None, &BTreeMap::new());
        assert_eq!(sum.signed, None);
    }
}
