//! Handing the receipts of one sample in.

use std::collections::BTreeSet;

use futures::future::join_all;
use quorate_health::Sample;
use quorate_rpc::wire::ReceiptsVerdict;
use quorate_rpc::{ReceiptRejection, RpcError, SignedReceipts};

use super::work::{ShownError, Work, prepare};
use super::{Parts, Source};
use crate::prober::schedule::Plans;

/// A sample, and what is done about it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) sample: Sample,
    work: Work,
    /// Aggregators that have not answered for good, by their place in the configuration.
    pub(super) waiting: BTreeSet<usize>,
    /// Whether it was said that work is shown.
    announced: bool,
}

/// What there is to do about a sample.
pub(super) async fn begin<S: Source, P: Plans>(
    parts: &Parts<S, P>,
    sample: Sample,
) -> Result<Known, ShownError> {
    let work = prepare(parts, &sample).await?;
    parts.observe.sampled(&work);
    let nothing = work.receipts.is_empty();
    if nothing {
        parts.observe.shown(sample.epoch, &work);
    }
    Ok(Known {
        sample,
        work,
        waiting: match nothing {
            true => BTreeSet::new(),
            false => (0..parts.aggregators.len()).collect(),
        },
        announced: nothing,
    })
}

/// Hands receipts in where they have not been answered for good.
pub(super) async fn hand_in<S: Source, P: Plans>(parts: &Parts<S, P>, known: &mut Known) {
    if known.waiting.is_empty() {
        return;
    }
    let signed = SignedReceipts {
        epoch: known.sample.epoch,
        operator: parts.attester.operator(),
        receipts: known.work.receipts.clone(),
    };
    let clients = parts.aggregators.iter().enumerate();
    let waiting = clients.filter(|(at, _)| known.waiting.contains(at));
    let calls = waiting.map(|(at, client)| {
        let signed = &signed;
        async move { (at, client.endpoint(), client.submit_receipts(signed).await) }
    });
    for (at, endpoint, answer) in join_all(calls).await {
        match judge(answer) {
            // An aggregator that is down, or not ready, is asked again; the others are not kept up.
            Answer::Later => continue,
            Answer::Taken => {
                parts.observe.taken();
                if !std::mem::replace(&mut known.announced, true) {
                    parts.observe.shown(known.sample.epoch, &known.work);
                }
            }
            Answer::Refused(code, detail) => {
                parts
                    .observe
                    .refused(known.sample.epoch, endpoint, code, &detail);
            }
        }
        known.waiting.remove(&at);
    }
}

enum Answer {
    Taken,
    Later,
    Refused(u32, String),
}

fn judge(answer: Result<ReceiptsVerdict, RpcError>) -> Answer {
    let may_pass =
        |code| ReceiptRejection::from_code(code).is_some_and(ReceiptRejection::is_retryable);
    match answer {
        Ok(ReceiptsVerdict::Accepted | ReceiptsVerdict::Duplicate) => Answer::Taken,
        Ok(ReceiptsVerdict::Rejected { code, .. }) if may_pass(code) => Answer::Later,
        Ok(ReceiptsVerdict::Rejected { code, detail, .. }) => Answer::Refused(code, detail),
        Err(_) => Answer::Later,
    }
}
