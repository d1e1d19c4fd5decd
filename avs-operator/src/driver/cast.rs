//! From an outcome that the contracts have seen to a vote: look at the snapshot again, ask the
//! ledger, send.

use quorate_canon::Timestamp;
use quorate_protocol::rules::SnapshotId;

use super::{Abstain, Driver, Parts, work::Ready};
use crate::{OperatorError, compute::Prepared, observe::Abstention, self_check::Objection};

impl Driver {
    /// Signs and sends, unless something speaks against it.
    pub(super) fn vote(&mut self, ready: &Ready) -> Result<Result<(), Abstain>, OperatorError> {
        let Ready {
            prepared,
            computed,
            objection,
            arrived,
        } = ready;
        // First the snapshot: where it is gone, the contracts cannot be asked about it either.
        if let Err(abstain) = self
            .same_snapshot(prepared)
            .and_then(|()| object(objection))
        {
            return Ok(Err(abstain));
        }
        let Parts {
            voter,
            archive,
            post,
            observe,
            schedule,
            ..
        } = &mut self.parts;
        let round = prepared.round;
        // First, so that a vote whose sending is cut short comes back with its list. It can be derived
        // again, so the vote does not hang on it: that hangs on the ledger only.
        if let Err(error) = archive.put(round, &computed.list) {
            observe.not_kept("the round's list", &error);
        }
        let ballots = match voter.vote(prepared, computed) {
            Ok(ballots) => ballots,
            Err(error) if error.is_refusal() => {
                return Ok(Err(Abstain(Abstention::LedgerRefused, error.to_string())));
            }
            Err(error) => return Err(error.into()),
        };
        let deadline: Timestamp = schedule.deadline(round)?;
        for ballot in &ballots {
            post.send(ballot, deadline);
            observe.voted(round, ballot.vote.digest(), arrived.elapsed());
        }
        Ok(Ok(()))
    }

    /// The snapshot's block must still be on the chain as this node knows it.
    fn same_snapshot(&self, prepared: &Prepared) -> Result<(), Abstain> {
        let SnapshotId { number, hash } = prepared.snapshot;
        let now = self.parts.reader.block(number).map(|block| block.hash);
        if now == Some(hash) {
            return Ok(());
        }
        let now = now.map_or_else(|| "no such block".to_owned(), |hash| hash.to_string());
        let detail = format!("block {number}: fixed {hash}, now {now}");
        Err(Abstain(Abstention::SnapshotReplaced, detail))
    }
}

fn object(objection: &Option<Objection>) -> Result<(), Abstain> {
    let (reason, detail) = match objection {
        None => return Ok(()),
        Some(Objection::Disagrees(detail)) => (Abstention::ContractDisagrees, detail),
        Some(Objection::Unanswered(detail)) => (Abstention::ContractSilent, detail),
    };
    Err(Abstain(reason, detail.clone()))
}
