//! Posting the chunks of a certified outcome, those that others posted left out.

use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt as _, stream};
use quorate_canon::{Digest, Timestamp};
use quorate_matching::{ChunkProof, OutcomeList};
use quorate_protocol::Header;
use quorate_rpc::RoundFailure;

use super::{
    Beacons,
    job::{Failure, LOOK, Work},
};
use crate::{
    chain::{Action, Chain, Fault, Standing},
    clock::now,
    store::{HeaderId, blocking},
};

/// Chunks that are on their way at a time.
const AT_A_TIME: usize = 8;

/// Looks at L2 after the last chunk, in which a reorganisation would still be noticed.
const LOOKS_BACK: u32 = 10;

/// How posting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The last chunk stands.
    Settled,
    /// The header does not stand any more.
    Lost,
}

/// Posts what is missing until the round has ended or its deadline has passed.
pub(super) async fn post<C: Chain, B: Beacons>(
    work: &Work<C, B>,
    digest: Digest,
    deadline: Timestamp,
) -> Result<End, Failure> {
    let mut last = Failure::new(RoundFailure::NoOutcome, "no list came");
    let mut list: Option<(Header, OutcomeList)> = None;
    let mut lists = work.tools.lists.clone();
    let mut failures = 0;
    loop {
        lists.mark_unchanged();
        match work.look().await {
            // A certificate took a proposal's place, or the chain was reorganised.
            Ok(on_chain) if on_chain.digest != digest => return Ok(End::Lost),
            Ok(on_chain) => match on_chain.standing {
                Standing::Settled => {
                    work.tools
                        .observe
                        .round_settled(work.round, on_chain.posted);
                    return Ok(look_back(work).await);
                }
                Standing::Refuted => return Err(Failure::new(RoundFailure::Refuted, "")),
                Standing::None => return Ok(End::Lost),
                Standing::Certified => {
                    if let Some((_, list)) = &list {
                        work.tell_chunks(on_chain, list.count()).await;
                    }
                }
            },
            Err(fault) => last = Failure::new(RoundFailure::ChainUnreachable, fault),
        }
        if now() > deadline {
            return Err(last);
        }
        if list.is_none() {
            list = find(work, digest).await;
        }
        match &list {
            // One that comes ends the pause; others may post meanwhile, so it is short.
            None => drop(tokio::time::timeout(LOOK, lists.changed()).await),
            Some((header, list)) => {
                if let Err(failure) = post_missing(work, header, list, deadline).await {
                    last = failure;
                    work.wait(&last, failures).await;
                    failures += 1;
                }
            }
        }
    }
}

/// Keeps an eye on a settled round for a while.
async fn look_back<C: Chain, B: Beacons>(work: &Work<C, B>) -> End {
    for _ in 0..LOOKS_BACK {
        tokio::time::sleep(LOOK).await;
        match work.look().await {
            Ok(on_chain) if matches!(on_chain.standing, Standing::None | Standing::Certified) => {
                return End::Lost;
            }
            _ => {}
        }
    }
    End::Settled
}

/// The list and the header that commits to it, if both are here.
async fn find<C: Chain, B: Beacons>(
    work: &Work<C, B>,
    digest: Digest,
) -> Option<(Header, OutcomeList)> {
    let header = work.tools.mailbox.header(digest).await?.header;
    let (store, id) = (
        Arc::clone(&work.tools.store),
        HeaderId {
            round: work.round,
            digest,
        },
    );
    match blocking(move || store.list(id)).await {
        Ok(list) => list.map(|list| (header, list)),
        Err(error) => {
            work.tools.observe.store_failed(error);
            None
        }
    }
}

/// Posts the chunks that do not stand yet, several at a time. One that is refused does not keep
/// the others back.
async fn post_missing<C: Chain, B: Beacons>(
    work: &Work<C, B>,
    header: &Header,
    list: &OutcomeList,
    deadline: Timestamp,
) -> Result<(), Failure> {
    let posted = work.tools.chain.posted(work.round).await;
    let posted: BTreeSet<u32> =
        posted.map_err(|fault| Failure::new(RoundFailure::ChainUnreachable, fault))?;
    let missing: Vec<u32> = (0..list.chunks())
        .filter(|chunk| !posted.contains(chunk))
        .collect();
    let results: Vec<_> = stream::iter(missing)
        .map(|chunk| post_one(work, header, list.chunk(chunk), deadline))
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    results
        .into_iter()
        .find_map(Result::err)
        .map_or(Ok(()), Err)
}

async fn post_one<C: Chain, B: Beacons>(
    work: &Work<C, B>,
    header: &Header,
    chunk: Option<ChunkProof>,
    deadline: Timestamp,
) -> Result<(), Failure> {
    let Some(chunk) = chunk else {
        return Ok(());
    };
    let action = Action::PostChunk {
        header: Box::new(*header),
        chunk: Box::new(chunk),
    };
    let result = work.tools.chain.act(&action, deadline).await;
    work.tools.observe.acted(&action, &result);
    match result {
        Ok(_) => Ok(()),
        Err(fault @ Fault::Unreachable(_)) => {
            Err(Failure::new(RoundFailure::ChainUnreachable, fault))
        }
        Err(fault @ Fault::Expired) => Err(Failure::new(RoundFailure::NotSettledInTime, fault)),
        Err(fault) => Err(Failure::new(RoundFailure::ChunkRefused, fault)),
    }
}
