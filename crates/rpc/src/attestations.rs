//! The server of what an aggregator collects about machines: lists of windows DOWN, receipts that show
//! operators' work, and receipts that contradict lists; what is handed in, in the domain's words.

use std::{future::Future, net::IpAddr, sync::Arc};

use quorate_canon::{Epoch, HealthEpoch, Mask256, OfferId, OperatorIndex};
use quorate_health::{DownList, MAX_LISTS, Window};
use quorate_proto::v1::{
    self,
    attestations_server::{Attestations, AttestationsServer},
};
use tonic::{Request, Response, Status, service::Routes};

use crate::{
    ContradictionRejection, ListRejection, ReceiptRejection, WireError, addresses,
    wire::{self, ContradictionVerdict, DownsVerdict, ReceiptsVerdict, Verdict},
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

/// Accusers that one answer names: more than a committee has seats there cannot be.
pub const MAX_ACCUSERS: usize = 1_024;

/// An operator that called a machine DOWN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accuser {
    /// Who.
    pub operator: OperatorIndex,
    /// Which windows, by all of its lists together.
    pub windows: Mask256,
}

/// Who called a machine DOWN in a health epoch, as far as an aggregator knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accusers {
    /// By operator, strictly ascending.
    pub accusers: Vec<Accuser>,
    /// Whether lists of the epoch are taken no more: the answer stays as it is.
    pub closed: bool,
}

/// A receipt as it comes in against a list of the same operator: whether it signed the receipt is for
/// the receiver to find out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The health epoch.
    pub epoch: HealthEpoch,
    /// The machine.
    pub machine: OfferId,
    /// The window.
    pub window: Window,
    /// Who signed both.
    pub operator: OperatorIndex,
    /// The signature of the receipt's digest, uncompressed.
    pub receipt: [u8; 96],
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

    /// Who called a machine DOWN in an epoch, at most [`MAX_ACCUSERS`]; nobody, where it is not said.
    fn accusers(
        &self,
        _epoch: HealthEpoch,
        _machine: OfferId,
    ) -> impl Future<Output = Accusers> + Send {
        std::future::ready(Accusers::default())
    }

    /// Takes a receipt against a list, of `peer`, if its address is known. Accepted means: stored
    /// durably. Who does not say takes none.
    fn contradiction(
        &self,
        _contradiction: Contradiction,
        _peer: Option<IpAddr>,
    ) -> impl Future<Output = ContradictionVerdict> + Send {
        let reason = ContradictionRejection::NotJudging;
        std::future::ready(Verdict::rejected(reason, reason.summary()))
    }

    /// A message came that is no contradiction.
    fn malformed_contradiction(&self, _error: &WireError) {}
}

/// Stands between the generated trait and the handler.
struct Edge<H>(Arc<H>);

#[tonic::async_trait]
impl<H: AttestationHandler> Attestations for Edge<H> {
    async fn submit_downs(
        &self,
        request: Request<v1::SubmitDownsRequest>,
    ) -> Result<Response<v1::HandInReply>, Status> {
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
    ) -> Result<Response<v1::HandInReply>, Status> {
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

    async fn get_accusers(
        &self,
        request: Request<v1::GetAccusersRequest>,
    ) -> Result<Response<v1::GetAccusersReply>, Status> {
        let asked = request.get_ref();
        let epoch = HealthEpoch::new(asked.epoch);
        let accusers = self.0.accusers(epoch, OfferId::new(asked.machine)).await;
        Ok(Response::new(accusers.into()))
    }

    async fn submit_contradiction(
        &self,
        request: Request<v1::SubmitContradictionRequest>,
    ) -> Result<Response<v1::HandInReply>, Status> {
        let peer = request
            .remote_addr()
            .map(|address| addresses::group(address.ip()));
        let verdict = match wire::contradiction(request.get_ref()) {
            Ok(contradiction) => self.0.contradiction(contradiction, peer).await,
            Err(error) => {
                self.0.malformed_contradiction(&error);
                let reason = ContradictionRejection::Malformed;
                ContradictionVerdict::rejected(reason, error.to_string())
            }
        };
        Ok(Response::new(verdict.into()))
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
