//! The contracts for real, over `quorate-chain`.

use alloy::primitives::{Address, U256};
use quorate_bindings::{IDisputes, IRounds, IStrikes};
use quorate_canon::{Round, Timestamp};
use quorate_chain::{
    ChainError, Rpc,
    sender::{Call, SendError, TxSender, try_call},
    views::{self, Judgement as Ruling, Verifier},
};
use quorate_protocol::Header;

use super::{
    court::{Act, Court, CourtError, Mined},
    docket::At,
};

alloy::sol! {
    /// `Rounds`: out of the windows, or not standing.
    error NotRefutable(uint64 n);
    /// `Disputes`: a commitment is shown in a later second than its own, and in its window.
    error NotRevealable(uint64 n);
    /// `Disputes`: the caller has no such commitment.
    error NoCommitment(uint64 n, address challenger);
}

/// Where the contracts lie, and who sends.
#[derive(Debug)]
pub(super) struct Ethereum {
    rpc: Rpc,
    rounds: Address,
    disputes: Address,
    strikes: Address,
    verifier: Verifier,
    sender: Option<TxSender>,
    /// Blocks whose logs are asked for at a time.
    log_range: u64,
}

impl Ethereum {
    /// Reads from `Rounds` where the others lie, logs of `log_range` blocks at a time. Without a sender,
    /// nothing is ever sent.
    ///
    /// # Errors
    /// [`ChainError`].
    pub(super) async fn open(
        rpc: Rpc,
        rounds: Address,
        sender: Option<TxSender>,
        log_range: u64,
    ) -> Result<Self, ChainError> {
        let disputes = views::disputes_of(&rpc, rounds).await?;
        let verifier = views::verifier_of(&rpc, disputes).await?;
        Ok(Self {
            strikes: views::strikes_of(&rpc, rounds).await?,
            verifier: Verifier::latest(rpc.clone(), verifier),
            rpc,
            rounds,
            disputes,
            sender,
            log_range,
        })
    }

    fn call(&self, round: Round, act: &Act) -> Call {
        let n = round.get();
        match act.clone() {
            Act::Challenge { header, witness } => {
                Call::new(self.disputes, &IDisputes::challengeCall { header, witness })
            }
            Act::Commit { bond, commitment } => {
                Call::new(self.disputes, &IDisputes::commitCall { n, commitment }).value(bond)
            }
            Act::Reveal {
                salt,
                header,
                witness,
            } => {
                let call = IDisputes::revealCall {
                    salt,
                    header,
                    witness,
                };
                Call::new(self.disputes, &call)
            }
            Act::Annul {
                header, witness, ..
            } => Call::new(self.disputes, &IDisputes::annulCall { header, witness }),
            Act::Strike { bitmap, aggregate } => {
                let call = IStrikes::strikeCall {
                    n,
                    bitmap,
                    aggregate,
                };
                Call::new(self.strikes, &call)
            }
            Act::Forfeit => {
                let challenger = self.challenger();
                Call::new(self.disputes, &IDisputes::forfeitCall { n, challenger })
            }
            Act::Withdraw => Call::new(self.disputes, &IDisputes::withdrawCall {}),
        }
    }
}

impl Court for Ethereum {
    fn challenger(&self) -> Address {
        self.sender
            .as_ref()
            .map_or(Address::ZERO, TxSender::address)
    }

    async fn judge(&self, header: &Header, witness: &[u8]) -> Result<Ruling, CourtError> {
        Ok(self.verifier.judge(header, witness).await?)
    }

    async fn until(&self, round: Round) -> Result<Option<Timestamp>, CourtError> {
        let contract = IRounds::new(self.rounds, self.rpc.provider());
        let until = contract.challengeableUntil(round.get()).call().await;
        let until = until.map_err(view)?;
        Ok((until != 0).then_some(Timestamp::new(until)))
    }

    async fn bond(&self) -> Result<U256, CourtError> {
        let contract = IDisputes::new(self.disputes, self.rpc.provider());
        contract.commitBond().call().await.map_err(view)
    }

    async fn credit(&self) -> Result<U256, CourtError> {
        let contract = IDisputes::new(self.disputes, self.rpc.provider());
        let credit = contract.creditOf(self.challenger()).call().await;
        credit.map_err(view)
    }

    async fn is_struck(&self, round: Round, from: u64) -> Result<bool, CourtError> {
        let (strikes, range) = (self.strikes, self.log_range);
        Ok(views::was_struck(&self.rpc, strikes, round, from, range).await?)
    }

    async fn try_out(&self, round: Round, act: &Act) -> Result<(), CourtError> {
        let call = self.call(round, act);
        try_call(&self.rpc, self.challenger(), &call).await?;
        Ok(())
    }

    async fn send(
        &self,
        round: Round,
        act: &Act,
        key: String,
        deadline: Option<Timestamp>,
    ) -> Result<Mined, CourtError> {
        let sender = self.sender.as_ref();
        let sender = sender.ok_or_else(|| CourtError::Stuck("no account to send from".into()))?;
        let call = self.call(round, act).key(key);
        let call = match deadline {
            Some(deadline) => call.deadline(deadline),
            None => call,
        };
        let receipt = sender.send(call).await?;
        Ok(Mined {
            transaction: receipt.hash,
            at: At {
                block: receipt.block(),
                hash: Some(receipt.block_hash),
            },
            gas: receipt.gas_used(),
        })
    }
}

fn view(error: alloy::contract::Error) -> CourtError {
    match error.as_revert_data() {
        Some(data) => CourtError::Refused(quorate_bindings::reverts::describe(&data)),
        None => CourtError::Later(error.to_string()),
    }
}

impl From<ChainError> for CourtError {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Contract { detail, .. } => Self::Refused(detail),
            error => Self::Later(error.to_string()),
        }
    }
}

impl From<SendError> for CourtError {
    fn from(error: SendError) -> Self {
        if let Some(revert) = error.revert() {
            let over = revert.is::<IDisputes::NotChallengeable>() || revert.is::<NotRefutable>();
            return if over {
                Self::NotChallengeable
            } else if revert.is::<NoCommitment>() {
                Self::NoCommitment
            } else if revert.is::<NotRevealable>() {
                Self::TooEarly
            } else {
                Self::Refused(revert.to_string())
            };
        }
        match error {
            error if error.is_retryable() => Self::Later(error.to_string()),
            error @ (SendError::Deadline { .. } | SendError::Stopped) => {
                Self::Later(error.to_string())
            }
            SendError::Refused(why) => Self::Stuck(format!(
                "the endpoint refuses the transaction: {why}; is the account funded?"
            )),
            error => Self::Stuck(error.to_string()),
        }
    }
}
