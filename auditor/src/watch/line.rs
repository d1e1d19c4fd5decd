//! What a watcher says: one value for each round and each action, one JSON object a line.

use quorate_canon::Round;
use serde::Serialize;

use super::trial::Proof;
use crate::Finding;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Line {
    /// A round was judged, or could not be.
    Round(RoundLine),
    /// Something was tried, sent, or done.
    Action(ActionLine),
    /// A reorganisation took the block of a header with it: what was found there does not count.
    TakenBack {
        /// The round.
        round: u64,
        /// Digest of the header that stood there.
        digest: String,
        /// What had been found.
        judgement: Judgement,
    },
}

/// What is found of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// The header commits to the one outcome.
    Right,
    /// It does not.
    Wrong,
    /// It does not, and what would show that to a contract is not posted (yet).
    Withheld,
    /// Something is missing, or two sources disagree.
    Unsure,
}

/// Where a round stands on L2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Chunks may still come.
    Posting,
    /// Posted in full, inside its windows.
    Challengeable,
    /// Posted in full and out of its windows.
    Final,
    /// Refuted.
    Refuted,
    /// Not posted by its deadline.
    Void,
}

/// A round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoundLine {
    /// Its number.
    pub round: u64,
    /// Digest of the header that stands in it.
    pub digest: String,
    /// Whether it was proposed with a bond and not certified; absent while not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposed: Option<bool>,
    /// Where it stands.
    pub standing: Standing,
    /// What is found.
    pub judgement: Judgement,
    /// Requests in the round, if it was computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<usize>,
    /// Matches of the right outcome, if it was computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<usize>,
    /// What shows the fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultLine>,
    /// Differences that are no fault of their own, such as another inputs root.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Finding>,
    /// Why, where the fault does not say it; for doubts, what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A fault and its witness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultLine {
    /// The code of `docs/formats.md` section 13.
    pub code: u8,
    /// Position of the entry at fault, or 2^32 - 1.
    pub position: u32,
    /// In words.
    pub words: String,
    /// Kind of the witness.
    pub kind: u8,
    /// Width of the witness, bytes.
    pub bytes: usize,
    /// The witness, hex.
    pub witness: String,
}

impl FaultLine {
    pub(super) fn new(proof: &Proof) -> Self {
        let witness = proof.witness.to_bytes();
        Self {
            code: proof.refutation.code.code(),
            position: proof.refutation.position,
            words: proof.words.clone(),
            kind: proof.witness.kind(),
            bytes: witness.len(),
            witness: alloy::primitives::hex::encode_prefixed(&witness),
        }
    }
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// `Disputes.challenge`.
    Challenge,
    /// `Disputes.commit`.
    Commit,
    /// `Disputes.reveal`.
    Reveal,
    /// `Strikes.strike`.
    Strike,
    /// `Disputes.annul`.
    Annul,
    /// `Disputes.forfeit`, of our own commitment against a header that was replaced.
    Forfeit,
    /// `Disputes.withdraw`.
    Withdraw,
}

impl Deed {
    /// Its name, as JSON has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::Commit => "commit",
            Self::Reveal => "reveal",
            Self::Strike => "strike",
            Self::Annul => "annul",
            Self::Forfeit => "forfeit",
            Self::Withdraw => "withdraw",
        }
    }
}

/// How an action went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// A call shows that it would succeed; nothing was sent.
    WouldSucceed,
    /// A call shows that it would revert; nothing was sent.
    WouldRevert,
    /// Mined.
    Done,
    /// Not done; tried again at later blocks if it can help.
    Failed,
    /// Left to others, or too late.
    LeftOut,
}

impl Fate {
    /// Its name, as JSON has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WouldSucceed => "would_succeed",
            Self::WouldRevert => "would_revert",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::LeftOut => "left_out",
        }
    }
}

/// An action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActionLine {
    /// For which round; 0 for `withdraw`.
    pub round: u64,
    /// What.
    pub action: Deed,
    /// How it went.
    pub fate: Fate,
    /// The transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// Gas that it used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gas: Option<u64>,
    /// Why, or what next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ActionLine {
    pub(super) fn new(
        round: Round,
        action: Deed,
        fate: Fate,
        reason: impl Into<Option<String>>,
    ) -> Self {
        Self {
            round: round.get(),
            action,
            fate,
            transaction: None,
            gas: None,
            reason: reason.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_it_is_and_leaves_out_what_it_has_not() {
        let line = Line::Action(ActionLine::new(
            Round::new(7),
            Deed::Challenge,
            Fate::WouldSucceed,
            None,
        ));
        let json = serde_json::to_value(&line).unwrap();
        let expected = serde_json::json!({
            "event": "action", "round": 7, "action": "challenge", "fate": "would_succeed"
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn names_are_those_of_the_json() {
        for deed in [
            Deed::Challenge,
            Deed::Commit,
            Deed::Reveal,
            Deed::Strike,
            Deed::Annul,
            Deed::Forfeit,
            Deed::Withdraw,
        ] {
            assert_eq!(serde_json::to_value(deed).unwrap(), deed.name());
        }
        for fate in [
            Fate::WouldSucceed,
            Fate::WouldRevert,
            Fate::Done,
            Fate::Failed,
            Fate::LeftOut,
        ] {
            assert_eq!(serde_json::to_value(fate).unwrap(), fate.name());
        }
    }
}
