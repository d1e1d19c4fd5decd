//! The real part of the market: enough machines and requests for the chunks that are posted.

use alloy::providers::Provider;
use quorate_canon::{OfferId, RequestId};
use quorate_matching::{
    Capacity, Entry, OutcomeList, PairRank, ScorePolicy, eligible, factors, score, tie,
};

use super::super::{
    ground::{Ground, Truth, failed},
    stall::{Stall, model, offer, request},
};
use crate::Error;

/// Matches of a chunk, and of a machine.
pub(super) const CHUNK: u64 = 256;
pub(super) const EACH: u64 = 4;
/// Machines of one chunk.
const MACHINES: u64 = CHUNK / EACH;
/// Requests beyond those that chunks need: some of them rank where a case needs them.
pub(super) const SPARE: u64 = 16;
/// Two lists with two real chunks each, and what is spare.
const REQUESTS: u64 = 4 * CHUNK + SPARE;
/// Offers of requests that nobody made.
pub(super) const NOBODY: u64 = 1 << 50;

/// Ids of the orders that lie on the chain.
pub(super) struct Book {
    /// 128 machines of the model that all requests ask for; the last has room for more than four.
    pub(super) machines: Vec<OfferId>,
    /// A machine of another model.
    pub(super) other: OfferId,
    pub(super) requests: Vec<RequestId>,
}

impl Book {
    /// Posts all orders.
    ///
    /// # Errors
    /// When a call reverts.
    pub(super) async fn open(ground: &Ground) -> Result<Self, Error> {
        let stall = Stall::open(&ground.anvil, &ground.owner, &ground.l2).await?;
        let head = ground
            .anvil
            .provider()
            .get_block(Default::default())
            .await?;
        let now = head.map_or(0, |block| block.header.timestamp);
        let count = 2 * MACHINES;
        let mut offers: Vec<_> = (0..count)
            .map(|number| offer_of("t4", 16, number, now))
            .collect::<Result<_, _>>()?;
        offers.push(offer_of("l4", 16, count, now)?);
        stall.post_offers(&offers, |_| ()).await?;
        let wanted = model("t4")?;
        let requests: Vec<_> = (0..REQUESTS)
            .map(|number| request(wanted, 150, number, now))
            .collect();
        stall.post_requests(&requests, |_| ()).await?;
        Ok(Self {
            machines: (1..=count).map(OfferId::new).collect(),
            other: OfferId::new(count + 1),
            requests: (1..=REQUESTS).map(RequestId::new).collect(),
        })
    }

    /// The requests that are spare.
    pub(super) fn spare(&self) -> &[RequestId] {
        let spare = usize::try_from(SPARE).unwrap_or_default();
        let from = self.requests.len().saturating_sub(spare);
        self.requests.get(from..).unwrap_or_default()
    }
}

fn offer_of(
    short: &str,
    gpus: u8,
    number: u64,
    now: u64,
) -> Result<quorate_matching::Offer, Error> {
    Ok(offer(model(short)?, gpus, number, now))
}

/// Where a pair stands, by the rules.
///
/// # Errors
/// When it is no pair of the round.
pub(super) fn rank(
    truth: &Truth,
    policy: &ScorePolicy,
    request: RequestId,
    offer: OfferId,
) -> Result<PairRank, Error> {
    let missing = || failed(format!("request {request} with offer {offer} is no pair"));
    let wanted = truth.snapshot.request(request).ok_or_else(missing)?;
    let machine = truth.snapshot.offer(offer).ok_or_else(missing)?;
    eligible(&wanted.request, machine, policy, &truth.context).map_err(failed)?;
    let tie = tie(wanted, machine, &truth.header.seed);
    let factors = factors(wanted, machine, policy, &truth.context, tie);
    Ok(PairRank {
        score: score(wanted, &factors, policy, &truth.context),
        tie,
        request,
        offer,
    })
}

/// The entries of one machine with these requests, as a right list would have them.
///
/// # Errors
/// When a pair is none.
pub(super) fn entries(
    truth: &Truth,
    policy: &ScorePolicy,
    offer: OfferId,
    requests: &[RequestId],
) -> Result<Vec<Entry>, Error> {
    let mut ranks = requests
        .iter()
        .map(|request| rank(truth, policy, *request, offer))
        .collect::<Result<Vec<_>, _>>()?;
    ranks.sort_unstable_by(|a, b| b.cmp(a));
    let mut used = Capacity::ZERO;
    let mut entries = Vec::with_capacity(ranks.len());
    for rank in ranks {
        let demand = truth
            .snapshot
            .request(rank.request)
            .map(|r| r.request.demand());
        used = demand
            .and_then(|demand| used.checked_add(&demand))
            .ok_or_else(|| failed("a machine is overfull"))?;
        entries.push(Entry {
            offer,
            request: rank.request,
            score: rank.score,
            tie: rank.tie,
            used,
        });
    }
    Ok(entries)
}

/// A list of `count` entries: the real ones at their places, and filler before, between and behind.
/// Offers ascend, as they do in a list that is to be believed.
///
/// # Errors
/// When a place is beyond the list.
pub(super) fn list(count: u32, real: &[(u32, Entry)], lowest: u32) -> Result<OutcomeList, Error> {
    let mut all: Vec<Entry> = (0..u64::from(count)).map(filler).collect();
    let mut last = OfferId::new(0);
    let mut from = 0;
    for (at, entry) in real {
        let at = usize::try_from(*at).map_err(failed)?;
        for between in all.get_mut(from..at).unwrap_or_default() {
            between.offer = last;
        }
        *all.get_mut(at).ok_or_else(|| failed("beyond the list"))? = *entry;
        (last, from) = (entry.offer, at + 1);
    }
    OutcomeList::claimed(all, lowest).map_err(failed)
}

/// A leaf that is never opened but as the one behind a pair, or as the lowest.
fn filler(at: u64) -> Entry {
    Entry {
        offer: OfferId::new(NOBODY + at),
        request: RequestId::new(NOBODY + at),
        ..Entry::default()
    }
}
