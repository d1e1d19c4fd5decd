//! What shows operators' work: who signed which header, and receipts that were handed in.

use std::collections::BTreeMap;

use quorate_bls::Signature;
use quorate_canon::{Epoch, HealthEpoch, OperatorIndex, Round};
use quorate_protocol::{Unverified, Vote};
use quorate_store::{StoreError, sqlite::Transaction};

use super::{CURSORS, DOWNS, HeaderId, LISTS, PROPOSED, RECEIPTS, SIGNERS, Store, VOTES};

/// The cursor of signers that were forgotten: the first round that is kept.
const SIGNERS_DROPPED: &[u8] = b"signers";
/// The cursor of lists that were forgotten: the first health epoch that is kept.
const DOWNS_DROPPED: &[u8] = b"downs";
/// The first health epoch whose lists are needed for more than for showing work.
const DOWNS_RELEASED: &[u8] = b"downs released";
/// Bytes of a signer: its index and its signature.
const SIGNER: usize = 4 + 96;

/// Signatures as they are stored: verified before they came here.
type Raw = BTreeMap<OperatorIndex, [u8; 96]>;

impl Store {
    /// As [`Store::drop_rounds`], but keeps who signed which header.
    pub fn retire_rounds(&self, rounds: &[Round]) -> Result<(), StoreError> {
        self.database.transact(|transaction| {
            for round in rounds {
                let prefix = round.get().to_be_bytes();
                let votes = transaction.scan(VOTES, &prefix)?;
                retire(transaction, votes)?;
                for key in transaction.keys(LISTS, &prefix)? {
                    transaction.delete(LISTS, &key)?;
                }
            }
            Ok(())
        })
    }

    /// As [`Store::drop_before`], but keeps who signed which header.
    pub fn retire_before(&self, first: Round) -> Result<(), StoreError> {
        let first = first.get().to_be_bytes();
        self.database.transact(|transaction| {
            let mut votes = transaction.scan(VOTES, &[])?;
            votes.retain(|(key, _)| key.as_slice() < first.as_slice());
            retire(transaction, votes)?;
            for key in transaction.keys(LISTS, &[])? {
                if key.as_slice() < first.as_slice() {
                    transaction.delete(LISTS, &key)?;
                }
            }
            Ok(())
        })
    }

    /// Who has signed a header, of a round under way or not, as far as it is known here. A signature
    /// that does not read is left out.
    pub fn signatures(
        &self,
        header: HeaderId,
    ) -> Result<BTreeMap<OperatorIndex, Signature>, StoreError> {
        let found: Result<Raw, StoreError> = self.database.transact(|transaction| {
            let mut signers = read_signers(transaction, header)?;
            for (_, payload) in transaction.scan(VOTES, &header.round.get().to_be_bytes())? {
                if let Ok(vote) = Vote::<Unverified>::from_bytes(&payload)
                    && vote.digest() == header.digest
                {
                    signers.insert(vote.operator(), vote.signature().to_bytes96());
                }
            }
            Ok(signers)
        });
        Ok(found?
            .into_iter()
            .filter_map(|(operator, bytes)| Some((operator, Signature::from_bytes96(&bytes).ok()?)))
            .collect())
    }

    /// Stores receipts of an operator, by the number of their sample, durably.
    pub fn put_receipts(
        &self,
        epoch: Epoch,
        operator: OperatorIndex,
        receipts: &[(u16, Signature)],
    ) -> Result<(), StoreError> {
        self.database.transact(|transaction| {
            for (sample, signature) in receipts {
                let mut key = epoch.get().to_be_bytes().to_vec();
                key.extend(sample.to_be_bytes());
                key.extend(operator.get().to_be_bytes());
                transaction.put(RECEIPTS, &key, &signature.to_bytes96())?;
            }
            Ok(())
        })
    }

    /// The receipts of a stake epoch's samples. One that does not read is left out: the operator
    /// hands it in again.
    pub fn receipts(
        &self,
        epoch: Epoch,
    ) -> Result<Vec<(u16, OperatorIndex, Signature)>, StoreError> {
        let rows = self
            .database
            .transact(|transaction| transaction.scan(RECEIPTS, &epoch.get().to_be_bytes()))?;
        Ok(rows.iter().filter_map(read_receipt).collect())
    }

    /// Forgets proposals of health epochs before this one. Operators' lists of those epochs stay until
    /// their work is shown, and not longer; those of later epochs stay at any rate.
    pub fn release_downs_before(&self, epoch: HealthEpoch) -> Result<(), StoreError> {
        let first = epoch.get().to_be_bytes();
        self.database.transact(|transaction| {
            transaction.put(CURSORS, DOWNS_RELEASED, &first)?;
            drop_below(transaction, PROPOSED, &first)
        })
    }

    /// The first health epoch whose lists receipts may still be taken against.
    fn released(&self) -> Result<u64, StoreError> {
        let payload = self
            .database
            .transact(|transaction| transaction.get(CURSORS, DOWNS_RELEASED))?;
        let first = payload.and_then(|payload| payload.try_into().ok());
        Ok(first.map_or(0, |first| u32::from_be_bytes(first).into()))
    }

    /// Forgets what showed the work of stake epochs before `epoch`, whose first round and first
    /// health epoch these are. In pieces, each its own transaction: a day of rounds would fill the
    /// memory, and votes would wait.
    pub fn drop_work_before(
        &self,
        epoch: Epoch,
        first: Round,
        health: HealthEpoch,
    ) -> Result<(), StoreError> {
        self.database.transact(|transaction| {
            drop_below(transaction, RECEIPTS, &epoch.get().to_be_bytes())
        })?;
        self.drop_up_to(SIGNERS_DROPPED, first.get(), |transaction, from, end| {
            // Rounds whose numbers differ in the last byte only stand together.
            let prefix = from.to_be_bytes();
            let prefix = prefix.get(..7).unwrap_or_default();
            for key in transaction.keys(SIGNERS, prefix)? {
                if HeaderId::read(&key).is_none_or(|header| header.round.get() < end) {
                    transaction.delete(SIGNERS, &key)?;
                }
            }
            Ok(())
        })?;
        self.drop_up_to(
            DOWNS_DROPPED,
            u64::from(health.get()).min(self.released()?),
            |transaction, from, end| {
                for epoch in from..end {
                    let prefix = u32::try_from(epoch).unwrap_or(u32::MAX).to_be_bytes();
                    for key in transaction.keys(DOWNS, &prefix)? {
                        transaction.delete(DOWNS, &key)?;
                    }
                }
                Ok(())
            },
        )
    }

    /// Has numbers up to `until` dropped, from where it was left, at most 256 of one prefix at a time.
    fn drop_up_to(
        &self,
        cursor: &[u8],
        until: u64,
        mut piece: impl FnMut(&Transaction<'_>, u64, u64) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        loop {
            let done = self.database.transact(|transaction| {
                let bytes = transaction.get(CURSORS, cursor)?;
                let from = bytes.and_then(|bytes| bytes.try_into().ok());
                let from = from.map_or(0, u64::from_be_bytes);
                if from >= until {
                    return Ok(true);
                }
                let end = (from | 0xff).saturating_add(1).min(until);
                piece(transaction, from, end)?;
                transaction.put(CURSORS, cursor, &end.to_be_bytes())?;
                Ok::<_, StoreError>(false)
            })?;
            if done {
                return Ok(());
            }
        }
    }
}

/// Deletes records whose keys begin with a lower number of this width.
fn drop_below(
    transaction: &Transaction<'_>,
    table: quorate_store::Table,
    first: &[u8],
) -> Result<(), StoreError> {
    for key in transaction.keys(table, &[])? {
        if key.get(..first.len()).is_some_and(|number| number < first) {
            transaction.delete(table, &key)?;
        }
    }
    Ok(())
}

/// Puts votes among the signers of their headers and deletes them. A vote that does not read is
/// deleted: nobody could show it.
fn retire(transaction: &Transaction<'_>, votes: Vec<(Vec<u8>, Vec<u8>)>) -> Result<(), StoreError> {
    let mut found: BTreeMap<HeaderId, Raw> = BTreeMap::new();
    for (key, payload) in votes {
        if let Ok(vote) = Vote::<Unverified>::from_bytes(&payload) {
            let header = HeaderId {
                round: vote.header().round,
                digest: vote.digest(),
            };
            let signature = vote.signature().to_bytes96();
            let signers = found.entry(header).or_default();
            signers.insert(vote.operator(), signature);
        }
        transaction.delete(VOTES, &key)?;
    }
    for (header, signers) in found {
        let mut all = read_signers(transaction, header)?;
        all.extend(signers);
        let mut payload = Vec::with_capacity(all.len().saturating_mul(SIGNER));
        for (operator, signature) in all {
            payload.extend(operator.get().to_be_bytes());
            payload.extend(signature);
        }
        transaction.put(SIGNERS, &header.key(), &payload)?;
    }
    Ok(())
}

fn read_signers(transaction: &Transaction<'_>, header: HeaderId) -> Result<Raw, StoreError> {
    let payload = transaction.get(SIGNERS, &header.key())?;
    let signer = |bytes: &[u8]| {
        let (operator, signature) = bytes.split_first_chunk::<4>()?;
        let operator = OperatorIndex::new(u32::from_be_bytes(*operator));
        Some((operator, signature.try_into().ok()?))
    };
    let payload = payload.unwrap_or_default();
    Ok(payload.chunks_exact(SIGNER).filter_map(signer).collect())
}

fn read_receipt((key, payload): &(Vec<u8>, Vec<u8>)) -> Option<(u16, OperatorIndex, Signature)> {
    let (sample, operator) = key.get(8..)?.split_first_chunk::<2>()?;
    let operator = u32::from_be_bytes(operator.try_into().ok()?);
    let signature = Signature::from_bytes96(payload.as_slice().try_into().ok()?).ok()?;
    Some((
        u16::from_be_bytes(*sample),
        OperatorIndex::new(operator),
        signature,
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::store::Place;
    use crate::testing::World;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.sqlite")).unwrap();
        (folder, store)
    }

    fn id(world: &World, round: u64, flavour: u8) -> HeaderId {
        let round = Round::new(round);
        HeaderId {
            round,
            digest: world.header(round, flavour).digest(),
        }
    }

    fn put(store: &Store, world: &World, operator: u32, round: u64, flavour: u8, place: Place) {
        let vote = world.verified(operator, world.header(Round::new(round), flavour));
        store.record(&[(place, vote)], &[]).unwrap();
    }

    fn signers(store: &Store, header: HeaderId) -> BTreeSet<u32> {
        let signers = store.signatures(header).unwrap();
        signers.into_keys().map(OperatorIndex::get).collect()
    }

    #[test]
    fn who_signed_which_header_outlives_the_votes() {
        let ((_folder, store), world) = (store(), World::new(&[1, 1, 1]));
        put(&store, &world, 0, 1, 0, Place::First);
        put(&store, &world, 1, 1, 1, Place::First);
        put(&store, &world, 1, 1, 0, Place::Second);
        let before = signers(&store, id(&world, 1, 0));
        store.retire_rounds(&[Round::new(1)]).unwrap();
        assert!(store.votes(Round::new(0)).unwrap().0.is_empty());
        assert_eq!(signers(&store, id(&world, 1, 0)), before);
        assert_eq!(before, BTreeSet::from([0, 1]));
        assert_eq!(signers(&store, id(&world, 1, 1)), BTreeSet::from([1]));
    }

    #[test]
    fn a_list_that_was_damaged_costs_no_other_record() {
        let ((folder, store), world) = (store(), World::new(&[1]));
        let list = crate::testing::list(3, 0);
        let header = id(&world, 1, 0);
        put(&store, &world, 0, 1, 0, Place::First);
        store.put_list(header, &list).unwrap();
        drop(store);
        let path = folder.path().join("a.sqlite");
        let mut file = std::fs::read(&path).unwrap();
        let mut places = file.windows(list.bytes().len());
        let at = places.position(|bytes| bytes == list.bytes()).unwrap();
        file[at] ^= 1;
        std::fs::write(&path, file).unwrap();

        let store = Store::open(&path).unwrap();
        let damaged = store.list(header);
        assert!(matches!(damaged, Err(StoreError::DamagedRecord { .. })));
        assert_eq!(store.lists().unwrap(), [header]);
        store.retire_before(Round::new(2)).unwrap();
        assert!(store.lists().unwrap().is_empty());
        assert_eq!(signers(&store, header), BTreeSet::from([0]));
    }

    #[test]
    fn votes_that_come_after_their_round_was_retired_are_added() {
        let ((_folder, store), world) = (store(), World::new(&[1, 1]));
        put(&store, &world, 0, 1, 0, Place::First);
        store.retire_before(Round::new(2)).unwrap();
        put(&store, &world, 1, 1, 0, Place::First);
        store.retire_rounds(&[Round::new(1)]).unwrap();
        assert_eq!(signers(&store, id(&world, 1, 0)), BTreeSet::from([0, 1]));
    }

    #[test]
    fn work_of_earlier_epochs_is_forgotten_and_no_other() {
        let ((_folder, store), world) = (store(), World::new(&[1]));
        let rounds = [1, 255, 256, 700, 701];
        for round in rounds {
            put(&store, &world, 0, round, 0, Place::First);
        }
        store.retire_before(Round::new(800)).unwrap();
        let signature = *world
            .verified(0, world.header(Round::new(1), 0))
            .signature();
        for epoch in [4, 5] {
            let operator = OperatorIndex::new(0);
            let receipts = [(3, signature)];
            store
                .put_receipts(Epoch::new(epoch), operator, &receipts)
                .unwrap();
        }
        for (epoch, first) in [(4, 200), (5, 701)] {
            let (epoch, first) = (Epoch::new(epoch), Round::new(first));
            store
                .drop_work_before(epoch, first, HealthEpoch::new(1))
                .unwrap();
        }
        let kept = rounds.map(|round| signers(&store, id(&world, round, 0)).len());
        assert_eq!(kept, [0, 0, 0, 0, 1]);
        assert!(store.receipts(Epoch::new(4)).unwrap().is_empty());
        let kept = store.receipts(Epoch::new(5)).unwrap();
        assert_eq!(kept, [(3, OperatorIndex::new(0), signature)]);
    }
}
