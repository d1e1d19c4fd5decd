//! Trials of refuted rounds, and proposals whose bonds are out.

use quorate_canon::Round;
use quorate_store::StoreError;

use super::{CURSORS, HeaderId, PROPOSALS, REFUTED, Store, TRIALS};
use crate::courts::Trial;

/// The cursor of refutations: the L2 block to look from.
const REFUTATIONS: &[u8] = b"refutations";

impl Store {
    /// Notes that a round is about to be proposed: its bond has to be fetched.
    pub fn put_proposal(&self, round: Round) -> Result<(), StoreError> {
        let key = round.get().to_be_bytes();
        self.database
            .transact(|transaction| transaction.put(PROPOSALS, &key, &[]))
    }

    /// Forgets a proposal whose bond is back or lost.
    pub fn drop_proposal(&self, round: Round) -> Result<(), StoreError> {
        let key = round.get().to_be_bytes();
        self.database
            .transact(|transaction| transaction.delete(PROPOSALS, &key).map(drop))
    }

    /// Rounds that were proposed and whose bond is not back yet.
    pub fn proposals(&self) -> Result<Vec<Round>, StoreError> {
        let keys = self
            .database
            .transact(|transaction| transaction.keys(PROPOSALS, &[]))?;
        Ok(keys.iter().filter_map(|key| round_of(key)).collect())
    }

    /// All trials.
    pub fn trials(&self) -> Result<Vec<Trial>, StoreError> {
        let rows = self
            .database
            .transact(|transaction| transaction.scan(TRIALS, &[]))?;
        Ok(rows
            .iter()
            .filter_map(|(_, payload)| Trial::from_bytes(payload))
            .collect())
    }

    /// Whether a header has a trial.
    pub fn has_trial(&self, header: HeaderId) -> Result<bool, StoreError> {
        self.database
            .transact(|transaction| Ok(transaction.get(TRIALS, &header.key())?.is_some()))
    }

    /// Stores how far a trial has come.
    pub fn put_trial(&self, trial: &Trial) -> Result<(), StoreError> {
        let key = trial_id(trial).key();
        self.database
            .transact(|transaction| transaction.put(TRIALS, &key, &trial.to_bytes()))
    }

    /// The L2 block to look for refutations from; `None` before the first look.
    pub fn refutations_from(&self) -> Result<Option<u64>, StoreError> {
        let payload = self
            .database
            .transact(|transaction| transaction.get(CURSORS, REFUTATIONS))?;
        let bytes = payload.and_then(|payload| payload.try_into().ok());
        Ok(bytes.map(u64::from_be_bytes))
    }

    /// Notes rounds that were refuted, with the code of docs/formats.md, section 13, and where to look
    /// next, all or nothing: none is forgotten that cannot be tried now.
    pub fn note_refutations(&self, refuted: &[(Round, u8)], next: u64) -> Result<(), StoreError> {
        self.database.transact(|transaction| {
            for (round, code) in refuted {
                transaction.put(REFUTED, &round.get().to_be_bytes(), &[*code])?;
            }
            transaction.put(CURSORS, REFUTATIONS, &next.to_be_bytes())
        })
    }

    /// Refuted rounds that have no trial yet, with their codes.
    pub fn refutations(&self) -> Result<Vec<(Round, u8)>, StoreError> {
        let rows = self
            .database
            .transact(|transaction| transaction.scan(REFUTED, &[]))?;
        Ok(rows
            .iter()
            .filter_map(|(key, payload)| Some((round_of(key)?, *payload.first()?)))
            .collect())
    }

    /// Opens the trial of a refuted round, if it leads to one, and forgets the refutation, both or
    /// neither. A trial that is known stays as it is.
    pub fn indicted(&self, round: Round, trial: Option<&Trial>) -> Result<(), StoreError> {
        self.database.transact(|transaction| {
            if let Some(trial) = trial {
                transaction.insert(TRIALS, &trial_id(trial).key(), &trial.to_bytes())?;
            }
            transaction
                .delete(REFUTED, &round.get().to_be_bytes())
                .map(drop)
        })
    }
}

fn round_of(key: &[u8]) -> Option<Round> {
    Some(Round::new(u64::from_be_bytes(key.try_into().ok()?)))
}

fn trial_id(trial: &Trial) -> HeaderId {
    HeaderId {
        round: trial.round(),
        digest: trial.signers.header.digest(),
    }
}
