//! Gas and bytes of each kind of refutation, each a real transaction against a round that 128
//! operators have certified.
//!
//! A list of a million entries needs a million matches to be real, and a refutation looks at four of
//! them at most. So the list's tree is as large as it says, a few entries in the places that cost
//! most are real, over a real market, and the other leaves are filler that nobody opens. Of a list
//! that has to be posted in full before it can be refuted, the chunks with real entries are posted,
//! and `Rounds` is made to believe the rest.

mod blocking;
mod book;
mod cases;
mod posted;

use std::path::Path;

use alloy::{primitives::Bytes, sol_types::SolEvent};
use quorate_bindings::IDisputes::{self, Refutation};
use quorate_canon::FixedWidth;
use quorate_matching::{OutcomeList, Policy, Witness, policy::defaults::policy_v1};
use quorate_service::terminal::grouped;

use super::{
    Row,
    ground::{Ground, Settled, Truth, failed},
    row::as_f64,
};
use crate::Error;
use book::Book;

/// The most that a refutation may cost, and how long its witness may be.
const GAS: u32 = 150_000;
const BYTES: u32 = 2_300;
/// Lengths of the lists.
pub(super) const SIZES: [u32; 2] = [1_000, 1_000_000];

/// All rows of one length.
///
/// # Errors
/// When the chain does not start, a call reverts, or a witness shows another fault than it should.
pub(super) async fn measure(dir: &Path, size: u32, tick: impl Fn()) -> Result<Vec<Row>, Error> {
    let mut bench = Bench::start(dir, size).await?;
    let mut rows = cases::measure(&mut bench, &tick).await?;
    rows.extend(blocking::measure(&mut bench, &tick).await?);
    Ok(rows)
}

/// A ground with a market, and the next round to be lied about.
struct Bench {
    ground: Ground,
    book: Book,
    size: u32,
    next: u64,
}

/// What a refutation is called, and what it must be judged.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    code: u8,
}

impl Bench {
    async fn start(dir: &Path, size: u32) -> Result<Self, Error> {
        let mut policy: Policy = policy_v1();
        policy.score.max_matches = size;
        let ground = Ground::under(dir, policy).await?;
        let book = Book::open(&ground).await?;
        Ok(Self {
            ground,
            book,
            size,
            next: 0,
        })
    }

    /// What the next round really comes to.
    async fn truth(&mut self) -> Result<Truth, Error> {
        let truth = self.ground.right(self.next).await?;
        self.next += 1;
        Ok(truth)
    }

    /// Has a list certified in place of the right one.
    async fn certify(&mut self, truth: Truth, list: OutcomeList) -> Result<Settled, Error> {
        let mut claim = truth;
        claim.header.outcome_root = list.outcome_root();
        claim.list = list;
        self.ground.certify(claim, 0).await
    }

    /// Refutes a certified list in one transaction.
    async fn refute(
        &self,
        settled: &Settled,
        witness: Option<Witness>,
        kind: Kind,
    ) -> Result<[Row; 2], Error> {
        let witness = witness.ok_or_else(|| failed(format!("{}: no witness", kind.name)))?;
        let bytes = witness.to_bytes();
        let length = bytes.len();
        let call = IDisputes::challengeCall {
            header: settled.header.to_bytes().into(),
            witness: Bytes::from(bytes),
        };
        let receipt = self
            .ground
            .owner
            .call(self.ground.l2.disputes, &call)
            .await?;
        let events = receipt.inner.logs().iter();
        let code = events
            .filter_map(|log| Refutation::decode_log(&log.inner).ok())
            .map(|event| event.code)
            .next();
        if code != Some(kind.code) {
            let expected = kind.code;
            let name = kind.name;
            return Err(failed(format!("{name}: got {code:?}, expected {expected}")));
        }
        let name = format!(
            "refute, list of {}: {}",
            grouped(self.size.into()),
            kind.name
        );
        let evidence = as_f64(u64::try_from(length).unwrap_or(u64::MAX));
        Ok([
            Row::gas(name.clone(), receipt.gas_used, GAS),
            Row::at_most(format!("{name}, witness"), evidence, "bytes", BYTES),
        ])
    }
}
