//! Why an order got what it got, or nothing, in words and numbers that anyone can compute again.

mod absent;
mod answer;
mod pair;
mod words;

use quorate_canon::{OfferId, RequestId, Round};
use quorate_matching::RoundContext;
use serde::Serialize;

pub use absent::Absent;
pub use answer::{Cut, OfferAnswer, RequestAnswer};
pub use pair::{Ahead, Pair, Part, Verdict};

use crate::{
    AuditError,
    inputs::{Right, RoundInputs},
    l2::L2,
    record::Record,
    report::time,
};

/// Which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// A request by id.
    Request(u64),
    /// An offer by id.
    Offer(u64),
}

/// What became of it in a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Which.
    pub order: Order,
    /// The round.
    pub round: u64,
    /// Its T: orders are as of then.
    pub time: u64,
    /// What a reader has to know beside, such as that the round was refuted.
    pub warnings: Vec<String>,
    /// What became of it.
    pub answer: Answer,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is not in the round.
    Absent(Absent),
    /// A request of the round.
    Request(RequestAnswer),
    /// An offer of the round.
    Offer(OfferAnswer),
}

impl L2 {
    /// Explains an order with its `show` best pairs. Without a round: the one that matched a request,
    /// else the last that has a header.
    ///
    /// # Errors
    /// [`AuditError::Unknown`] if no round has a header; [`AuditError::NotCertified`] for a round
    /// without one; [`AuditError::Missing`], [`AuditError::Chain`].
    pub async fn explain(
        &self,
        order: Order,
        round: Option<Round>,
        show: usize,
    ) -> Result<Explained, AuditError> {
        let round = match round {
            Some(round) => round,
            None => self.round_of(order)?,
        };
        let certified = self.reader.state().rounds.get(round);
        let certified = certified.ok_or(AuditError::NotCertified(round))?;
        let record = self.record(round, certified).await?;
        let context = self.schedule.context(round)?;
        let mut warnings = Vec::new();
        if let Some(refuted) = certified.refuted {
            let at = time(refuted.time);
            warnings.push(format!(
                "the round was refuted at {at} with code {}: this is what it should have been",
                refuted.code
            ));
        }
        let answer = match self.absent(order, &context) {
            Some(absent) => Answer::Absent(absent),
            None => {
                let inputs = self.inputs(round).await?;
                let right = inputs.right(&record.header.seed)?;
                warnings.extend(differs(&record, &right));
                answer(order, &inputs, &right, &record, show)
                    .ok_or_else(|| AuditError::missing(round, "the order is not in its snapshot"))?
            }
        };
        Ok(Explained {
            order,
            round: round.get(),
            time: context.time.get(),
            warnings,
            answer,
        })
    }

    /// The round that matched a request, else the last one with a header.
    fn round_of(&self, order: Order) -> Result<Round, AuditError> {
        let state = self.reader.state();
        if let Order::Request(id) = order
            && let Some((round, _)) = state
                .market
                .request_life(RequestId::new(id))
                .and_then(|life| life.matched)
        {
            return Ok(round);
        }
        let last = state.rounds.last().map(|(round, _)| round);
        last.ok_or_else(|| AuditError::Unknown("no round has a header yet".to_owned()))
    }

    fn absent(&self, order: Order, round: &RoundContext) -> Option<Absent> {
        let market = &self.reader.state().market;
        match order {
            Order::Request(id) => absent::request(market, RequestId::new(id), round),
            Order::Offer(id) => absent::offer(market, OfferId::new(id), round),
        }
    }
}

fn differs(record: &Record, right: &Right) -> Option<String> {
    let (got, expected) = (record.header.outcome_root, right.list.outcome_root());
    (got != expected).then(|| {
        format!(
            "the header commits to another outcome (root {got}, expected {expected}): this is what \
             the round should have been"
        )
    })
}

fn answer(
    order: Order,
    inputs: &RoundInputs,
    right: &Right,
    record: &Record,
    show: usize,
) -> Option<Answer> {
    let round = answer::Round::new(inputs, right, &record.header.seed);
    match order {
        Order::Request(id) => round.request(RequestId::new(id), show).map(Answer::Request),
        Order::Offer(id) => round.offer(OfferId::new(id), show).map(Answer::Offer),
    }
}
