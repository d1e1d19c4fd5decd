//! A certificate's way to L2: checked once more, with the round's beacon, without struck signers.

use quorate_canon::Timestamp;
use quorate_protocol::{Certificate, Header, seed};
use quorate_rpc::RoundFailure;

use super::Beacons;
use super::job::{Certificates, Failure, Work};
use crate::chain::{Action, Chain, Fault};
use crate::collector::ingress::Message;

impl<C: Chain, B: Beacons> Work<C, B> {
    /// Shows L2 a certificate that comes while chunks are posted: it confirms a proposal, takes its
    /// place, or is evidence. Never ends, since the chunks decide how the round goes on.
    pub(super) async fn certify_late(
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
    pub(super) async fn send_certificate(
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
}
