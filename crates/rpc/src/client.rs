//! One aggregator, as an operator or a provider's agent sees it. Connects when first used and again whenever it must; that
//! the aggregator is down is an error of the call, never of the client.

use futures::stream;
use quorate_canon::{Digest, HealthEpoch, OfferId, Round};
use quorate_health::DownList;
use quorate_matching::OutcomeList;
use quorate_proto::v1::{
    self, aggregator_client::AggregatorClient, attestations_client::AttestationsClient,
};
use tonic::{
    Request, Status,
    transport::{Channel, Endpoint},
};
use url::Url;

use crate::{
    Accusers, ClientLimits, ClientTls, Contradiction, RpcError, SignedDowns, SignedReceipts,
    wire::{self, ContradictionVerdict, DownsVerdict, ReceiptsVerdict, RoundReport, VoteReceipt},
};

/// The largest legal answer of GetDowns: lists, each with its tag and length.
const DOWNS_REPLY: usize = quorate_health::MAX_LISTS * (DownList::MAX_WIDTH + 8);

/// A client of one aggregator; cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    endpoint: String,
    inner: AggregatorClient<Channel>,
    attestations: AttestationsClient<Channel>,
    limits: ClientLimits,
}

impl Client {
    /// A client of `endpoint` (`http` or `https`). Does not connect yet. Call it inside a runtime.
    ///
    /// # Errors
    /// If the address is of another scheme, or the TLS roots do not load.
    pub fn new(endpoint: &Url, tls: &ClientTls, limits: ClientLimits) -> Result<Self, RpcError> {
        let bad = |detail: String| RpcError::Endpoint {
            endpoint: endpoint.to_string(),
            detail,
        };
        let mut transport = Endpoint::from_shared(endpoint.to_string())
            .map_err(|error| bad(error.to_string()))?
            .connect_timeout(limits.connect_timeout)
            .http2_keep_alive_interval(limits.keepalive_interval)
            .keep_alive_timeout(limits.keepalive_timeout)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true);
        match endpoint.scheme() {
            "http" => {}
            "https" => {
                transport = transport
                    .tls_config(tls.config()?)
                    .map_err(|error| bad(error.to_string()))?
            }
            other => return Err(bad(format!("scheme {other}, expected http or https"))),
        }
        let channel = transport.connect_lazy();
        let attestations =
            AttestationsClient::new(channel.clone()).max_decoding_message_size(DOWNS_REPLY);
        let inner =
            AggregatorClient::new(channel).max_decoding_message_size(quorate_proto::DECODE_LIMIT);
        Ok(Self {
            endpoint: endpoint.to_string(),
            inner,
            attestations,
            limits,
        })
    }

    /// Whom this client asks.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Sends a vote (372 bytes, docs/formats.md section 9).
    pub async fn submit_vote(&self, vote: &[u8]) -> Result<VoteReceipt, RpcError> {
        let mut request = Request::new(v1::SubmitVoteRequest {
            vote: vote.to_vec(),
        });
        request.set_timeout(self.limits.call_timeout);
        let reply = self
            .inner
            .clone()
            .submit_vote(request)
            .await
            .map_err(|status| self.status(status))?;
        Ok(reply.into_inner().try_into()?)
    }

    /// Sends the list behind the header with this digest; true if it was new there.
    pub async fn submit_outcome(
        &self,
        digest: Digest,
        list: &OutcomeList,
    ) -> Result<bool, RpcError> {
        let mut request = Request::new(stream::iter(wire::parts(digest, list)));
        request.set_timeout(self.limits.upload_timeout);
        let reply = self
            .inner
            .clone()
            .submit_outcome(request)
            .await
            .map_err(|status| self.status(status))?;
        Ok(reply.into_inner().stored)
    }

    /// How a round stands there; `None` if the aggregator does not know it.
    pub async fn round(&self, round: Round) -> Result<Option<RoundReport>, RpcError> {
        let mut request = Request::new(v1::GetRoundRequest { round: round.get() });
        request.set_timeout(self.limits.call_timeout);
        match self
            .inner
            .clone()
            .get_round(request)
            .await
            .map_err(|status| self.status(status))
        {
            Ok(reply) => Ok(Some(reply.into_inner().try_into()?)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Hands in a signed list of windows DOWN.
    pub async fn submit_downs(&self, downs: &SignedDowns) -> Result<DownsVerdict, RpcError> {
        let mut request = Request::new(wire::downs_request(downs));
        request.set_timeout(self.limits.call_timeout);
        let reply = self
            .attestations
            .clone()
            .submit_downs(request)
            .await
            .map_err(|status| self.status(status))?;
        Ok(reply.into_inner().try_into()?)
    }

    /// The lists of a health epoch that wait for signatures there; what is no list is left out.
    pub async fn downs(&self, epoch: HealthEpoch) -> Result<Vec<DownList>, RpcError> {
        let mut request = Request::new(v1::GetDownsRequest { epoch: epoch.get() });
        request.set_timeout(self.limits.call_timeout);
        let reply = self
            .attestations
            .clone()
            .get_downs(request)
            .await
            .map_err(|status| self.status(status))?;
        let lists = reply.into_inner().lists;
        let read = lists.iter().take(quorate_health::MAX_LISTS);
        Ok(read
            .filter_map(|bytes| DownList::from_bytes(bytes).ok())
            .collect())
    }

    /// Hands in receipts of sampled probes.
    pub async fn submit_receipts(
        &self,
        receipts: &SignedReceipts,
    ) -> Result<ReceiptsVerdict, RpcError> {
        let mut request = Request::new(wire::receipts_request(receipts));
        request.set_timeout(self.limits.call_timeout);
        let reply = self
            .attestations
            .clone()
            .submit_receipts(request)
            .await
            .map_err(|status| self.status(status))?;
        Ok(reply.into_inner().try_into()?)
    }

    /// Who called a machine DOWN in a health epoch, by the lists handed in there.
    pub async fn accusers(
        &self,
        epoch: HealthEpoch,
        machine: OfferId,
    ) -> Result<Accusers, RpcError> {
        let mut request = Request::new(v1::GetAccusersRequest {
            epoch: epoch.get(),
            machine: machine.get(),
        });
        request.set_timeout(self.limits.call_timeout);
        let reply = self
            .attestations
            .clone()
            .get_accusers(request)
            .await
            .map_err(|status| self.status(status))?;
        Ok(reply.into_inner().try_into()?)
    }

    /// Hands in a receipt that contradicts a list of its operator.
    pub async fn submit_contradiction(
        &self,
        contradiction: &Contradiction,
    ) -> Result<ContradictionVerdict, RpcError> {
        let mut request = Request::new(wire::contradiction_request(contradiction));
        request.set_timeout(self.limits.call_timeout);
        let reply = self
            .attestations
            .clone()
            .submit_contradiction(request)
            .await
            .map_err(|status| self.status(status))?;
        Ok(reply.into_inner().try_into()?)
    }

    /// Names the endpoint beside what it said.
    fn status(&self, status: Status) -> RpcError {
        RpcError::Status {
            endpoint: self.endpoint.clone(),
            status: Box::new(status),
        }
    }
}
