//! One round, from its first vote to its last chunk.

use std::{sync::Arc, time::Duration};

use quorate_canon::{Digest, Round, Timestamp};
use quorate_matching::chunk_count;
use quorate_protocol::Certificate;
use quorate_rpc::RoundFailure;
use tokio::sync::OnceCell;

use super::{
    Beacons, Job, Tools,
    chunks::{self, End},
    propose::NoProposal,
};
use crate::{
    chain::{Chain, Fault, OnChain, Standing},
    clock::now,
    collector::{Progress, ingress::Message},
};

/// Pause between two looks at L2.
pub(super) const LOOK: Duration = Duration::from_millis(500);
/// Pause before something that failed is tried again.
pub(super) const RETRY: Duration = Duration::from_millis(400);

/// A refusal may only mean that the endpoint is a block behind: so often a certificate is tried again.
const REFUSALS: u32 = 4;

/// Why a round came to nothing.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reason: RoundFailure,
    pub(super) detail: String,
}

impl Failure {
    pub(super) fn new(reason: RoundFailure, detail: impl ToString) -> Self {
        Self {
            reason,
            detail: detail.to_string(),
        }
    }
}

/// Settles a round and tells the collector how it went.
pub(super) async fn run<C: Chain, B: Beacons>(tools: Tools<C, B>, job: Job) {
    let round = job.round;
    let work = Work {
        tools,
        round,
        beacon: OnceCell::new(),
    };
    // The receiver is dropped only after the collector knows the end: else it would begin again.
    let (result, certificate) = work.settle(job.certificate).await;
    if let Err(Failure { reason, detail }) = result {
        work.tell(Progress::Failed(reason, detail)).await;
    }
    drop(certificate);
}

/// A certificate's way in.
pub(super) type Certificates = tokio::sync::watch::Receiver<Option<Arc<Certificate>>>;

/// A round and what it is settled with.
pub(super) struct Work<C, B> {
    pub(super) tools: Tools<C, B>,
    pub(super) round: Round,
    pub(super) beacon: OnceCell<[u8; 48]>,
}

impl<C: Chain, B: Beacons> Work<C, B> {
    async fn settle(&self, mut certificates: Certificates) -> (Result<(), Failure>, Certificates) {
        let result = async {
            let deadline = self.deadline()?;
            // A reorganisation may take back what stood: then from the beginning.
            loop {
                let digest = self.stands(&mut certificates, deadline).await?;
                let end = tokio::select! {
                    end = chunks::post(self, digest, deadline) => end?,
                    never = self.certify_late(certificates.clone(), deadline) => match never {},
                };
                if end == End::Settled {
                    return Ok(());
                }
            }
        };
        (result.await, certificates)
    }

    fn deadline(&self) -> Result<Timestamp, Failure> {
        let deadline = self.tools.schedule.deadline(self.round);
        deadline.map_err(|error| Failure::new(RoundFailure::NotSettledInTime, error))
    }

    /// Waits until a header of the round stands on L2, certified or proposed, by us or by others.
    async fn stands(
        &self,
        certificates: &mut Certificates,
        deadline: Timestamp,
    ) -> Result<Digest, Failure> {
        let mut last = Failure::new(RoundFailure::NoQuorum, "no header reached the quorum");
        let mut refusals = 0;
        let mut proposals = Some(0);
        loop {
            let on_chain = self.look().await;
            let certificate = certificates.borrow_and_update().clone();
            if let Some(standing) = on_chain.as_ref().ok().filter(|round| has_header(round)) {
                return self.agree(standing, certificate.as_deref(), deadline).await;
            }
            if now() > deadline {
                return Err(last);
            }
            match (on_chain, certificate) {
                (Ok(_), Some(certificate)) => {
                    if let Err(failure) = self.send_certificate(&certificate, deadline).await {
                        refusals += u32::from(failure.reason == RoundFailure::CertificateRefused);
                        last = failure;
                        if last.reason == RoundFailure::WrongSeed || refusals > REFUSALS {
                            return Err(last);
                        }
                        self.wait(&last, refusals).await;
                    }
                }
                (Err(fault), _) => {
                    last = Failure::new(RoundFailure::ChainUnreachable, fault);
                    self.wait(&last, 0).await;
                }
                (Ok(_), None) => {
                    if let (Some(refused), Some(terms)) = (proposals, self.may_propose()) {
                        match self.propose(&terms, refused).await {
                            Ok(()) => {}
                            Err(NoProposal::NotYet(failure)) => last = failure,
                            Err(NoProposal::Refused(failure)) => {
                                proposals = Some(refused.saturating_add(1));
                                last = failure;
                            }
                            Err(NoProposal::Never(failure)) => {
                                self.wait(&failure, 0).await;
                                (proposals, last) = (None, failure);
                            }
                        }
                    }
                    // A certificate that comes meanwhile ends the pause.
                    drop(tokio::time::timeout(LOOK, certificates.changed()).await);
                }
            }
        }
    }

    /// A header stands on L2. If it is not ours, ours is shown to it once: it takes a proposal's
    /// place while that has no chunk, and else two certificates of one round are evidence against
    /// everybody who signed both.
    async fn agree(
        &self,
        standing: &OnChain,
        ours: Option<&Certificate>,
        deadline: Timestamp,
    ) -> Result<Digest, Failure> {
        let digest = standing.digest;
        let other = |ours: &&Certificate| ours.digest() != digest || standing.proposed;
        let Some(ours) = ours.filter(other) else {
            return Ok(digest);
        };
        if let Err(failure) = self.send_certificate(ours, deadline).await {
            self.tools
                .observe
                .hindered("second certificate", failure.detail);
        }
        let now = self.look().await.map_or(digest, |round| round.digest);
        if now == ours.digest() {
            return Ok(now);
        }
        let detail = format!("L2 has {now}, ours is {}", ours.digest());
        Err(Failure::new(RoundFailure::Superseded, detail))
    }

    /// Looks at L2 and tells the collector what stands there.
    pub(super) async fn look(&self) -> Result<OnChain, Fault> {
        let on_chain = self.tools.chain.round(self.round).await?;
        self.tell(Progress::OnChain(on_chain, 0)).await;
        Ok(on_chain)
    }

    /// Tells the collector that the round waits, and pauses, longer after each failure before.
    pub(super) async fn wait(&self, failure: &Failure, failures: u32) {
        self.tools
            .observe
            .hindered(failure.reason.name(), &failure.detail);
        self.tell(Progress::Waits(failure.reason, failure.detail.clone()))
            .await;
        tokio::time::sleep(RETRY.saturating_mul(failures.saturating_add(1).min(25))).await;
    }

    pub(super) async fn tell(&self, progress: Progress) {
        self.tools
            .mailbox
            .tell(Message::Progress(self.round, progress))
            .await;
    }

    /// Tells the collector how many chunks stand, of how many.
    pub(super) async fn tell_chunks(&self, on_chain: OnChain, entries: u32) {
        self.tell(Progress::OnChain(on_chain, chunk_count(entries)))
            .await;
    }
}

/// Whether a header of the round stands on L2, or did until it was refuted.
fn has_header(on_chain: &OnChain) -> bool {
    on_chain.standing != Standing::None
}
