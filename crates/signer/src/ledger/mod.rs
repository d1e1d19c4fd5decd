//! The signing ledger: what this key has bound itself to.

mod bound;
mod permit;
mod question;
mod record;
mod saying;
mod words;

use std::path::Path;

use quorate_canon::{Digest, Round};
use quorate_protocol::require_domain;
use quorate_protocol::rules::SnapshotId;
use quorate_store::sqlite::{Database, Migration, Schema, Transaction};
use quorate_store::{StoreError, Table};

use crate::identity::{self, Identity};
use crate::{Result, SignerError};

pub(crate) use permit::{Permit, WordPermit};
pub use record::{RecordState, VoteRecord};
pub(crate) use record::{get_vote, put_vote};
pub(crate) use saying::Since;
pub use words::Words;
pub(crate) use words::{floor, last_epoch, raise_floor};

const IDENTITY: Table = Table::new("identity");
const SNAPSHOTS: Table = Table::new("snapshots");
const VOTES: Table = Table::new("votes");
const WATERMARKS: Table = Table::new("watermarks");
const WORDS: Table = Table::new("words");

const SCHEMA: Schema = Schema {
    application_id: 0x5153_4c31, // "QSL1"
    migrations: &[
        Migration::AddTable(IDENTITY),
        Migration::AddTable(SNAPSHOTS),
        Migration::AddTable(VOTES),
        Migration::AddTable(WATERMARKS),
        Migration::AddTable(WORDS),
    ],
};

/// The one record of its table.
const ONLY: &[u8] = b"";
/// Kinds of what is signed have watermarks of their own; those of words lie in `words`.
const VOTE: &[u8] = &[1];

/// What one key has signed on one network, held by one process at a time.
///
/// Everything that can lead to a signature goes through [`Signer`](crate::Signer); by itself the
/// ledger can be read, exported and tightened.
#[derive(Debug)]
pub struct SigningLedger {
    database: Database,
    identity: Identity,
}

impl SigningLedger {
    /// Creates an empty ledger: the meaning of `--init-ledger`, and of nothing else. `last` is
    /// the last round that the chain shows as signed by this key, if any; nothing up to it is
    /// signed again.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when a ledger, or a journal of one, is there.
    pub fn create(path: &Path, identity: &Identity, last: Option<Round>) -> Result<Self> {
        let database = Database::create_with(path, &SCHEMA, |transaction| {
            transaction.put(IDENTITY, ONLY, &identity.to_bytes())?;
            match last {
                Some(last) => raise_watermark(transaction, last),
                None => Ok(()),
            }
        })?;
        Ok(Self {
            database,
            identity: *identity,
        })
    }

    /// Opens the ledger of this key on this network.
    ///
    /// # Errors
    /// [`SignerError::Missing`] (never creates one), [`SignerError::OtherKey`],
    /// [`SignerError::OtherNetwork`], [`SignerError::Damaged`]; [`StoreError::Locked`] at once
    /// when another process has it.
    pub fn open(path: &Path, identity: &Identity) -> Result<Self> {
        let database = Database::open(path, &SCHEMA).map_err(|error| match error {
            StoreError::Missing { path } => SignerError::Missing { path },
            error => error.into(),
        })?;
        database.transact(|transaction| {
            let found = transaction
                .get(IDENTITY, ONLY)?
                .ok_or_else(|| SignerError::Damaged("no identity".to_owned()))?;
            require_identity(path, &Identity::from_bytes(&found)?, identity)?;
            check_watermark(transaction)
        })?;
        Ok(Self {
            database,
            identity: *identity,
        })
    }

    /// Whose ledger it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.database.path()
    }

    /// The highest round that may have been signed: no round up to it is newly signed.
    ///
    /// # Errors
    /// The store's.
    pub fn watermark(&self) -> Result<Option<Round>> {
        self.database.transact(watermark)
    }

    /// The snapshot that was fixed for a round.
    ///
    /// # Errors
    /// The store's.
    pub fn snapshot(&self, round: Round) -> Result<Option<SnapshotId>> {
        self.database.transact(|t| get_snapshot(t, round))
    }

    /// What is recorded for a round.
    ///
    /// # Errors
    /// The store's, [`SignerError::Damaged`].
    pub fn vote(&self, round: Round) -> Result<Option<VoteRecord>> {
        self.database.transact(|t| get_vote(t, round))
    }

    pub(crate) fn transact<T>(
        &self,
        action: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        self.database.transact(action)
    }
}

pub(crate) fn require_identity(path: &Path, got: &Identity, expected: &Identity) -> Result<()> {
    if got.key != expected.key {
        return Err(SignerError::OtherKey {
            path: path.to_owned(),
            got: identity::show(&got.key),
            expected: identity::show(&expected.key),
        });
    }
    require_domain(&got.domain, &expected.domain).map_err(SignerError::OtherNetwork)
}

/// Rounds as keys: big-endian, so that they sort.
pub(crate) fn key(round: Round) -> [u8; 8] {
    round.get().to_be_bytes()
}

pub(crate) fn round_of(key: &[u8]) -> Result<Round> {
    let bytes = key
        .try_into()
        .map_err(|_| SignerError::Damaged(format!("key of {} bytes", key.len())))?;
    Ok(Round::new(u64::from_be_bytes(bytes)))
}

pub(crate) fn watermark(transaction: &Transaction<'_>) -> Result<Option<Round>> {
    let found = transaction.get(WATERMARKS, VOTE)?;
    found.as_deref().map(round_of).transpose()
}

/// Watermarks only rise.
pub(crate) fn raise_watermark(
    transaction: &Transaction<'_>,
    round: Round,
) -> Result<(), StoreError> {
    let payload = key(round);
    match transaction.get(WATERMARKS, VOTE)? {
        // Equal widths: bytes compare as the numbers do.
        Some(found) if found.as_slice() >= payload.as_slice() => Ok(()),
        _ => transaction.put(WATERMARKS, VOTE, &payload),
    }
}

/// Every vote raised the watermark in its own transaction: a vote above it means that records
/// were lost.
fn check_watermark(transaction: &Transaction<'_>) -> Result<()> {
    let Some((last, _)) = transaction.last(VOTES)? else {
        return Ok(());
    };
    let (last, watermark) = (round_of(&last)?, watermark(transaction)?);
    if Some(last) <= watermark {
        return Ok(());
    }
    Err(SignerError::Damaged(format!(
        "round {last} is recorded above the watermark {watermark:?}"
    )))
}

/// The last round that this ledger has fixed a snapshot for, and might sign.
pub(crate) fn last_snapshot(transaction: &Transaction<'_>) -> Result<Option<Round>> {
    let last = transaction.last(SNAPSHOTS)?;
    last.map(|(key, _)| round_of(&key)).transpose()
}

fn get_snapshot(transaction: &Transaction<'_>, round: Round) -> Result<Option<SnapshotId>> {
    let Some(found) = transaction.get(SNAPSHOTS, &key(round))? else {
        return Ok(None);
    };
    let (number, hash) = found
        .split_first_chunk::<8>()
        .and_then(|(number, hash)| Some((number, hash.try_into().ok()?)))
        .ok_or_else(|| SignerError::Damaged(format!("snapshot of round {round}")))?;
    Ok(Some(SnapshotId {
        number: u64::from_be_bytes(*number),
        hash: Digest::new(hash),
    }))
}

fn put_snapshot(
    transaction: &Transaction<'_>,
    round: Round,
    snapshot: SnapshotId,
) -> Result<(), StoreError> {
    let mut payload = snapshot.number.to_be_bytes().to_vec();
    payload.extend_from_slice(&snapshot.hash.get());
    transaction.put(SNAPSHOTS, &key(round), &payload)
}
