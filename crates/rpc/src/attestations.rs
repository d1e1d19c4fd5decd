//! The server of what an aggregator collects about machines: lists of windows DOWN, and receipts that
//! show operators' work; what operators hand in, in the domain's words.

use std::{future::Future, net::IpAddr, sync::Arc};

use quorate_canon::{Epoch, HealthEpoch, OperatorIndex};
use quorate_health::{DownList, MAX_LISTS};
use quorate_proto::v1::{
    self,
    attestations_server::{Attestations, AttestationsServer},
};
use tonic::{Request, Response, Status, service::Routes};

use crate::{
    ListRejection, ReceiptRejection, WireError, addresses,
    wire::{self, DownsVerdict, ReceiptsVerdict},
};

/// A list as it comes in: whether the operator signed it is for the receiver to find out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedDowns {
    /// What is said.
    pub list: DownList,
    /// By whom.
    pub operator: OperatorIndex,
    /// The signature of the list's digest, uncompressed.
    pub signature: [u8; 96],
}

/// Receipts of sampled probes as they come in: whether the operator signed them is for the receiver to
/// find out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedReceipts {
    /// The stake epoch whose samples they are of.
    pub epoch: Epoch,
    /// By whom.
    pub operator: OperatorIndex,
    /// Numbers of samples, below [`quorate_health::SAMPLES`] and strictly ascending, each with the
    /// signature of its receipt's digest, uncompressed. At least one.
    pub receipts: Vec<(u16, [u8; 96])>,
}

/// What an aggregator does with what operators say about machines. A caller that hangs up drops the future of its
/// own call.
pub trait AttestationHandler: Send + Sync + 'static {
    /// Takes a list of `peer`, if its address is known. Accepted means: stored durably.
    fn downs(
        &self,
        downs: SignedDowns,
        peer: Option<IpAddr>,
    ) -> impl Future<Output = DownsVerdict> + Send;

    /// A message came that is no list.
    fn malformed_list(&self, error: &WireError);

    /// The lists of an epoch that wait for signatures, at most [`MAX_LISTS`].
    fn proposals(&self, epoch: HealthEpoch) -> impl Future<Output = Vec<DownList>> + Send;

    /// Takes receipts of sampled probes of `peer`, if its address is known; all or none. Accepted means:
    /// stored durably.
    fn receipts(
        &self,
        receipts: SignedReceipts,
        peer: Option<IpAddr>,
    ) -> impl Future<Output = ReceiptsVerdict> + Send;

    /// A message came that does not say of which samples it has receipts.
    fn malformed_receipts(&self, error: &WireError);
}

/// Stands between the generated trait and the handler.
struct Edge<H>(Arc<H>);

#[tonic::async_trait]
impl<H: AttestationHandler> Attestations for Edge<H> {
    async fn submit_downs(
        &self,
        request: Request<v1::SubmitDownsRequest>,
    ) -> Result<Response<v1::SubmitDownsReply>, Status> {
        let peer = request
            .remote_addr()
            .map(|address| addresses::group(address.ip()));
        let verdict = match wire::downs(request.get_ref()) {
            Ok(downs) => self.0.downs(downs, peer).await,
            Err(error) => {
                self.0.malformed_list(&error);
                DownsVerdict::rejected(ListRejection::Malformed, error.to_string())
            }
        };
        Ok(Response::new(verdict.into()))
    }

    async fn submit_receipts(
        &self,
        request: Request<v1::SubmitReceiptsRequest>,
    ) -> Result<Response<v1::SubmitReceiptsReply>, Status> {
        let peer = request
            .remote_addr()
            .map(|address| addresses::group(address.ip()));
        let verdict = match wire::receipts(request.get_ref()) {
            Ok(receipts) => self.0.receipts(receipts, peer).await,
            Err(error) => {
                self.0.malformed_receipts(&error);
                ReceiptsVerdict::rejected(ReceiptRejection::Malformed, error.to_string())
            }
        };
        Ok(Response::new(verdict.into()))
    }

    async fn get_downs(
        &self,
        request: Request<v1::GetDownsRequest>,
    ) -> Result<Response<v1::GetDownsReply>, Status> {
        let epoch = HealthEpoch::new(request.get_ref().epoch);
        let lists = self.0.proposals(epoch).await;
        Ok(Response::new(v1::GetDownsReply {
            lists: lists
                .iter()
                .take(MAX_LISTS)
                .map(DownList::to_bytes)
                .collect(),
        }))
    }
}

/// Adds the service to a server's.
pub(crate) fn add<H: AttestationHandler>(
    routes: &mut tonic::service::RoutesBuilder,
    handler: Arc<H>,
    message_bytes: usize,
) {
    routes.add_service(
        AttestationsServer::new(Edge(handler)).max_decoding_message_size(message_bytes),
    );
}

/// The service alone; for tests of clients.
#[must_use]
pub fn routes<H: AttestationHandler>(handler: Arc<H>, message_bytes: usize) -> Routes {
    let mut routes = Routes::builder();
    add(&mut routes, handler, message_bytes);
    routes.routes()
}
