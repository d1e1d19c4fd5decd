//! Between the generated trait and the handler: nothing generated gets past this file.

use std::{sync::Arc, time::Duration};

use quorate_canon::Round;
use quorate_proto::v1::{self, aggregator_server::Aggregator};
use tonic::{Request, Response, Status, Streaming};

use crate::{
    VoteRejection, WireError, WireLimits, addresses,
    handler::{Handler, ListRefusal},
    wire::{self, ListAssembler, VoteReceipt},
};

/// Stands between the generated trait and the handler.
pub(crate) struct Edge<H> {
    pub(crate) handler: Arc<H>,
    pub(crate) wire: WireLimits,
    /// How long a part of a list may take.
    pub(crate) part_timeout: Duration,
}

#[tonic::async_trait]
impl<H: Handler> Aggregator for Edge<H> {
    async fn submit_vote(
        &self,
        request: Request<v1::SubmitVoteRequest>,
    ) -> Result<Response<v1::SubmitVoteReply>, Status> {
        let peer = request
            .remote_addr()
            .map(|address| addresses::group(address.ip()));
        let receipt = match wire::vote(request.get_ref()) {
            Ok(vote) => self.handler.vote(vote, peer).await,
            Err(error) => {
                self.handler.malformed(&error);
                VoteReceipt::rejected(VoteRejection::Malformed, error.to_string())
            }
        };
        Ok(Response::new(receipt.into()))
    }

    async fn submit_outcome(
        &self,
        request: Request<Streaming<v1::OutcomePart>>,
    ) -> Result<Response<v1::SubmitOutcomeReply>, Status> {
        let peer = request
            .remote_addr()
            .map(|address| addresses::group(address.ip()));
        let mut parts = request.into_inner();
        let first = self
            .next(&mut parts)
            .await?
            .ok_or_else(|| Status::invalid_argument("no part came"))?;
        let mut list = ListAssembler::begin(&first, &self.wire).map_err(invalid)?;
        let digest = list.digest();
        let Some(admission) = self.handler.admit(digest, peer).await? else {
            return Ok(Response::new(v1::SubmitOutcomeReply { stored: false }));
        };
        list.push(&first).map_err(invalid)?;
        while let Some(part) = self.next(&mut parts).await? {
            if !self.handler.stands(&admission) {
                return Err(ListRefusal::Busy.into());
            }
            list.push(&part).map_err(invalid)?;
        }
        let list = list.finish().map_err(invalid)?;
        let stored = self.handler.list(digest, list, admission).await?;
        Ok(Response::new(v1::SubmitOutcomeReply { stored }))
    }

    async fn get_round(
        &self,
        request: Request<v1::GetRoundRequest>,
    ) -> Result<Response<v1::RoundStatus>, Status> {
        let round = Round::new(request.get_ref().round);
        match self.handler.round(round).await {
            Some(report) => Ok(Response::new(report.into())),
            None => Err(Status::not_found(format!(
                "round {round} is not known here"
            ))),
        }
    }
}

impl<H> Edge<H> {
    /// The next part of a list. A sender that stalls holds a place that others could use.
    async fn next(
        &self,
        parts: &mut Streaming<v1::OutcomePart>,
    ) -> Result<Option<v1::OutcomePart>, Status> {
        let part = tokio::time::timeout(self.part_timeout, parts.message()).await;
        part.map_err(|_| {
            let limit = self.part_timeout.as_millis();
            Status::deadline_exceeded(format!("no part of the list came for {limit} ms"))
        })?
    }
}

/// A message that breaks the protocol, as a status.
#[allow(clippy::needless_pass_by_value)] // the shape of `map_err`
fn invalid(error: WireError) -> Status {
    Status::invalid_argument(error.to_string())
}
