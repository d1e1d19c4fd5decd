//! From votes on one message to a certificate, on one core.

use std::time::{Duration, Instant};

use quorate_bls::{
    BatchError, Domain as Use, PublicKey, SecretKey, Signature, verify_same_message,
};
use quorate_canon::{Address, ChainId, Digest, Epoch, OperatorIndex, OperatorStake, Round};
use quorate_matching::Seed;
use quorate_protocol::{Certificate, Domain, Header, StakeTable, Vote};

use super::{Row, ground::failed, stall::draw};
use crate::Error;

const RUNS: u32 = 7;

/// All rows of this group. Takes a core for some seconds.
///
/// # Errors
/// When a vote does not verify, or a forger is not named.
pub(super) fn measure(tick: impl Fn()) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for (count, good, forged) in [(1_000, None, None), (10_000, Some(10_u32), Some(150_u32))] {
        let electorate = Electorate::new(count)?;
        tick();
        let took = electorate.certify()?;
        rows.push(row(
            format!("certificate from {count} votes, all good, one core, best of {RUNS}"),
            took,
            good,
        ));
        tick();
        let took = electorate.name_forgers()?;
        rows.push(row(
            format!("{count} votes, 1 % forged, each named, one core, best of {RUNS}"),
            took,
            forged,
        ));
        tick();
    }
    Ok(rows)
}

fn row(name: String, took: Duration, target: Option<u32>) -> Row {
    let value = took.as_secs_f64() * 1e3;
    match target {
        Some(target) => Row::at_most(name, value, "ms", target),
        None => Row::info(name, value, "ms"),
    }
}

/// Operators of equal stake and one header.
struct Electorate {
    keys: Vec<SecretKey>,
    table: StakeTable,
    header: Header,
}

impl Electorate {
    fn new(count: u32) -> Result<Self, Error> {
        let master = SecretKey::from_seed(&draw("electorate", 0)).map_err(failed)?;
        let keys: Vec<_> = (0..count).map(|index| master.child(index)).collect();
        let public = keys.iter().map(SecretKey::public_key).collect();
        let stakes = keys.iter().map(|_| OperatorStake::new(1_000)).collect();
        let table = StakeTable::new(Epoch::new(0), public, stakes).map_err(failed)?;
        Ok(Self {
            keys,
            table,
            header: header(),
        })
    }

    /// All sign the same. The table's sum of keys and the votes' bytes were read before, as they are
    /// by the time a quorum has come.
    fn certify(&self) -> Result<Duration, Error> {
        let digest = self.header.digest().get();
        let votes: Vec<_> = (0..)
            .zip(&self.keys)
            .map(|(index, key)| {
                let signature = key.sign(Use::Vote, &digest);
                Vote::new(self.header, OperatorIndex::new(index), signature)
            })
            .collect();
        best(|| {
            Certificate::of_votes(&self.header, &votes, &self.table)
                .map(drop)
                .map_err(failed)
        })
    }

    /// One in a hundred, at scattered places, signed another header.
    fn name_forgers(&self) -> Result<Duration, Error> {
        let digest = self.header.digest().get();
        let other = draw("another header", 0);
        let forged: Vec<usize> = (0..self.keys.len() / 100)
            .map(|i| i * 100 + (i * 37 + 11) % 100)
            .collect();
        let votes: Vec<(PublicKey, Signature)> = self
            .keys
            .iter()
            .zip(self.table.keys())
            .enumerate()
            .map(|(place, (secret, key))| {
                let message = if forged.binary_search(&place).is_ok() {
                    &other
                } else {
                    &digest
                };
                (*key, secret.sign(Use::Vote, message))
            })
            .collect();
        best(|| match verify_same_message(Use::Vote, &digest, &votes) {
            Err(BatchError::Forged(named)) if named == forged => Ok(()),
            other => Err(failed(format!("forgers were not named: {:?}", other.err()))),
        })
    }
}

fn header() -> Header {
    Header {
        domain: Domain {
            l1_chain: ChainId::new(1),
            l2_chain: ChainId::new(42_161),
            rounds: Address([1; 20]),
            avs: Address([2; 20]),
            operator_set: 0,
        },
        round: Round::new(12),
        snapshot_number: 1_000,
        snapshot_hash: Digest(draw("snapshot", 0)),
        policy_hash: Digest(draw("policy", 0)),
        inputs_root: Digest(draw("inputs", 0)),
        seed: Seed(draw("seed", 0)),
        outcome_root: Digest(draw("outcome", 0)),
    }
}

/// The shortest of several runs: what the work takes when nothing disturbs it.
fn best(mut work: impl FnMut() -> Result<(), Error>) -> Result<Duration, Error> {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let began = Instant::now();
        work()?;
        best = best.min(began.elapsed());
    }
    Ok(best)
}
