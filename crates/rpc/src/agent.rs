//! The server of a machine's agent: what operators ask it, in the domain's words.

use std::{future::Future, net::IpAddr, sync::Arc};

use quorate_health::{Question, SignedReport};
use quorate_proto::v1::{
    self,
    agent_server::{Agent, AgentServer},
};
use tonic::{Request, Response, Status, service::Routes};

use crate::{RpcError, Server, WireError, addresses, wire, wire::Delivery};

/// Why an agent does not answer, or keeps no receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentRefusal {
    /// Too much is asked: by this caller, or by all together.
    #[error("busy: {0}")]
    Busy(&'static str),
    /// What was asked or left is not for this machine, this network or this time, or is forged.
    /// Asking again changes nothing.
    #[error("{0}")]
    Wrong(String),
    /// The agent lacks something that it may have later: its registration, a stake table, its store.
    #[error("not now: {0}")]
    Unable(String),
}

impl From<AgentRefusal> for Status {
    fn from(refusal: AgentRefusal) -> Self {
        let words = refusal.to_string();
        match refusal {
            AgentRefusal::Busy(_) => Self::resource_exhausted(words),
            AgentRefusal::Wrong(_) => Self::invalid_argument(words),
            AgentRefusal::Unable(_) => Self::unavailable(words),
        }
    }
}

/// What an agent does with what comes in. A caller that hangs up drops the future of its own call.
pub trait AgentHandler: Send + Sync + 'static {
    /// Answers a probe of `peer`, if its address is known.
    fn probe(
        &self,
        question: Question,
        peer: Option<IpAddr>,
    ) -> impl Future<Output = Result<SignedReport, AgentRefusal>> + Send;

    /// Takes a receipt; `Ok` means that it is stored durably, and whether it is new.
    fn deliver(
        &self,
        delivery: Delivery,
        peer: Option<IpAddr>,
    ) -> impl Future<Output = Result<bool, AgentRefusal>> + Send;

    /// A message came that is no question and no receipt.
    fn malformed(&self, error: &WireError);
}

/// Stands between the generated trait and the handler.
struct Edge<H>(Arc<H>);

impl<H: AgentHandler> Edge<H> {
    fn read<T>(&self, result: Result<T, WireError>) -> Result<T, Status> {
        result.map_err(|error| {
            self.0.malformed(&error);
            Status::invalid_argument(error.to_string())
        })
    }
}

#[tonic::async_trait]
impl<H: AgentHandler> Agent for Edge<H> {
    async fn probe(
        &self,
        request: Request<v1::ProbeRequest>,
    ) -> Result<Response<v1::ProbeReply>, Status> {
        let peer = peer(&request);
        let question = self.read(wire::question(request.get_ref()))?;
        let report = self.0.probe(question, peer).await?;
        Ok(Response::new(v1::ProbeReply {
            report: report.to_bytes(),
        }))
    }

    async fn deliver(
        &self,
        request: Request<v1::DeliverRequest>,
    ) -> Result<Response<v1::DeliverReply>, Status> {
        let peer = peer(&request);
        let delivery = self.read(wire::delivery(request.get_ref()))?;
        let stored = self.0.deliver(delivery, peer).await?;
        Ok(Response::new(v1::DeliverReply { stored }))
    }
}

fn peer<T>(request: &Request<T>) -> Option<IpAddr> {
    request
        .remote_addr()
        .map(|address| addresses::group(address.ip()))
}

impl Server {
    /// Serves an agent until `shutdown`, then lets requests in progress end for the limits' `drain`.
    /// The one service is the agent's: no reflection, no health.
    ///
    /// # Errors
    /// [`RpcError`] for a certificate that does not load, or when the transport ends by itself.
    pub async fn run_agent<H: AgentHandler>(
        self,
        handler: Arc<H>,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), RpcError> {
        let service =
            AgentServer::new(Edge(handler)).max_decoding_message_size(self.limits().message_bytes);
        let mut routes = Routes::builder();
        routes.add_service(service);
        self.serve(routes.routes(), shutdown).await
    }
}
