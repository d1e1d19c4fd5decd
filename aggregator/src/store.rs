//! What a restart must find again: votes before they are acknowledged, lists, cases.
//! SQLite with full sync, one process at a time; records bear a checksum bound to their key.

mod contradictions;
mod downs;
mod refuted;
mod work;

use std::path::Path;

use quorate_canon::{Digest, OperatorIndex, Round};
use quorate_matching::OutcomeList;
use quorate_protocol::{Evidence, Unverified, Verified, Vote};
use quorate_store::{
    StoreError, Table,
    sqlite::{Database, Migration, Schema},
};

pub use contradictions::{Contradicted, ContradictionKey};
pub use downs::{Proposed, StrikeStage};

use crate::courts::{Case, Stage};

/// `round ‖ place ‖ operator` -> vote. Place 0 is an operator's first vote, 1 its second.
const VOTES: Table = Table::new("votes");
/// `round ‖ header digest` -> `lowest ‖ entries`.
const LISTS: Table = Table::new("lists");
/// `round ‖ operator ‖ offence` -> `stage ‖ evidence`.
const CASES: Table = Table::new("cases");
/// Rounds whose word was sent up.
const REPORTS: Table = Table::new("reports");
/// `round ‖ header digest` -> a trial's bytes.
const TRIALS: Table = Table::new("trials");
/// Rounds that were refuted and have no trial yet -> the code.
const REFUTED: Table = Table::new("refuted");
/// A name -> how far something was looked through, u64.
const CURSORS: Table = Table::new("cursors");
/// Rounds that were proposed here and whose bond is not back yet.
const PROPOSALS: Table = Table::new("proposals");
/// `health epoch ‖ operator ‖ list digest` -> `signature ‖ list`.
const DOWNS: Table = Table::new("downs");
/// `health epoch ‖ number` -> a proposed list, who is expected to sign, whether it stands.
const PROPOSED: Table = Table::new("proposed");
/// `health epoch ‖ machine ‖ operator` -> a strike and how far it has come on L1.
const STRIKES: Table = Table::new("strikes");
/// `health epoch ‖ machine ‖ operator` -> its list and its receipt, and how far they have come on L1.
const CONTRADICTIONS: Table = Table::new("contradictions");
/// `round ‖ header digest` -> who signed it, each operator with its signature.
const SIGNERS: Table = Table::new("signers");
/// `stake epoch ‖ sample ‖ operator` -> its signature of the sampled receipt.
const RECEIPTS: Table = Table::new("receipts");
const SCHEMA: Schema = Schema {
    application_id: 0x5141_4747, // "QAGG"
    migrations: &[
        Migration::AddTable(VOTES),
        Migration::AddTable(LISTS),
        Migration::AddTable(CASES),
        Migration::AddTable(REPORTS),
        Migration::AddTable(TRIALS),
        Migration::AddTable(CURSORS),
        Migration::AddTable(PROPOSALS),
        Migration::AddTable(DOWNS),
        Migration::AddTable(PROPOSED),
        Migration::AddTable(STRIKES),
        Migration::AddTable(SIGNERS),
        Migration::AddTable(RECEIPTS),
        Migration::AddTable(CONTRADICTIONS),
        Migration::AddTable(REFUTED),
    ],
};

/// Whether a vote is an operator's first of its round, which counts, or its second, which is evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Counted.
    First,
    /// Not counted.
    Second,
}

/// The aggregator's database.
#[derive(Debug)]
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens the database, or creates it where there is none: losing it costs an aggregator
    /// rounds under way, never stake.
    ///
    /// # Errors
    /// [`StoreError`], also if another process holds it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            database: Database::open_or_create(path, &SCHEMA)?,
        })
    }

    /// Stores votes and cases, all or none of them, durably.
    pub fn record(
        &self,
        votes: &[(Place, Vote<Verified>)],
        cases: &[Case],
    ) -> Result<(), StoreError> {
        self.database.transact(|transaction| {
            for (place, vote) in votes {
                transaction.insert(VOTES, &vote_key(*place, vote), &vote.to_bytes())?;
            }
            for case in cases {
                transaction.insert(CASES, &case_key(case), &case_bytes(case))?;
            }
            Ok(())
        })
    }

    /// The stored votes of rounds from `first` on, as bytes that have yet to be verified, first
    /// votes of a round before second ones. A record that does not read is left out and counted.
    pub fn votes(&self, first: Round) -> Result<(Vec<Vote<Unverified>>, usize), StoreError> {
        let rows = self
            .database
            .transact(|transaction| transaction.scan(VOTES, &[]))?;
        let mut damaged = 0;
        let mut votes = Vec::new();
        for (key, payload) in rows
            .iter()
            .filter(|(key, _)| key.as_slice() >= first.get().to_be_bytes().as_slice())
        {
            match Vote::<Unverified>::from_bytes(payload) {
                Ok(vote) if key.starts_with(&vote.header().round.get().to_be_bytes()) => {
                    votes.push(vote)
                }
                _ => damaged += 1,
            }
        }
        Ok((votes, damaged))
    }

    /// Stores the list behind a header; false if it was there.
    pub fn put_list(&self, header: HeaderId, list: &OutcomeList) -> Result<bool, StoreError> {
        let mut payload = list.lowest().to_be_bytes().to_vec();
        payload.extend(list.bytes());
        self.database
            .transact(|transaction| transaction.insert(LISTS, &header.key(), &payload))
    }

    /// The list behind a header.
    pub fn list(&self, header: HeaderId) -> Result<Option<OutcomeList>, StoreError> {
        let payload = self
            .database
            .transact(|transaction| transaction.get(LISTS, &header.key()))?;
        Ok(payload.as_deref().and_then(read_list))
    }

    /// The headers whose lists are here.
    pub fn lists(&self) -> Result<Vec<HeaderId>, StoreError> {
        // Only keys: the lists of a day would fill the memory.
        let keys = self
            .database
            .transact(|transaction| transaction.keys(LISTS, &[]))?;
        Ok(keys.iter().filter_map(|key| HeaderId::read(key)).collect())
    }

    /// All cases.
    pub fn cases(&self) -> Result<Vec<Case>, StoreError> {
        let rows = self
            .database
            .transact(|transaction| transaction.scan(CASES, &[]))?;
        Ok(rows
            .iter()
            .filter_map(|(key, payload)| read_case(key, payload))
            .collect())
    }

    /// Stores how far a case has come.
    pub fn put_case(&self, case: &Case) -> Result<(), StoreError> {
        self.database
            .transact(|transaction| transaction.put(CASES, &case_key(case), &case_bytes(case)))
    }

    /// Whether the word of a round was sent up.
    pub fn is_reported(&self, round: Round) -> Result<bool, StoreError> {
        let key = round.get().to_be_bytes();
        self.database
            .transact(|transaction| Ok(transaction.get(REPORTS, &key)?.is_some()))
    }

    /// Notes that the word of a round was sent up.
    pub fn put_report(&self, round: Round) -> Result<(), StoreError> {
        self.database
            .transact(|transaction| transaction.put(REPORTS, &round.get().to_be_bytes(), &[]))
    }

    /// Drops votes and lists of these rounds. Cases and reports stay: they are small and say what
    /// was done.
    pub fn drop_rounds(&self, rounds: &[Round]) -> Result<(), StoreError> {
        self.database.transact(|transaction| {
            for round in rounds {
                for table in [VOTES, LISTS] {
                    for key in transaction.keys(table, &round.get().to_be_bytes())? {
                        transaction.delete(table, &key)?;
                    }
                }
            }
            Ok(())
        })
    }

    /// Drops votes and lists of all rounds before `first`.
    pub fn drop_before(&self, first: Round) -> Result<(), StoreError> {
        let first = first.get().to_be_bytes();
        self.database.transact(|transaction| {
            for table in [VOTES, LISTS] {
                for key in transaction.keys(table, &[])? {
                    if key.as_slice() < first.as_slice() {
                        transaction.delete(table, &key)?;
                    }
                }
            }
            Ok(())
        })
    }
}

/// Names a header: digests alone would do, but records of old rounds are dropped by round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeaderId {
    /// The header's round.
    pub round: Round,
    /// Its digest.
    pub digest: Digest,
}

impl HeaderId {
    fn key(self) -> Vec<u8> {
        [self.round.get().to_be_bytes().as_slice(), &self.digest.0].concat()
    }

    fn read(key: &[u8]) -> Option<Self> {
        let (round, digest) = key.split_first_chunk::<8>()?;
        Some(Self {
            round: Round::new(u64::from_be_bytes(*round)),
            digest: Digest(digest.try_into().ok()?),
        })
    }
}

fn vote_key(place: Place, vote: &Vote<Verified>) -> Vec<u8> {
    let mut key = vote.header().round.get().to_be_bytes().to_vec();
    key.push(u8::from(place == Place::Second));
    key.extend(vote.operator().get().to_be_bytes());
    key
}

fn read_list(payload: &[u8]) -> Option<OutcomeList> {
    let (lowest, entries) = payload.split_first_chunk::<4>()?;
    let list = OutcomeList::from_bytes(entries).ok()?;
    let lowest = u32::from_be_bytes(*lowest);
    if list.lowest() == lowest {
        Some(list)
    } else {
        OutcomeList::claimed(list.entries().to_vec(), lowest).ok()
    }
}

fn case_key(case: &Case) -> Vec<u8> {
    let mut key = case.round().get().to_be_bytes().to_vec();
    key.extend(case.operator.get().to_be_bytes());
    key.push(match case.evidence {
        Evidence::Equivocation(_) => 1,
        Evidence::Divergence(_) => 2,
    });
    key
}

fn case_bytes(case: &Case) -> Vec<u8> {
    let (code, id) = match case.stage {
        Stage::Open => (0, Digest::default()),
        Stage::Charged(id) => (1, id),
        Stage::Punished => (2, Digest::default()),
        Stage::Lapsed => (3, Digest::default()),
    };
    let mut bytes = vec![code];
    bytes.extend(id.0);
    bytes.extend(case.evidence.to_bytes());
    bytes
}

fn read_case(key: &[u8], payload: &[u8]) -> Option<Case> {
    let operator = u32::from_be_bytes(key.get(8..12)?.try_into().ok()?);
    let (code, rest) = payload.split_first()?;
    let (id, evidence) = rest.split_first_chunk::<32>()?;
    let stage = match code {
        0 => Stage::Open,
        1 => Stage::Charged(Digest(*id)),
        2 => Stage::Punished,
        3 => Stage::Lapsed,
        _ => return None,
    };
    Some(Case {
        operator: OperatorIndex::new(operator),
        evidence: Evidence::from_bytes(evidence).ok()?,
        stage,
    })
}

/// Runs disk work beside the tasks; an error comes back in words.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
