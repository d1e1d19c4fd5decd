//! What follows from an aggregator's verdict about a receipt.

use quorate_rpc::ContradictionRejection;
use quorate_rpc::wire::ContradictionVerdict;

/// What became of one receipt.
pub(super) enum Fate {
    /// This operator is settled here.
    Settled,
    /// The same may be taken later.
    Again,
    /// Nothing about this epoch is taken here.
    Closed,
    /// The aggregator does not answer.
    Silent,
}

/// What follows from a verdict. A code that only newer versions know is none to wait for.
pub(super) fn fate(verdict: &ContradictionVerdict) -> Fate {
    use ContradictionRejection::{EpochClosed, NotJudging};
    match (verdict, verdict.rejection()) {
        (_, Some(NotJudging | EpochClosed)) => Fate::Closed,
        (_, Some(reason)) if reason.is_retryable() => Fate::Again,
        _ => Fate::Settled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_settles_an_operator_or_the_epoch_or_is_waited_for() {
        let of = |reason| match fate(&ContradictionVerdict::rejected(reason, "")) {
            Fate::Settled => "settled",
            Fate::Again => "again",
            Fate::Closed => "closed",
            Fate::Silent => "silent",
        };
        for reason in ContradictionRejection::ALL {
            let expected = match reason {
                ContradictionRejection::NotJudging | ContradictionRejection::EpochClosed => {
                    "closed"
                }
                reason if reason.is_retryable() => "again",
                _ => "settled",
            };
            assert_eq!(of(*reason), expected, "{reason}");
        }
        let unknown = ContradictionVerdict::Rejected {
            code: 4_000_000,
            detail: String::new(),
            of: std::marker::PhantomData,
        };
        assert!(matches!(fate(&unknown), Fate::Settled));
        for taken in [
            ContradictionVerdict::Accepted,
            ContradictionVerdict::Duplicate,
        ] {
            assert!(matches!(fate(&taken), Fate::Settled));
        }
    }
}
