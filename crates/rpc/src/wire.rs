//! From wire types to the domain's and back. Nothing comes off the wire without a limit.

use quorate_canon::{Digest, Round};
use quorate_matching::{ListError, OutcomeList};
use quorate_proto::{ENTRY_BYTES, PART_ENTRIES, VOTE_BYTES, v1};
use quorate_protocol::{Unverified, Vote};

use crate::{RoundFailure, VoteRejection, WireLimits};

/// Words in a reply are cut here, in bytes.
const DETAIL_BYTES: usize = 512;

/// A message that says what it must not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A field of fixed width has another width.
    #[error("{field} has {got} bytes, expected {expected}")]
    Width {
        /// The field.
        field: &'static str,
        /// Its width.
        got: usize,
        /// What it must be.
        expected: usize,
    },
    /// The bytes are no vote.
    #[error("bad vote: {0}")]
    Vote(String),
    /// An enum's value, or a code, that this version does not know.
    #[error("{field} is {got}, which this version does not know")]
    Unknown {
        /// The field.
        field: &'static str,
        /// Its value.
        got: i64,
    },
    /// A part came out of turn.
    #[error("part {got} came, expected {expected}")]
    PartOrder {
        /// The part's own number.
        got: u32,
        /// Whose turn it was.
        expected: u32,
    },
    /// A part disagrees with the one before it.
    #[error("{0} changed between parts")]
    PartsDiffer(&'static str),
    /// The list is longer than is taken here.
    #[error("list of {got} entries, at most {most} are taken")]
    TooLong {
        /// What the part claims.
        got: u32,
        /// What is taken.
        most: u32,
    },
    /// The parts ended early.
    #[error("list ended after {got} bytes, expected {expected}")]
    Short {
        /// Bytes that came.
        got: usize,
        /// Bytes that were announced.
        expected: usize,
    },
    /// The entries are no valid list.
    #[error("bad list: {0}")]
    List(String),
}

/// Takes `bytes` if they are exactly as many as `field` has.
fn fixed<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], WireError> {
    bytes.try_into().map_err(|_| WireError::Width {
        field,
        got: bytes.len(),
        expected: N,
    })
}

/// The vote of a request: decoded, its signature a point of the group, nothing verified yet.
pub fn vote(request: &v1::SubmitVoteRequest) -> Result<Vote<Unverified>, WireError> {
    let bytes: [u8; VOTE_BYTES] = fixed("vote", &request.vote)?;
    Vote::<Unverified>::from_bytes(&bytes).map_err(|error| WireError::Vote(error.to_string()))
}

/// What became of a vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VoteVerdict {
    /// Stored durably; it counts, or will.
    Accepted,
    /// Stored before.
    Duplicate,
    /// Not stored.
    Rejected {
        /// Code of [`VoteRejection`]; a newer peer may know more codes than we.
        code: u32,
        /// The same in words.
        detail: String,
    },
}

impl VoteVerdict {
    /// A rejection for `reason`, explained.
    pub fn rejected(reason: VoteRejection, detail: impl Into<String>) -> Self {
        Self::Rejected {
            code: reason.code(),
            detail: detail.into(),
        }
    }

    /// Why the vote was rejected, if it was and the code is known here.
    pub fn rejection(&self) -> Option<VoteRejection> {
        match self {
            Self::Rejected { code, .. } => VoteRejection::from_code(*code),
            _ => None,
        }
    }
}

/// The answer to a vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoteReceipt {
    /// What became of it.
    pub verdict: VoteVerdict,
    /// The list behind the vote's header is asked of the sender.
    pub outcome_wanted: bool,
}

impl VoteReceipt {
    /// A receipt for a vote that was not taken.
    pub fn rejected(reason: VoteRejection, detail: impl Into<String>) -> Self {
        Self {
            verdict: VoteVerdict::rejected(reason, detail),
            outcome_wanted: false,
        }
    }
}

impl From<VoteReceipt> for v1::SubmitVoteReply {
    fn from(receipt: VoteReceipt) -> Self {
        let (status, reason, detail) = match receipt.verdict {
            VoteVerdict::Accepted => (v1::VoteStatus::Accepted, 0, String::new()),
            VoteVerdict::Duplicate => (v1::VoteStatus::Duplicate, 0, String::new()),
            VoteVerdict::Rejected { code, detail } => (v1::VoteStatus::Rejected, code, detail),
        };
        Self {
            status: status.into(),
            reason,
            detail: cut(detail),
            outcome_wanted: receipt.outcome_wanted,
        }
    }
}

impl TryFrom<v1::SubmitVoteReply> for VoteReceipt {
    type Error = WireError;

    fn try_from(reply: v1::SubmitVoteReply) -> Result<Self, WireError> {
        let verdict = match v1::VoteStatus::try_from(reply.status) {
            Ok(v1::VoteStatus::Accepted) => VoteVerdict::Accepted,
            Ok(v1::VoteStatus::Duplicate) => VoteVerdict::Duplicate,
            Ok(v1::VoteStatus::Rejected) => VoteVerdict::Rejected {
                code: reply.reason,
                detail: cut(reply.detail),
            },
            _ => {
                return Err(WireError::Unknown {
                    field: "status",
                    got: reply.status.into(),
                });
            }
        };
        Ok(Self {
            verdict,
            outcome_wanted: reply.outcome_wanted,
        })
    }
}

/// How far a round has come at an aggregator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Votes come in, no header has a quorum.
    Collecting,
    /// A header has its quorum; its certificate is on the way to L2.
    Certifying,
    /// The certificate stands on L2; chunks are missing.
    Certified,
    /// The last chunk stands on L2.
    Settled,
    /// Nothing more is done for it.
    Failed,
}

impl Phase {
    /// Name in logs, labels and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Collecting => "collecting",
            Self::Certifying => "certifying",
            Self::Certified => "certified",
            Self::Settled => "settled",
            Self::Failed => "failed",
        }
    }

    const fn to_wire(self) -> v1::RoundPhase {
        match self {
            Self::Collecting => v1::RoundPhase::Collecting,
            Self::Certifying => v1::RoundPhase::Certifying,
            Self::Certified => v1::RoundPhase::Certified,
            Self::Settled => v1::RoundPhase::Settled,
            Self::Failed => v1::RoundPhase::Failed,
        }
    }

    fn from_wire(value: i32) -> Result<Self, WireError> {
        match v1::RoundPhase::try_from(value) {
            Ok(v1::RoundPhase::Collecting) => Ok(Self::Collecting),
            Ok(v1::RoundPhase::Certifying) => Ok(Self::Certifying),
            Ok(v1::RoundPhase::Certified) => Ok(Self::Certified),
            Ok(v1::RoundPhase::Settled) => Ok(Self::Settled),
            Ok(v1::RoundPhase::Failed) => Ok(Self::Failed),
            _ => Err(WireError::Unknown {
                field: "phase",
                got: value.into(),
            }),
        }
    }
}

/// A round as an aggregator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundReport {
    /// The round.
    pub round: Round,
    /// How far it has come.
    pub phase: Phase,
    /// Why it failed, or what it waits for; code of [`RoundFailure`] and words.
    pub failure: Option<(u32, String)>,
    /// Digest of the header that leads by stake.
    pub leading: Option<Digest>,
    /// Stake behind it.
    pub signed: u128,
    /// Stake of the whole table, once known.
    pub total: Option<u128>,
    /// Operators behind the leading header.
    pub signers: u32,
    /// Different headers voted for.
    pub headers: u32,
    /// The leading header's list is missing and nobody is sending it.
    pub outcome_wanted: bool,
    /// Chunks that stand on L2.
    pub chunks_posted: u32,
    /// Chunks of the list; 0 while not known.
    pub chunks: u32,
}

impl RoundReport {
    /// Why the round failed, if it did and the code is known here.
    pub fn reason(&self) -> Option<RoundFailure> {
        self.failure
            .as_ref()
            .and_then(|(code, _)| RoundFailure::from_code(*code))
    }
}

impl From<RoundReport> for v1::RoundStatus {
    fn from(report: RoundReport) -> Self {
        let (reason, detail) = report.failure.unwrap_or_default();
        Self {
            round: report.round.get(),
            phase: report.phase.to_wire().into(),
            reason,
            detail: cut(detail),
            leading_digest: report
                .leading
                .map_or_else(Vec::new, |digest| digest.0.to_vec()),
            signed_stake: report.signed.to_be_bytes().to_vec(),
            total_stake: report
                .total
                .map_or_else(Vec::new, |total| total.to_be_bytes().to_vec()),
            signers: report.signers,
            headers: report.headers,
            outcome_wanted: report.outcome_wanted,
            chunks_posted: report.chunks_posted,
            chunks: report.chunks,
        }
    }
}

impl TryFrom<v1::RoundStatus> for RoundReport {
    type Error = WireError;

    fn try_from(status: v1::RoundStatus) -> Result<Self, WireError> {
        Ok(Self {
            round: Round::new(status.round),
            phase: Phase::from_wire(status.phase)?,
            failure: (status.reason != 0).then(|| (status.reason, cut(status.detail))),
            leading: optional(&status.leading_digest, |bytes| {
                fixed("leading_digest", bytes).map(Digest)
            })?,
            signed: optional(&status.signed_stake, |bytes| {
                fixed("signed_stake", bytes).map(u128::from_be_bytes)
            })?
            .unwrap_or(0),
            total: optional(&status.total_stake, |bytes| {
                fixed("total_stake", bytes).map(u128::from_be_bytes)
            })?,
            signers: status.signers,
            headers: status.headers,
            outcome_wanted: status.outcome_wanted,
            chunks_posted: status.chunks_posted,
            chunks: status.chunks,
        })
    }
}

/// An empty field is none; anything else must parse.
fn optional<T>(
    bytes: &[u8],
    parse: impl FnOnce(&[u8]) -> Result<T, WireError>,
) -> Result<Option<T>, WireError> {
    if bytes.is_empty() {
        Ok(None)
    } else {
        parse(bytes).map(Some)
    }
}

/// Cuts words to what a reply may hold, at a character's edge.
fn cut(mut words: String) -> String {
    if words.len() > DETAIL_BYTES {
        let end = (0..=DETAIL_BYTES)
            .rev()
            .find(|end| words.is_char_boundary(*end))
            .unwrap_or(0);
        words.truncate(end);
    }
    words
}

/// Puts the parts of one list together; memory grows only with what has really come.
#[derive(Debug)]
pub struct ListAssembler {
    digest: Digest,
    count: u32,
    lowest: u32,
    next: u32,
    bytes: Vec<u8>,
}

impl ListAssembler {
    /// Begins with the first part, which is taken by [`Self::push`] like all others.
    pub fn begin(first: &v1::OutcomePart, limits: &WireLimits) -> Result<Self, WireError> {
        let digest = Digest(fixed("header_digest", &first.header_digest)?);
        if first.count > limits.entries {
            return Err(WireError::TooLong {
                got: first.count,
                most: limits.entries,
            });
        }
        Ok(Self {
            digest,
            count: first.count,
            lowest: first.lowest,
            next: 0,
            bytes: Vec::new(),
        })
    }

    /// The header that the list is said to belong to.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Adds the next part.
    pub fn push(&mut self, part: &v1::OutcomePart) -> Result<(), WireError> {
        if part.index != self.next {
            return Err(WireError::PartOrder {
                got: part.index,
                expected: self.next,
            });
        }
        if part.header_digest != self.digest.0 {
            return Err(WireError::PartsDiffer("header_digest"));
        }
        if (part.count, part.lowest) != (self.count, self.lowest) {
            return Err(WireError::PartsDiffer("count or lowest"));
        }
        let left = self.expected().saturating_sub(self.bytes.len());
        let expected = left.min(PART_ENTRIES * ENTRY_BYTES);
        if part.entries.len() != expected || (left == 0 && self.next > 0) {
            return Err(WireError::Width {
                field: "entries",
                got: part.entries.len(),
                expected,
            });
        }
        self.bytes.extend_from_slice(&part.entries);
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    /// The whole list, as it was claimed: whether it fits a root is asked by who has one.
    pub fn finish(self) -> Result<OutcomeList, WireError> {
        let expected = self.expected();
        if self.next == 0 || self.bytes.len() != expected {
            return Err(WireError::Short {
                got: self.bytes.len(),
                expected,
            });
        }
        let bad = |error: ListError| WireError::List(error.to_string());
        let list = OutcomeList::from_bytes(&self.bytes).map_err(bad)?;
        if list.lowest() == self.lowest {
            return Ok(list);
        }
        // A wrong position can be signed too, and is settled and refuted like any other lie.
        OutcomeList::claimed(list.entries().to_vec(), self.lowest).map_err(bad)
    }

    /// Bytes of the whole list.
    fn expected(&self) -> usize {
        usize::try_from(self.count)
            .unwrap_or(usize::MAX)
            .saturating_mul(ENTRY_BYTES)
    }
}

/// The parts of `list`, in order.
pub fn parts(digest: Digest, list: &OutcomeList) -> Vec<v1::OutcomePart> {
    let bytes = list.bytes();
    let count = u32::try_from(bytes.len() / ENTRY_BYTES).unwrap_or(u32::MAX);
    let part = |index: usize, entries: &[u8]| v1::OutcomePart {
        header_digest: digest.0.to_vec(),
        index: u32::try_from(index).unwrap_or(u32::MAX),
        count,
        lowest: list.lowest(),
        entries: entries.to_vec(),
    };
    if count == 0 {
        return vec![part(0, &[])];
    }
    bytes
        .chunks(PART_ENTRIES * ENTRY_BYTES)
        .enumerate()
        .map(|(index, entries)| part(index, entries))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quorate_canon::{OfferId, RequestId};
    use quorate_matching::{Capacity, Entry, NO_LOWEST};

    fn list(count: u64) -> OutcomeList {
        let entry = |n| Entry {
            offer: OfferId::new(n + 1),
            request: RequestId::new(n + 1),
            score: 1_000_000 - n,
            tie: n,
            used: Capacity::default(),
        };
        let lowest = u32::try_from(count)
            .unwrap()
            .checked_sub(1)
            .unwrap_or(NO_LOWEST);
        OutcomeList::claimed((0..count).map(entry).collect(), lowest).unwrap()
    }

    fn assemble(parts: &[v1::OutcomePart]) -> Result<OutcomeList, WireError> {
        let first = parts.first().unwrap();
        let mut assembler = ListAssembler::begin(first, &WireLimits::default())?;
        for part in parts {
            assembler.push(part)?;
        }
        assembler.finish()
    }

    #[test]
    fn lists_of_any_length_survive_the_wire() {
        for count in [0, 1, 255, 256, 257, 600] {
            let list = list(count);
            assert_eq!(
                assemble(&parts(Digest([7; 32]), &list)),
                Ok(list),
                "{count} entries"
            );
        }
    }

    #[test]
    fn a_claimed_lowest_that_is_wrong_is_kept_as_claimed() {
        let claimed = OutcomeList::claimed(list(3).entries().to_vec(), 0).unwrap();
        let got = assemble(&parts(Digest([7; 32]), &claimed)).unwrap();
        assert_eq!(got.outcome_root(), claimed.outcome_root());
    }

    #[test]
    fn parts_out_of_turn_missing_or_different_are_refused() {
        let whole = parts(Digest([7; 32]), &list(600));
        let swapped = [whole[1].clone(), whole[0].clone()];
        assert_eq!(
            assemble(&swapped),
            Err(WireError::PartOrder {
                got: 1,
                expected: 0
            })
        );
        assert!(matches!(
            assemble(&whole[..2]),
            Err(WireError::Short { .. })
        ));
        let mut other = whole.clone();
        other[1].count = 601;
        assert_eq!(
            assemble(&other),
            Err(WireError::PartsDiffer("count or lowest"))
        );
        let mut short = whole;
        short[0].entries.pop();
        assert!(matches!(
            assemble(&short),
            Err(WireError::Width {
                field: "entries",
                ..
            })
        ));
    }

    #[test]
    fn parts_beyond_the_last_are_refused() {
        let mut whole = parts(Digest([7; 32]), &list(256));
        whole.push(v1::OutcomePart {
            index: 1,
            entries: Vec::new(),
            ..whole[0].clone()
        });
        assert!(matches!(assemble(&whole), Err(WireError::Width { .. })));
    }

    #[test]
    fn a_list_beyond_the_limit_is_refused_by_its_first_part() {
        let part = v1::OutcomePart {
            count: 11,
            header_digest: vec![0; 32],
            ..Default::default()
        };
        let error = ListAssembler::begin(&part, &WireLimits { entries: 10 }).unwrap_err();
        assert_eq!(error, WireError::TooLong { got: 11, most: 10 });
    }

    #[test]
    fn receipts_survive_the_wire() {
        let rejected = VoteReceipt::rejected(VoteRejection::NoStake, "operator 3 has no stake");
        for receipt in [
            VoteReceipt {
                verdict: VoteVerdict::Accepted,
                outcome_wanted: true,
            },
            rejected,
        ] {
            let wire: v1::SubmitVoteReply = receipt.clone().into();
            assert_eq!(VoteReceipt::try_from(wire), Ok(receipt));
        }
    }

    #[test]
    fn reports_survive_the_wire() {
        let report = RoundReport {
            round: Round::new(9),
            phase: Phase::Certified,
            failure: Some((RoundFailure::NoOutcome.code(), "nobody".into())),
            leading: Some(Digest([1; 32])),
            signed: u128::MAX,
            total: Some(5),
            signers: 3,
            headers: 2,
            outcome_wanted: true,
            chunks_posted: 1,
            chunks: 4,
        };
        let wire: v1::RoundStatus = report.clone().into();
        assert_eq!(RoundReport::try_from(wire), Ok(report));
    }

    #[test]
    fn missing_fields_are_errors_and_no_panics() {
        assert!(VoteReceipt::try_from(v1::SubmitVoteReply::default()).is_err());
        assert!(RoundReport::try_from(v1::RoundStatus::default()).is_err());
        assert!(vote(&v1::SubmitVoteRequest::default()).is_err());
    }

    #[test]
    fn words_are_cut_at_a_character() {
        let cut = cut("ä".repeat(400));
        assert_eq!(cut.len(), 512);
        assert!(super::cut("ä".repeat(255) + "xä").ends_with('x'));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_vote_panic(bytes in proptest::collection::vec(any::<u8>(), 0..800)) {
            let _ = vote(&v1::SubmitVoteRequest { vote: bytes });
        }

        #[test]
        fn no_part_makes_the_assembler_panic_or_grow(
            digest in proptest::collection::vec(any::<u8>(), 31..34),
            index in 0u32..3, count in any::<u32>(), lowest in any::<u32>(),
            entries in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let part = v1::OutcomePart { header_digest: digest, index, count, lowest, entries };
            if let Ok(mut assembler) = ListAssembler::begin(&part, &WireLimits::default()) {
                let _ = assembler.push(&part);
                prop_assert!(assembler.bytes.capacity() <= 400);
                let _ = assembler.finish();
            }
        }
    }
}
