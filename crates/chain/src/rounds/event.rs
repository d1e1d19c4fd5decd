//! The events of `Rounds` out of logs, as far as later rounds rest on them.

use alloy::rpc::types::Log;
use quorate_bindings::IRounds::IRoundsEvents;
use quorate_canon::{Address, Digest, Round, Timestamp, Version};

use super::{PolicyEntry, Refuted, Settled};
use crate::ChainError;
use crate::rpc::{known, position};

/// A change of the rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundEvent {
    /// A certificate was accepted, or a proposal: then [`RoundEvent::Proposed`] follows.
    Certified {
        /// The round.
        round: Round,
        /// Digest of its header.
        digest: Digest,
        /// Time.
        time: Timestamp,
        /// The transaction.
        transaction: Digest,
    },
    /// What was certified right before has no certificate: somebody proposed it for a bond.
    Proposed {
        /// The round.
        round: Round,
        /// Who answers for its header.
        proposer: Address,
    },
    /// The last chunk was posted.
    Settled {
        /// The round.
        round: Round,
        /// When, and how long the list is.
        settled: Settled,
    },
    /// The round was refuted.
    Refuted {
        /// The round.
        round: Round,
        /// When, and by what.
        refuted: Refuted,
    },
    /// A policy was set.
    PolicySet(PolicyEntry),
}

impl RoundEvent {
    /// Reads a log of `Rounds`; `None` for events on which nothing rests.
    ///
    /// # Errors
    /// [`ChainError::BadEvent`] if the log is not what the interface says.
    pub fn from_log(log: &Log) -> Result<Option<Self>, ChainError> {
        let event = known(log, IRoundsEvents::SELECTORS)?;
        Ok(event.and_then(|event| Self::of(event, log)))
    }

    fn of(event: IRoundsEvents, log: &Log) -> Option<Self> {
        Some(match event {
            IRoundsEvents::RoundCertified(e) => Self::Certified {
                round: Round::new(e.n),
                digest: Digest(e.digest.0),
                time: Timestamp::new(e.time),
                transaction: Digest(log.transaction_hash.unwrap_or_default().0),
            },
            IRoundsEvents::RoundProposed(e) => Self::Proposed {
                round: Round::new(e.n),
                proposer: Address(e.proposer.into_array()),
            },
            IRoundsEvents::RoundSettled(e) => Self::Settled {
                round: Round::new(e.n),
                settled: Settled {
                    time: Timestamp::new(e.time),
                    count: e.count,
                    block: position(log).0,
                },
            },
            IRoundsEvents::RoundRefuted(e) => Self::Refuted {
                round: Round::new(e.n),
                refuted: Refuted {
                    time: Timestamp::new(e.time),
                    code: e.code,
                    position: e.position,
                },
            },
            IRoundsEvents::PolicySet(e) => Self::PolicySet(PolicyEntry {
                version: Version::new(e.version),
                effective_from: Round::new(e.effectiveFrom),
                hash: Digest(e.policyHash.0),
                page: Address(e.page.into_array()),
            }),
            _ => return None,
        })
    }
}
