//! The key, and the only way to its signatures.

use quorate_bls::{self as bls, PublicKey, Registration, SecretKey, Signature};
use quorate_canon::{Address, OperatorIndex, Round, Timestamp};
use quorate_protocol::rules::SnapshotId;
use quorate_protocol::{Header, Schedule, Unverified, Vote};

use crate::ledger::Permit;
use crate::{Result, SignerError, SigningLedger, identity};

/// What a process knows when it starts to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The operator's index in the stake table.
    pub operator: OperatorIndex,
    /// The schedule of `Rounds`.
    pub schedule: Schedule,
    /// The timestamp of the L2 head, seen by this process after it had opened the ledger; the
    /// highest that any endpoint, or the clock, shows, because an endpoint that lags would lower the guard
    /// against an old backup. Rounds that close at or before it are not newly signed, and nothing is
    /// newly said about windows that began at or before it.
    pub head: Timestamp,
}

/// Signs votes and words, each only with the ledger's permit. Shared between threads by reference.
///
/// Deliberately without a method that takes bytes.
#[derive(Debug)]
pub struct Signer {
    key: SecretKey,
    ledger: SigningLedger,
    start: Start,
}

impl Signer {
    /// Takes the key and its ledger, and binds the ledger to the schedule for good where it is not
    /// bound yet. `start.head` is this process's floor for good: a signer lives as long as its process.
    ///
    /// # Errors
    /// [`SignerError::OtherKey`] when the ledger is another key's; [`SignerError::OtherSchedule`] when it
    /// was bound to another schedule; the store's.
    pub fn start(ledger: SigningLedger, key: SecretKey, start: Start) -> Result<Self> {
        let public = key.public_key();
        if ledger.identity().key != public {
            return Err(SignerError::OtherKey {
                path: ledger.path().to_owned(),
                got: identity::show(&ledger.identity().key),
                expected: identity::show(&public),
            });
        }
        ledger.bind(&start.schedule)?;
        Ok(Self { key, ledger, start })
    }

    /// The public key that its votes verify under.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.ledger.identity().key
    }

    /// The operator's index, as it stands in its votes.
    #[must_use]
    pub fn operator(&self) -> OperatorIndex {
        self.start.operator
    }

    /// The ledger, to be read.
    #[must_use]
    pub fn ledger(&self) -> &SigningLedger {
        &self.ledger
    }

    /// Fixes the snapshot that a round's header will have to name, durably. Once for a round,
    /// and before the time of its beacon; the same one again is fine at any time. `now` is the
    /// wall clock: a wrong one can make the operator abstain, or fix a snapshot late, but never
    /// fix two or sign two headers.
    ///
    /// # Errors
    /// [`SignerError::Rule`], [`SignerError::BelowWatermark`], the store's.
    pub fn fix_snapshot(&self, round: Round, snapshot: SnapshotId, now: Timestamp) -> Result<()> {
        let Start { schedule, head, .. } = &self.start;
        self.ledger
            .fix_snapshot(schedule, *head, round, snapshot, now)
    }

    /// Signs a header that the caller has computed itself. The ledger binds the round to it
    /// first, durably; the same header again gives the stored signature.
    ///
    /// # Errors
    /// A refusal ([`SignerError::is_refusal`]): the operator abstains in this round. Or the
    /// store's: the vote may be recorded or not, and asking again with the same header is safe.
    pub fn sign_vote(&self, header: &Header) -> Result<Vote<Unverified>> {
        let Start { schedule, head, .. } = &self.start;
        let permit = self.ledger.check_and_record(schedule, *head, header)?;
        self.vote(&permit)
    }

    /// The vote of a round as the ledger holds it, to be sent again after a restart. If the
    /// process died between record and signature, the signature is made now: over the recorded
    /// header, so it is the one that it would have been.
    ///
    /// # Errors
    /// [`SignerError::Withheld`], the store's.
    pub fn stored_vote(&self, round: Round) -> Result<Option<Vote<Unverified>>> {
        let permit = self.ledger.permit_recorded(round)?;
        permit.map(|permit| self.vote(&permit)).transpose()
    }

    /// Proves possession of the key, for the registration of `operator` (its L1 address) with
    /// this network's `ServiceManager`.
    #[must_use]
    pub fn prove_possession(&self, operator: Address) -> Signature {
        let domain = &self.ledger.identity().domain;
        Registration {
            l1_chain: domain.l1_chain.get(),
            service_manager: domain.avs.get(),
            operator: operator.get(),
        }
        .prove(&self.key)
    }

    pub(crate) fn key(&self) -> &SecretKey {
        &self.key
    }

    pub(crate) fn start_facts(&self) -> &Start {
        &self.start
    }

    fn vote(&self, permit: &Permit) -> Result<Vote<Unverified>> {
        let signature = match permit.stored() {
            Some(signature) => signature,
            None => {
                let signature = self.sign(permit);
                self.ledger.store_signature(permit, signature)?;
                signature
            }
        };
        Ok(Vote::new(*permit.header(), self.start.operator, signature))
    }

    /// The only use of the key for a vote.
    fn sign(&self, permit: &Permit) -> Signature {
        self.key.sign(bls::Domain::Vote, &permit.digest().get())
    }
}
