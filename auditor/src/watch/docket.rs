//! What a watcher must find again after a crash: what it has judged, and above all the salts and
//! witnesses of its commitments, which are on disk before a commitment goes out.

use std::{collections::BTreeMap, fs, io::Write as _, path::Path};

use alloy::primitives::{B256, Bytes};
use quorate_canon::{Digest, Round, codec::FixedWidth as _, hash::sha256};
use quorate_protocol::{Domain, Header};
use quorate_store::{
    StoreError, Table,
    sqlite::{Database, Migration, Schema},
};
use serde::{Deserialize, Serialize};

use crate::{AuditError, record::Signers};

/// `round ‖ digest` -> [`Case`], JSON.
const CASES: Table = Table::new("cases");
/// `domain` -> SHA-256 of the deployment that the docket is of; `floor` -> the first round that may
/// still need looking at.
const META: Table = Table::new("meta");

const SCHEMA: Schema = Schema {
    application_id: 0x5141_5544, // "QAUD"
    migrations: &[Migration::AddTable(CASES), Migration::AddTable(META)],
};

const DOMAIN: &[u8] = b"domain";
const FLOOR: &[u8] = b"floor";

const FILE: &str = "auditor.sqlite";
const IMAGE: &str = "l2.image";

/// What was found of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Verdict {
    /// It commits to the one outcome.
    Right,
    /// It does not, and the contracts agree, or have refuted it.
    Wrong,
    /// It does not, and what would show it was never posted.
    Withheld,
}

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct At {
    /// Its number.
    pub block: u64,
    /// Its hash, unless it lay too deep to be replaced.
    pub hash: Option<B256>,
}

/// How far a case has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Nothing was sent.
    Found,
    /// It was tried by a call, and reported.
    Tried,
    /// The salt is drawn; the commitment may have been sent.
    Committing {
        /// Known to nobody else until it is revealed.
        salt: B256,
    },
    /// The commitment was mined.
    Committed {
        /// Its salt.
        salt: B256,
        /// Where.
        at: At,
    },
    /// Our transaction was mined: the challenge, or with a salt the revelation.
    Refuted {
        /// The salt of the commitment, if there was one.
        salt: Option<B256>,
        /// Where.
        at: At,
    },
    /// Nothing of ours is left to do against the round.
    Over,
}

/// A judged header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Case {
    /// What was found.
    pub verdict: Verdict,
    /// The block of the header's event.
    pub at: At,
    /// The header's bytes.
    pub header: Bytes,
    /// The witness, if the header is wrong and there is one.
    pub witness: Option<Bytes>,
    /// Bitmap and aggregate of a certificate.
    pub signers: Option<(Bytes, Bytes)>,
    /// How far it has come.
    pub stage: Stage,
    /// Whether the signers were struck.
    pub struck: bool,
    /// Whether the ineligible pairs were annulled, as far as they could be.
    pub annulled: bool,
}

impl Case {
    /// A case that was just judged.
    #[must_use]
    pub(super) fn new(
        verdict: Verdict,
        at: At,
        header: &Header,
        signers: Option<&Signers>,
    ) -> Self {
        Self {
            verdict,
            at,
            header: header.to_bytes().into(),
            witness: None,
            signers: signers.map(|signers| {
                (
                    signers.bitmap.clone().into(),
                    signers.aggregate.clone().into(),
                )
            }),
            stage: Stage::Found,
            struck: false,
            annulled: false,
        }
    }

    /// The salt of a commitment whose bond may be out.
    #[must_use]
    pub(super) const fn open_salt(&self) -> Option<B256> {
        match self.stage {
            Stage::Committing { salt } | Stage::Committed { salt, .. } => Some(salt),
            _ => None,
        }
    }
}

/// Names a header.
pub(super) type CaseId = (Round, Digest);

/// All cases; on disk, where a folder was given.
#[derive(Debug)]
pub(super) struct Docket {
    database: Option<Database>,
    cases: BTreeMap<CaseId, Case>,
    floor: Round,
}

impl Docket {
    /// A docket that is lost with the process.
    #[must_use]
    pub(super) const fn in_memory() -> Self {
        Self {
            database: None,
            cases: BTreeMap::new(),
            floor: Round::new(0),
        }
    }

    /// Opens the docket of a folder, or makes one there. One process at a time.
    ///
    /// # Errors
    /// [`AuditError::Store`]; [`AuditError::Unknown`] if it is that of another deployment or holds a
    /// record that this program does not read.
    pub(super) fn open(folder: &Path, domain: &Domain) -> Result<Self, AuditError> {
        fs::create_dir_all(folder).map_err(|source| AuditError::Io {
            what: "make the data folder",
            source,
        })?;
        let path = folder.join(FILE);
        let database = Database::open_or_create(&path, &SCHEMA)?;
        let ours = sha256(&[&domain.to_bytes()]);
        let (theirs, floor, rows) = database.transact(|transaction| {
            transaction.insert(META, DOMAIN, &ours.0)?;
            let (theirs, floor) = (
                transaction.get(META, DOMAIN)?,
                transaction.get(META, FLOOR)?,
            );
            Ok::<_, StoreError>((theirs, floor, transaction.scan(CASES, &[])?))
        })?;
        if theirs.as_deref() != Some(&ours.0) {
            let what = format!("{} is the docket of another deployment", path.display());
            return Err(AuditError::Unknown(what));
        }
        let cases = rows
            .iter()
            .map(|(key, record)| read(key, record))
            .collect::<Option<_>>()
            .ok_or_else(|| {
                let what = format!("{} was written by another program", path.display());
                AuditError::Unknown(what)
            })?;
        Ok(Self {
            database: Some(database),
            cases,
            floor: floor
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(Round::new(0), |bytes| Round::new(u64::from_be_bytes(bytes))),
        })
    }

    /// The first round that may still need looking at.
    #[must_use]
    pub(super) const fn floor(&self) -> Round {
        self.floor
    }

    /// Raises the floor, and forgets the right headers below it. It never falls.
    ///
    /// # Errors
    /// [`AuditError::Store`].
    pub(super) fn raise_floor(&mut self, floor: Round) -> Result<(), AuditError> {
        if floor <= self.floor {
            return Ok(());
        }
        let below = self.cases.range(..(floor, Digest::ZERO));
        let right = below.filter(|(_, case)| case.verdict == Verdict::Right);
        let right: Vec<CaseId> = right.map(|(id, _)| *id).collect();
        if let Some(database) = &self.database {
            database.transact(|transaction| {
                for id in &right {
                    transaction.delete(CASES, &key(id))?;
                }
                transaction.put(META, FLOOR, &floor.get().to_be_bytes())
            })?;
        }
        for id in &right {
            self.cases.remove(id);
        }
        self.floor = floor;
        Ok(())
    }

    /// A case.
    #[must_use]
    pub(super) fn get(&self, id: &CaseId) -> Option<&Case> {
        self.cases.get(id)
    }

    /// All cases, by round.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&CaseId, &Case)> {
        self.cases.iter()
    }

    /// Stores a case; when this returns it is on disk.
    ///
    /// # Errors
    /// [`AuditError::Store`]; the case is as before then.
    pub(super) fn put(&mut self, id: CaseId, case: Case) -> Result<(), AuditError> {
        if let Some(database) = &self.database {
            let record = write(&case)?;
            database.transact(|transaction| transaction.put(CASES, &key(&id), &record))?;
        }
        self.cases.insert(id, case);
        Ok(())
    }

    /// Forgets a case.
    ///
    /// # Errors
    /// [`AuditError::Store`].
    pub(super) fn remove(&mut self, id: &CaseId) -> Result<(), AuditError> {
        if let Some(database) = &self.database {
            database.transact(|transaction| transaction.delete(CASES, &key(id)))?;
        }
        self.cases.remove(id);
        Ok(())
    }
}

fn key((round, digest): &CaseId) -> Vec<u8> {
    [round.get().to_be_bytes().as_slice(), &digest.0].concat()
}

fn write(case: &Case) -> Result<Vec<u8>, AuditError> {
    serde_json::to_vec(case).map_err(|error| AuditError::Io {
        what: "write a case",
        source: error.into(),
    })
}

fn read(key: &[u8], record: &[u8]) -> Option<(CaseId, Case)> {
    let (round, digest) = key.split_first_chunk::<8>()?;
    let round = Round::new(u64::from_be_bytes(*round));
    let digest = Digest(digest.try_into().ok()?);
    Some(((round, digest), serde_json::from_slice(record).ok()?))
}

/// The image of the chain's reader that a folder holds. A damaged one is noticed by its reader.
#[must_use]
pub(super) fn read_image(folder: &Path) -> Option<Vec<u8>> {
    fs::read(folder.join(IMAGE)).ok()
}

/// Keeps an image in place of the one before; a crash leaves the old one or the new one.
///
/// # Errors
/// [`AuditError::Io`].
pub(super) fn keep_image(folder: &Path, image: &[u8]) -> Result<(), AuditError> {
    let fresh = folder.join(format!("{IMAGE}.new"));
    let written = fs::File::create(&fresh).and_then(|mut file| {
        file.write_all(image)?;
        file.sync_all()?;
        fs::rename(&fresh, folder.join(IMAGE))
    });
    written.map_err(|source| AuditError::Io {
        what: "keep the image of L2",
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn case(stage: Stage) -> Case {
        let header = testing::header(7, Digest([1; 32]));
        let at = At {
            block: 9,
            hash: Some(B256::repeat_byte(2)),
        };
        Case {
            stage,
            witness: Some(vec![1, 2, 3].into()),
            ..Case::new(Verdict::Wrong, at, &header, None)
        }
    }

    fn id() -> CaseId {
        (Round::new(7), Digest([4; 32]))
    }

    #[test]
    fn a_salt_is_there_again_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let domain = testing::domain();
        let salt = B256::repeat_byte(5);
        let stored = case(Stage::Committing { salt });
        let mut docket = Docket::open(folder.path(), &domain).unwrap();
        docket.put(id(), stored.clone()).unwrap();
        drop(docket);
        let docket = Docket::open(folder.path(), &domain).unwrap();
        assert_eq!(docket.get(&id()), Some(&stored));
        assert_eq!(stored.open_salt(), Some(salt));
    }

    #[test]
    fn a_docket_of_another_deployment_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(Docket::open(folder.path(), &testing::domain()).unwrap());
        let mut other = testing::domain();
        other.operator_set += 1;
        assert!(Docket::open(folder.path(), &other).is_err());
    }

    #[test]
    fn a_forgotten_case_stays_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut docket = Docket::open(folder.path(), &testing::domain()).unwrap();
        docket.put(id(), case(Stage::Found)).unwrap();
        docket.remove(&id()).unwrap();
        drop(docket);
        let docket = Docket::open(folder.path(), &testing::domain()).unwrap();
        assert_eq!(docket.iter().count(), 0);
    }

    #[test]
    fn below_the_floor_only_wrong_rounds_are_kept_and_the_floor_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut docket = Docket::open(folder.path(), &testing::domain()).unwrap();
        let right = Case {
            verdict: Verdict::Right,
            ..case(Stage::Found)
        };
        docket
            .put((Round::new(3), Digest::ZERO), right.clone())
            .unwrap();
        docket
            .put((Round::new(4), Digest::ZERO), case(Stage::Over))
            .unwrap();
        docket.put((Round::new(5), Digest::ZERO), right).unwrap();
        docket.raise_floor(Round::new(5)).unwrap();
        docket.raise_floor(Round::new(2)).unwrap();
        drop(docket);
        let docket = Docket::open(folder.path(), &testing::domain()).unwrap();
        let rounds: Vec<u64> = docket.iter().map(|((round, _), _)| round.get()).collect();
        assert_eq!((docket.floor(), rounds), (Round::new(5), vec![4, 5]));
    }

    #[test]
    fn an_image_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_image(folder.path()), None);
        keep_image(folder.path(), b"one").unwrap();
        keep_image(folder.path(), b"two").unwrap();
        assert_eq!(read_image(folder.path()).as_deref(), Some(&b"two"[..]));
    }
}
