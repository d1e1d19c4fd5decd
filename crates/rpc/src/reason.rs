//! Why a vote was not taken, why a round came to nothing, why a lease ended: public tables of stable codes.
//!
//! The code stands in the log, in the metric's label (by name) and in the gRPC answer; docs/reasons.md
//! is printed from here and a test keeps it so. A code is never reused for something else.

use std::fmt;

/// A row of one of the tables.
pub trait Reason: Copy + fmt::Display {
    /// The stable number, never 0.
    fn code(self) -> u32;

    /// The reason behind a code, if this version knows it.
    fn from_code(code: u32) -> Option<Self>;
}

/// Writes an enum together with its table.
macro_rules! reasons {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $variant:ident = $code:literal, $label:literal, $retry:ident, $summary:literal, $todo:literal; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u32)]
        pub enum $name {
            $( #[doc = $summary] $variant = $code, )+
        }

        impl $name {
            /// Every reason, by ascending code.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];

            /// The stable number, never 0.
            pub const fn code(self) -> u32 {
                match self { $( Self::$variant => $code, )+ }
            }

            /// The reason behind a code, if this version knows it.
            pub const fn from_code(code: u32) -> Option<Self> {
                match code { $( $code => Some(Self::$variant), )+ _ => None }
            }

            /// Name in logs and in the labels of metrics.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $label, )+ }
            }

            /// What happened, in one sentence.
            pub const fn summary(self) -> &'static str {
                match self { $( Self::$variant => $summary, )+ }
            }

            /// What whoever reads this can do.
            pub const fn remedy(self) -> &'static str {
                match self { $( Self::$variant => $todo, )+ }
            }

            /// Whether the same thing, tried again unchanged, may succeed.
            pub const fn is_retryable(self) -> bool {
                match self { $( Self::$variant => reasons!(@retry $retry), )+ }
            }
        }

        impl Reason for $name {
            fn code(self) -> u32 {
                self.code()
            }

            fn from_code(code: u32) -> Option<Self> {
                Self::from_code(code)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
    (@retry again) => { true };
    (@retry final) => { false };
}

reasons! {
    /// Why a vote was not counted.
    pub enum VoteRejection {
        Malformed = 1, "malformed", final,
            "The bytes are no vote: wrong length, or the signature is no point of the group.",
            "Check that both sides run the same version.";
        WrongDomain = 2, "wrong_domain", final,
            "The header names other chains, another contract, AVS, operator set or protocol version.",
            "Compare the operator's chain ids and addresses with the aggregator's.";
        RoundNotClosed = 3, "round_not_closed", again,
            "The round has not closed yet.",
            "Check the clock of the sender; send again after the close.";
        RoundOver = 4, "round_over", final,
            "The round's deadline has passed, or it is no longer kept.",
            "Nothing; if it happens often, the operator is too slow or too far behind.";
        NoStakeTable = 5, "no_stake_table", again,
            "The stake table of the round's epoch is not complete on L2 yet.",
            "See that the table was fixed on L1 and its pages posted on L2; send again.";
        UnknownOperator = 6, "unknown_operator", final,
            "The operator's index is not in the epoch's table.",
            "The operator joined later than this epoch's table; its votes count from the next one on.";
        NoStake = 7, "no_stake", final,
            "The operator has no stake in the epoch's table.",
            "Allocate stake to the operator set; it counts from the next table on.";
        BadSignature = 8, "bad_signature", final,
            "The signature is not the operator's over this header.",
            "Check that the operator signs with the key that it registered.";
        TooManyFailures = 9, "too_many_failures", final,
            "Too many bad signatures came from this address under this operator's index in this round; no more are checked.",
            "Find out who sends votes in this operator's name; the operator's own votes from another address still count.";
        Equivocation = 10, "equivocation", final,
            "The operator signed another header of this round before; both are kept as evidence.",
            "Stop the operator's second instance at once: this is slashed.";
        Overloaded = 11, "overloaded", again,
            "The aggregator has too much to do, or its store errs.",
            "Send again later, and to the other aggregators.";
    }
}

reasons! {
    /// Why a list of windows DOWN was not taken.
    pub enum ListRejection {
        Malformed = 1, "malformed", final,
            "The bytes are no list of windows DOWN, or the signature is no point of the group.",
            "Check that both sides run the same version.";
        WrongNetwork = 2, "wrong_network", final,
            "The list names other chains, another contract, AVS or operator set.",
            "Compare the operator's chain ids and addresses with the aggregator's.";
        EpochNotOver = 3, "epoch_not_over", again,
            "The health epoch is not over.",
            "Check the clock of the sender; send again after the epoch's last second.";
        EpochClosed = 4, "epoch_closed", final,
            "Lists of this health epoch are taken no more.",
            "Nothing; if it happens often, the operator is too slow or too far behind.";
        NotReady = 5, "not_ready", again,
            "The epoch's stake table, policy or beacon is not known here yet.",
            "Send again; see the aggregator's log for what it lacks.";
        NoStake = 6, "no_stake", final,
            "The operator has no stake in the epoch's table.",
            "Its seats count from the next table on.";
        BadSignature = 7, "bad_signature", final,
            "The signature is not the operator's over this list.",
            "Check that the operator signs with the key that it registered.";
        TooManyFailures = 8, "too_many_failures", final,
            "Too many bad signatures came from this address under this operator's index in this epoch; no more are checked.",
            "Find out who sends lists in this operator's name; its own from another address still count.";
        TooManyLists = 9, "too_many_lists", final,
            "The operator has handed in as many lists of this epoch as are taken.",
            "Nothing: what was taken counts. 64 lists hold 16,384 machines.";
        Overloaded = 10, "overloaded", again,
            "The aggregator has too much to do, or its store errs.",
            "Send again later, and to the other aggregators.";
    }
}

reasons! {
    /// Why receipts of sampled probes were not taken.
    pub enum ReceiptRejection {
        Malformed = 1, "malformed", final,
            "The message is not 1 to 16 receipts by ascending sample, or a signature is no point of the group.",
            "Check that both sides run the same version.";
        NotDrawn = 2, "not_drawn", again,
            "The sample of the stake epoch is not drawn on L2 yet, or not seen here.",
            "Send again; see that the aggregator's L2 endpoints are not behind.";
        EpochClosed = 3, "epoch_closed", final,
            "Work of this stake epoch is shown no more.",
            "Nothing; if it happens often, the operator is down too long, or too far behind.";
        NotReady = 4, "not_ready", again,
            "The stake table, policy or beacon of a sampled probe is not known here yet.",
            "Send again; see the aggregator's log for what it lacks.";
        NoStake = 5, "no_stake", final,
            "The operator has no stake in the epoch's table.",
            "Its work counts from the next table on.";
        NoSuchSample = 6, "no_such_sample", final,
            "The stake epoch has no such sample, or the operator does not sit on its committee.",
            "Compare both sides' L2 endpoints and versions: they see different samples.";
        BadSignature = 7, "bad_signature", final,
            "A signature is not the operator's over the receipt of its sample.",
            "Check that the operator signs with the key that it registered, and that both sides see the same sample.";
        TooManyFailures = 8, "too_many_failures", final,
            "Too many bad signatures came from this address under this operator's index in this epoch; no more are checked.",
            "Find out who sends receipts in this operator's name; its own from another address still count.";
        Overloaded = 9, "overloaded", again,
            "The aggregator has too much to do, or its store errs.",
            "Send again later, and to the other aggregators.";
        NotCollecting = 10, "not_collecting", final,
            "This aggregator does not show operators' work: it has no Tally contract configured.",
            "Hand them in at another aggregator; anyone may show work.";
    }
}

reasons! {
    /// Why a receipt that contradicts a list was not taken.
    pub enum ContradictionRejection {
        Malformed = 1, "malformed", final,
            "The message names a window above 255, or the signature has another width or is no point of the group.",
            "Check that both sides run the same version.";
        NotAccused = 2, "not_accused", final,
            "No list that was handed in here has the operator call that window of the machine DOWN.",
            "Ask again who called the machine DOWN; other aggregators may know of more lists.";
        EpochNotOver = 3, "epoch_not_over", again,
            "The health epoch is not over.",
            "Check the clock of the sender; send again after the epoch's last second.";
        EpochClosed = 4, "epoch_closed", final,
            "The epoch's time for appeals is over: its lists are kept no more.",
            "Nothing; if it happens often, the agent is down too long.";
        NotReady = 5, "not_ready", again,
            "The epoch's stake table, policy or beacon is not known here yet.",
            "Send again; see the aggregator's log for what it lacks.";
        BadSignature = 6, "bad_signature", final,
            "The signature is not the operator's over the receipt of that window.",
            "Check that the agent and the aggregator name the same chains and contracts.";
        TooManyFailures = 7, "too_many_failures", final,
            "Too many bad signatures came from this address under this operator's index in this epoch; no more are checked.",
            "Find out who sends receipts in this operator's name; others' from another address still count.";
        Overloaded = 8, "overloaded", again,
            "The aggregator has too much to do, or its store errs.",
            "Send again later, and to the other aggregators.";
        NotJudging = 9, "not_judging", final,
            "This aggregator takes no evidence to L1: it has no Health contract configured, or duties.evidence is off.",
            "Hand it in at another aggregator; anyone may take it to L1.";
    }
}

reasons! {
    /// Why a round came to nothing here, or was not brought to its end.
    pub enum RoundFailure {
        NoQuorum = 1, "no_quorum", final,
            "Too little stake signed one header before the deadline.",
            "See which operators are absent or disagree; GetRound tells the headers and the stake.";
        NoStakeTable = 2, "no_stake_table", again,
            "The stake table of the round's epoch is not complete on L2.",
            "Post the table's pages; an epoch without a table has no live rounds.";
        WrongSeed = 3, "wrong_seed", final,
            "The header's seed does not follow from the round's beacon.",
            "See the operators' beacon chain; a certificate like this is never sent.";
        NoBeacon = 4, "no_beacon", again,
            "No relay gave the round's beacon, or none that verifies.",
            "Check the relays; without a beacon the round is void by rule.";
        CertificateRefused = 5, "certificate_refused", final,
            "The certificate is good here, but the contract would not take it.",
            "The reason in the log is the contract's own; a different seed, policy or schedule is the usual one.";
        NotSettledInTime = 6, "not_settled_in_time", final,
            "No settlement was mined before the deadline.",
            "Raise the fee cap, check the sender's balance and the L2 endpoints.";
        NoOutcome = 7, "no_outcome", again,
            "No operator behind the certified header sent a list that fits its root.",
            "Anyone who has the list can post its chunks.";
        ChunkRefused = 8, "chunk_refused", final,
            "The contract would not take a chunk of the outcome.",
            "The reason in the log is the contract's own.";
        Superseded = 9, "superseded", final,
            "Another header of this round was certified on L2.",
            "Look for equivocation: two certificates need signers in common.";
        Refuted = 10, "refuted", final,
            "The round was refuted on L2 and is void.",
            "See the verdict on chain; its signers lose stake.";
        ChainUnreachable = 11, "chain_unreachable", again,
            "L1 or L2 could not be asked.",
            "Check the endpoints; the work goes on as soon as one answers.";
        ProposalRefused = 12, "proposal_refused", final,
            "Nobody certified the round by half of its time-out, and it could not be proposed here.",
            "The reason in the log tells: a bond above max_bond_wei, too little stake behind one header, or the contract's own.";
        StruckSigners = 13, "struck_signers", again,
            "Operators that L2 has struck had signed the certificate: it is built again without them.",
            "Nothing; while too little stake is left for a quorum, rounds are settled by proposal.";
    }
}

reasons! {
    /// Why a lease ended: the `reason` of `LeaseClosed`.
    pub enum LeaseEnd {
        Tenant = 1, "tenant", final,
            "Its tenant or payer ended it early; it costs at least the policy's least charge, unless a second was not served.",
            "Settle it: what it can never cost any more comes back at once.";
        Provider = 2, "provider", final,
            "Its provider asked for the machine back, with the notice that its offer named; served seconds are paid, and its reputation falls.",
            "Request another machine; the tenant may leave before the notice is over and pays no least charge.";
        TermOver = 3, "term_over", final,
            "Its time was over, with all extensions.",
            "Extend it before then, or request again.";
        VoidRound = 4, "void_round", final,
            "The round that made it came to nothing; it went on until the policy's notice was over or a side ended it, and served seconds are paid.",
            "Request again.";
        Annulled = 5, "annulled", final,
            "It was shown that request and machine never fitted; nothing is paid, and everything comes back.",
            "Request again.";
    }
}

/// The text of docs/reasons.md.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Reasons\n\n\
         Stable codes, printed from `crates/rpc/src/reason.rs` (`cargo test -p quorate-rpc` tells when this page is stale, \
         and `UPDATE=1 cargo test -p quorate-rpc` writes it). The code stands in gRPC answers (that of a lease on chain, in \
         `LeaseClosed`), the name in logs and in the label `reason` of metrics. *Again* means that the same thing, tried again unchanged, may succeed.\n",
    );
    section(
        &mut page,
        "Vote rejections",
        VoteRejection::ALL.iter().map(|r| {
            row(
                r.code(),
                r.name(),
                r.is_retryable(),
                r.summary(),
                r.remedy(),
            )
        }),
    );
    section(
        &mut page,
        "List rejections",
        ListRejection::ALL.iter().map(|r| {
            row(
                r.code(),
                r.name(),
                r.is_retryable(),
                r.summary(),
                r.remedy(),
            )
        }),
    );
    section(
        &mut page,
        "Receipt rejections",
        ReceiptRejection::ALL.iter().map(|r| {
            row(
                r.code(),
                r.name(),
                r.is_retryable(),
                r.summary(),
                r.remedy(),
            )
        }),
    );
    section(
        &mut page,
        "Contradiction rejections",
        ContradictionRejection::ALL.iter().map(|r| {
            row(
                r.code(),
                r.name(),
                r.is_retryable(),
                r.summary(),
                r.remedy(),
            )
        }),
    );
    section(
        &mut page,
        "Round failures",
        RoundFailure::ALL.iter().map(|r| {
            row(
                r.code(),
                r.name(),
                r.is_retryable(),
                r.summary(),
                r.remedy(),
            )
        }),
    );
    section(
        &mut page,
        "Ends of leases",
        LeaseEnd::ALL.iter().map(|r| {
            row(
                r.code(),
                r.name(),
                r.is_retryable(),
                r.summary(),
                r.remedy(),
            )
        }),
    );
    page
}

/// Adds one table.
fn section(page: &mut String, title: &str, rows: impl Iterator<Item = String>) {
    page.push_str(&format!("\n## {title}\n\n| code | name | again | what happened | what to do |\n| ---: | --- | --- | --- | --- |\n"));
    for row in rows {
        page.push_str(&row);
    }
}

/// One line of a table.
fn row(code: u32, name: &str, again: bool, summary: &str, remedy: &str) -> String {
    let again = if again { "yes" } else { "no" };
    format!("| {code} | `{name}` | {again} | {summary} | {remedy} |\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, path::Path};

    #[test]
    fn the_page_is_not_stale() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reasons.md");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&page, markdown()).expect("the page is writable");
        }
        let stored = std::fs::read_to_string(&page).unwrap_or_default();
        assert_eq!(stored, markdown(), "run UPDATE=1 cargo test -p quorate-rpc");
    }

    #[test]
    fn codes_are_distinct_and_survive_the_wire() {
        let codes: BTreeSet<_> = VoteRejection::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(codes.len(), VoteRejection::ALL.len());
        assert!(
            VoteRejection::ALL
                .iter()
                .all(|r| VoteRejection::from_code(r.code()) == Some(*r))
        );
        assert!(
            RoundFailure::ALL
                .iter()
                .all(|r| RoundFailure::from_code(r.code()) == Some(*r))
        );
        assert!(
            ReceiptRejection::ALL
                .iter()
                .all(|r| ReceiptRejection::from_code(r.code()) == Some(*r))
        );
        assert!(
            ContradictionRejection::ALL
                .iter()
                .all(|r| ContradictionRejection::from_code(r.code()) == Some(*r))
        );
        assert!(
            LeaseEnd::ALL
                .iter()
                .all(|r| LeaseEnd::from_code(r.code()) == Some(*r))
        );
    }

    #[test]
    fn zero_and_unknown_codes_mean_nothing() {
        assert_eq!(VoteRejection::from_code(0), None);
        assert_eq!(RoundFailure::from_code(u32::MAX), None);
    }
}
