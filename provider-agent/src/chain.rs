//! What the agent wants of the chain, behind two traits: [`Chain`] reads, [`Hand`] sends. The real ones
//! are [`L2`] and [`KeyedHand`], or [`RelayedHand`] for a key without gas; tests bring their own.

mod courier;
mod delivery;
mod events;
mod facts;
mod hand;
mod l2;
mod machine;
mod promise;
mod relayed;
mod rules;
mod search;

use alloy::primitives::{B256, Bytes, U256};
use async_trait::async_trait;
use quorate_canon::{Address, Epoch, HealthEpoch, OfferId, OperatorIndex, RequestId, Timestamp};
use quorate_chain::sender::SendError;
use quorate_chain::{ChainError, Head};
use quorate_health::{GpuUuid, Window};
use quorate_protocol::StakeTable;

pub use events::{Event, LeaseEnd};
pub use hand::KeyedHand;
pub use l2::{Addresses, L2, Place};
pub use machine::{MachineState, Registration, Standing};
pub use relayed::RelayedHand;
pub use rules::Rules;

/// Why the chain gave no answer, or not the one that was hoped for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChainTrouble {
    /// No endpoint answers, or none has what was asked for yet. Later it may.
    #[error("the chain does not answer: {0}")]
    Silent(String),
    /// A contract said no when the call was tried out, in the words of
    /// [`quorate_bindings::reverts::describe`]; nothing was sent. An endpoint that is behind has an older
    /// contract say no, so whether it would say no again depends on what it said.
    #[error("the contract refuses: {0}")]
    Refused(String),
    /// The same of a transaction that was mined: gas was paid for it.
    #[error("the contract refused, and gas was paid for it: {0}")]
    Reverted(String),
    /// Something on this side: no funds, the wrong chain, a key that another process uses.
    #[error("{0}")]
    Own(String),
}

impl ChainTrouble {
    /// Whether the same may succeed later without anybody's doing.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Silent(_))
    }

    /// What the contract said, if one said no.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Self::Refused(why) | Self::Reverted(why) => Some(why),
            Self::Silent(_) | Self::Own(_) => None,
        }
    }
}

impl From<ChainError> for ChainTrouble {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Contract { what, detail } => Self::Refused(format!("{what}: {detail}")),
            error if error.is_retryable() => Self::Silent(error.to_string()),
            error => Self::Own(error.to_string()),
        }
    }
}

impl From<SendError> for ChainTrouble {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Revert(revert) => Self::Refused(revert.to_string()),
            SendError::Reverted { revert, .. } => Self::Reverted(revert.to_string()),
            error if error.is_retryable() => Self::Silent(error.to_string()),
            error => Self::Own(error.to_string()),
        }
    }
}

/// Reads the chain.
#[async_trait]
pub trait Chain: Send + Sync + 'static {
    /// The newest block.
    async fn head(&self) -> Result<Head, ChainTrouble>;

    /// The network, its clock, and the health policy of the epoch that `now` lies in.
    async fn rules(&self, now: Timestamp) -> Result<Rules, ChainTrouble>;

    /// The tier that the policy puts a model into; `None` if it does not know the model.
    async fn tier_of(&self, model: u8, now: Timestamp) -> Result<Option<u8>, ChainTrouble>;

    /// All about one machine; `None` if there is no such offer.
    async fn machine(&self, offer: OfferId) -> Result<Option<MachineState>, ChainTrouble>;

    /// The cards that a machine was registered with; empty if it is not.
    async fn cards(&self, offer: OfferId) -> Result<Vec<GpuUuid>, ChainTrouble>;

    /// Which machine a card belongs to.
    async fn machine_of_card(&self, card: GpuUuid) -> Result<Option<OfferId>, ChainTrouble>;

    /// The table of a stake epoch; `None` while it is not whole on L2.
    async fn table(&self, epoch: Epoch) -> Result<Option<StakeTable>, ChainTrouble>;

    /// The last block that is older than `time`; `None` if the block `lowest` is not.
    async fn block_before(&self, time: Timestamp, lowest: u64)
    -> Result<Option<u64>, ChainTrouble>;

    /// What happened to a machine in the blocks `from..=to`, in order.
    async fn events(&self, offer: OfferId, from: u64, to: u64) -> Result<Vec<Event>, ChainTrouble>;

    /// The operator of each seat of a machine's committee.
    async fn seats(
        &self,
        epoch: HealthEpoch,
        offer: OfferId,
    ) -> Result<Vec<OperatorIndex>, ChainTrouble>;

    /// The last second in which receipts of an epoch are taken.
    async fn appealable_until(&self, epoch: HealthEpoch) -> Result<Timestamp, ChainTrouble>;

    /// The start of the first health epoch that is not settled.
    async fn settled_until(&self) -> Result<Timestamp, ChainTrouble>;

    /// What is locked or held for a request, in its currency's smallest unit.
    async fn locked(&self, request: RequestId) -> Result<U256, ChainTrouble>;

    /// A provider's stake, millionths of the token.
    async fn stake(&self, provider: Address) -> Result<u64, ChainTrouble>;

    /// What an account holds to pay for gas, wei.
    async fn balance(&self, account: Address) -> Result<U256, ChainTrouble>;
}

/// Something that is sent to the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Lets `Providers` pull so many millionths of the token, and stakes them.
    Stake {
        /// How many.
        millionths: u64,
    },
    /// Posts an offer.
    Post {
        /// The record, without id, version and provider.
        record: Bytes,
        /// Names the offer: the same name is posted once.
        name: String,
    },
    /// Makes a new version of an offer.
    Revise {
        /// Which.
        offer: OfferId,
        /// The record, without id, version and provider.
        record: Bytes,
    },
    /// Registers the machine's agent.
    Register {
        /// Which.
        offer: OfferId,
        /// Where it listens.
        endpoint: String,
        /// SHA-256 of its certificate.
        certificate: [u8; 32],
        /// Its cards, ascending.
        cards: Vec<GpuUuid>,
    },
    /// Tells where the agent listens by now.
    Move {
        /// Which.
        offer: OfferId,
        /// Where it listens.
        endpoint: String,
        /// SHA-256 of its certificate.
        certificate: [u8; 32],
    },
    /// Pauses or resumes.
    Pause {
        /// Which.
        offer: OfferId,
        /// Whether it is to be paused.
        paused: bool,
    },
    /// Announces maintenance.
    Maintain {
        /// Which.
        offer: OfferId,
        /// Its first second.
        from: Timestamp,
        /// The second after its last.
        until: Timestamp,
    },
    /// Ends or cancels the last maintenance.
    EndMaintenance {
        /// Which.
        offer: OfferId,
    },
    /// Shows a receipt.
    Appeal(Appeal),
    /// Carries uptime and level on.
    Observe {
        /// Which.
        offer: OfferId,
        /// At most so many epochs.
        most: u16,
    },
    /// Moves a lease's money.
    Settle {
        /// Which.
        request: RequestId,
    },
}

/// A receipt against one entry of a certified list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appeal {
    /// The health epoch.
    pub epoch: HealthEpoch,
    /// Which list of the epoch.
    pub number: u32,
    /// The machine.
    pub offer: OfferId,
    /// The window.
    pub window: Window,
    /// Whose receipt.
    pub operator: OperatorIndex,
    /// The receipt's signature, uncompressed.
    pub signature: [u8; 96],
    /// After this second it is refused.
    pub until: Timestamp,
}

/// A transaction that was mined and did not revert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Its hash.
    pub hash: B256,
    /// The offer that it posted.
    pub posted: Option<OfferId>,
    /// Whether the window of an appeal is not DOWN any more.
    pub fell: bool,
}

/// Sends to the chain, with one key.
#[async_trait]
pub trait Hand: Send + Sync + 'static {
    /// Who pays.
    fn address(&self) -> Address;

    /// Sends an action and waits until it is mined.
    async fn act(&self, action: &Action) -> Result<Done, ChainTrouble>;
}
