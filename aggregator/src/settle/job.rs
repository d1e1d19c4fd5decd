//! One round, from its first vote to its last chunk.

use std::{sync::Arc, time::Duration};

use quorate_canon::{Digest, Round, Timestamp};
use quorate_matching::chunk_count;
use quorate_protocol::{Certificate, Header, seed};
use quorate_rpc::RoundFailure;
use tokio::sync::OnceCell;

use super::{
    Beacons, Job, Tools,
    chunks::{self, End},
    propose::NoProposal,
};
use crate::{
    chain::{Action, Chain, Fault, OnChain, Standing},
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
type Certificates = tokio::sync::watch::Receiver<Option<Arc<Certificate>>>;

/// A round and what it is settled with.
pub(super) struct Work<C, B> {
    pub(super) tools: Tools<C, B>,
    pub(super) round: Round,
    beacon: OnceCell<[u8; 48]>,
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

    /// Shows L2 a certificate that comes while chunks are posted: it confirms a proposal, takes its
    /// place, or is evidence. Never ends, since the chunks decide how the round goes on.
    async fn certify_late(
        &self,
        mut certificates: Certificates,
        deadline: Timestamp,
    ) -> std::convert::Infallible {
        while certificates.changed().await.is_ok() {
            let Some(certificate) = certificates.borrow_and_update().clone() else {
                continue;
            };
            // Another aggregator's certificate of the same header is as good as ours.
            let useless = self.look().await.is_ok_and(|standing| {
                !standing.proposed && standing.digest == certificate.digest()
            });
            if useless {
                continue;
            }
            if let Err(failure) = self.send_certificate(&certificate, deadline).await {
                self.tools
                    .observe
                    .hindered("late certificate", failure.detail);
            }
        }
        std::future::pending().await
    }

    /// Checks a certificate once more against everything that is known here, then sends it.
    async fn send_certificate(
        &self,
        certificate: &Certificate,
        deadline: Timestamp,
    ) -> Result<(), Failure> {
        let beacon = self.beacon(certificate.header(), deadline).await?;
        let action = Action::Settle {
            certificate: Box::new(certificate.clone()),
            beacon,
        };
        let result = self.tools.chain.act(&action, deadline).await;
        self.tools.observe.acted(&action, &result);
        match result {
            Ok(_) => Ok(()),
            Err(fault @ Fault::Unreachable(_)) => {
                Err(Failure::new(RoundFailure::ChainUnreachable, fault))
            }
            Err(fault @ Fault::Expired) => Err(Failure::new(RoundFailure::NotSettledInTime, fault)),
            Err(Fault::Refused(why)) if why.contains("StruckSigner") => {
                Err(self.leave_struck_out(certificate, why).await)
            }
            Err(fault) => Err(Failure::new(RoundFailure::CertificateRefused, fault)),
        }
    }

    /// Has the collector build the certificate again without those whom L2 has struck.
    async fn leave_struck_out(&self, certificate: &Certificate, why: String) -> Failure {
        match self.struck_among(certificate.signers().iter()).await {
            Ok(struck) => {
                self.tools
                    .mailbox
                    .tell(Message::Struck(self.round, struck))
                    .await;
                Failure::new(RoundFailure::StruckSigners, why)
            }
            Err(fault) => Failure::new(RoundFailure::ChainUnreachable, fault),
        }
    }

    /// The round's beacon; the seed in the header must be the one that follows from it.
    pub(super) async fn beacon(
        &self,
        header: &Header,
        deadline: Timestamp,
    ) -> Result<[u8; 48], Failure> {
        let schedule = &self.tools.schedule;
        let beacon_round = schedule
            .beacon_round(self.round)
            .map_err(|error| Failure::new(RoundFailure::NoBeacon, error))?;
        let fetch = || self.tools.beacons.signature(beacon_round, deadline);
        let signature = self.beacon.get_or_try_init(fetch).await;
        let signature = *signature.map_err(|error| Failure::new(RoundFailure::NoBeacon, error))?;
        let expected = seed(
            &self.tools.domain,
            self.round,
            &schedule.beacon_chain_hash,
            beacon_round,
            &signature,
        );
        let got = header.seed;
        if got == expected {
            return Ok(signature);
        }
        let detail = format!("seed is {got}, the beacon gives {expected}");
        Err(Failure::new(RoundFailure::WrongSeed, detail))
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
