//! What a restarted node need not derive again: the lists behind signed rounds, and an image of the
//! market's index. Lost, it costs a backfill and somebody else's list, never stake.

use std::fmt::Debug;
use std::path::Path;

use quorate_canon::{Digest, Round};
use quorate_matching::OutcomeList;
use quorate_store::{Result, StoreError, Table, derived::Derived};

const LISTS: Table = Table::new("lists");
const INDEX: Table = Table::new("index");
/// The one key of the index's table.
const IMAGE: &[u8] = b"image";
/// Layout of the records; another one starts empty.
const FORMAT: u32 = 1;
/// Rounds that are kept; a round is over long before.
const KEPT: u64 = 64;

/// What the driver keeps beside the ledger. That it fails costs no vote.
pub trait Keep: Debug + Send + Sync {
    /// Keeps the list of a round, and forgets that of a round long ago.
    ///
    /// # Errors
    /// The store's.
    fn put(&self, round: Round, list: &OutcomeList) -> Result<()>;

    /// The list of a round, if it is kept and gives the outcome root asked for.
    ///
    /// # Errors
    /// The store's.
    fn get(&self, round: Round, outcome_root: Digest) -> Result<Option<OutcomeList>>;

    /// Keeps an image of the index in place of the one before.
    ///
    /// # Errors
    /// The store's.
    fn put_image(&self, image: &[u8]) -> Result<()>;
}

/// The store of derived data.
#[derive(Debug)]
pub(crate) struct Archive {
    store: Derived,
}

impl Keep for Archive {
    fn put(&self, round: Round, list: &OutcomeList) -> Result<()> {
        self.store
            .put(LISTS, &round.get().to_be_bytes(), &list.bytes())?;
        if let Some(old) = round.get().checked_sub(KEPT) {
            self.forget_up_to(old)?;
        }
        Ok(())
    }

    fn get(&self, round: Round, outcome_root: Digest) -> Result<Option<OutcomeList>> {
        let bytes = match self.store.get(LISTS, &round.get().to_be_bytes()) {
            Ok(bytes) => bytes,
            Err(StoreError::DamagedRecord { .. }) => None,
            Err(error) => return Err(error),
        };
        let list = bytes.and_then(|bytes| OutcomeList::from_bytes(&bytes).ok());
        Ok(list.filter(|list| list.outcome_root() == outcome_root))
    }

    fn put_image(&self, image: &[u8]) -> Result<()> {
        self.store.put(INDEX, IMAGE, image)?;
        self.store.flush()
    }
}

impl Archive {
    /// Opens it, or an empty one in place of one that cannot be used.
    ///
    /// # Errors
    /// [`StoreError`] if not even an empty one can be made, or another process has it.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let (store, _) = Derived::open(&folder.join("rounds"), FORMAT)?;
        Ok(Self { store })
    }

    /// The image of the index, if there is one that is whole.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn image(&self) -> Result<Option<Vec<u8>>> {
        match self.store.get(INDEX, IMAGE) {
            Err(StoreError::DamagedRecord { .. }) => Ok(None),
            answer => answer,
        }
    }

    fn forget_up_to(&self, last: u64) -> Result<()> {
        let keys: Vec<Vec<u8>> = self
            .store
            .scan(LISTS, &[])?
            .map_while(std::result::Result::ok)
            .map(|(key, _)| key)
            .take_while(|key| key.as_slice() <= last.to_be_bytes().as_slice())
            .collect();
        for key in keys {
            self.store.delete(LISTS, &key)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty_list() -> OutcomeList {
        OutcomeList::from_bytes(&[]).unwrap()
    }

    #[test]
    fn a_list_comes_back_only_for_its_own_root() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(folder.path()).unwrap();
        let list = empty_list();
        archive.put(Round::new(5), &list).unwrap();
        let root = list.outcome_root();
        assert!(archive.get(Round::new(5), root).unwrap().is_some());
        assert!(
            archive
                .get(Round::new(5), Digest([1; 32]))
                .unwrap()
                .is_none()
        );
        assert!(archive.get(Round::new(6), root).unwrap().is_none());
    }

    #[test]
    fn rounds_of_long_ago_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(folder.path()).unwrap();
        let list = empty_list();
        for round in 0..=KEPT {
            archive.put(Round::new(round), &list).unwrap();
        }
        assert!(
            archive
                .get(Round::new(0), list.outcome_root())
                .unwrap()
                .is_none()
        );
        assert!(
            archive
                .get(Round::new(1), list.outcome_root())
                .unwrap()
                .is_some()
        );
    }
}
