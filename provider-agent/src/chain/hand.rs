//! Sends with one key, through the journal of `crates/chain`.

use std::path::PathBuf;
use std::sync::Arc;

use alloy::primitives::{Address as EthAddress, FixedBytes, U256};
use alloy::rpc::types::Log;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolEvent};
use async_trait::async_trait;
use quorate_bindings::IHealth::SeatsStruck;
use quorate_bindings::IMarket::OffersPosted;
use quorate_bindings::erc20::IERC20;
use quorate_bindings::links::ProvidersLinks;
use quorate_bindings::{IEscrow, IHealth, IMachines, IMarket, IProviders};
use quorate_bls::Signature;
use quorate_canon::{Address, OfferId};
use quorate_chain::sender::{Call, Receipt, SenderConfig, TxSender};
use quorate_chain::to_address;
use quorate_keys::ecdsa;
use tokio::sync::OnceCell;

use super::facts::trouble;
use super::l2::Connected;
use super::{Action, Addresses, Appeal, ChainTrouble, Done, Hand, L2};

/// Gas added to an estimate, percent. An estimate is made as if in the last block: there a flag that
/// changes twice overwrites its checkpoint, in the next one it needs a slot of its own.
const GAS_MARGIN: u64 = 100;

/// A key that sends. Its journal is opened, and what an earlier process left in it taken up, at its
/// first use.
#[derive(Debug, Clone)]
pub struct KeyedHand(Arc<Lazy>);

#[derive(Debug)]
struct Lazy {
    l2: L2,
    signer: PrivateKeySigner,
    journal: PathBuf,
    sender: OnceCell<TxSender>,
}

impl KeyedHand {
    /// A hand with a key and its journal.
    ///
    /// # Errors
    /// [`ChainTrouble::Own`] if the key is none, which none of a keystore is.
    pub fn new(l2: L2, key: &ecdsa::SecretKey, journal: PathBuf) -> Result<Self, ChainTrouble> {
        let signer = PrivateKeySigner::from_slice(key.expose_bytes())
            .map_err(|error| ChainTrouble::Own(error.to_string()))?;
        Ok(Self(Arc::new(Lazy {
            l2,
            signer,
            journal,
            sender: OnceCell::new(),
        })))
    }

    /// Opens the journal, unless it is open.
    ///
    /// # Errors
    /// [`ChainTrouble::Own`] if another process has it open, or it belongs to another key or chain.
    pub async fn open(&self) -> Result<&TxSender, ChainTrouble> {
        let Lazy {
            l2,
            signer,
            journal,
            sender,
        } = self.0.as_ref();
        sender
            .get_or_try_init(async || {
                let rpc = l2.on().await?.rpc.clone();
                let config = SenderConfig {
                    gas_margin: GAS_MARGIN,
                    ..SenderConfig::default()
                };
                Ok(TxSender::open(rpc, signer.clone(), config, Some(journal))?)
            })
            .await
    }

    async fn send(&self, call: Call) -> Result<Receipt, ChainTrouble> {
        Ok(self.open().await?.send(call).await?)
    }

    /// Approves and stakes.
    async fn stake(&self, millionths: u64) -> Result<Receipt, ChainTrouble> {
        let on = self.0.l2.on().await?;
        let at = &on.at;
        let (token, amount) = stake_of(on, millionths).await?;
        let approve = IERC20::approveCall {
            spender: at.providers,
            value: amount,
        };
        self.send(Call::new(token, &approve)).await?;
        let stake = IProviders::stakeCall { amount };
        self.send(Call::new(at.providers, &stake)).await
    }
}

#[async_trait]
impl Hand for KeyedHand {
    fn address(&self) -> Address {
        to_address(self.0.signer.address())
    }

    async fn act(&self, action: &Action) -> Result<Done, ChainTrouble> {
        let receipt = match action {
            Action::Stake { millionths } => self.stake(*millionths).await?,
            other => self.send(call(other, &self.0.l2.on().await?.at)?).await?,
        };
        Ok(done(&receipt))
    }
}

/// The token that is staked, and how much of its smallest unit so many millionths are.
pub(super) async fn stake_of(
    on: &Connected,
    millionths: u64,
) -> Result<(EthAddress, U256), ChainTrouble> {
    let links = ProvidersLinks::new(on.at.providers, on.rpc.provider());
    let token = links.token().call().await.map_err(trouble("token"))?;
    let millionth = links.millionth().call().await;
    let millionth: U256 = millionth.map_err(trouble("millionth"))?;
    Ok((token, millionth.saturating_mul(U256::from(millionths))))
}

/// What a receipt tells.
pub(super) fn done(receipt: &Receipt) -> Done {
    Done {
        hash: receipt.hash,
        posted: receipt.logs.iter().find_map(posted),
        fell: receipt.logs.iter().any(fell),
    }
}

fn posted(log: &Log) -> Option<OfferId> {
    let event = OffersPosted::decode_log(&log.inner).ok()?;
    Some(OfferId::new(event.firstId))
}

fn fell(log: &Log) -> bool {
    SeatsStruck::decode_log(&log.inner).is_ok_and(|event| event.fell)
}

/// The one call of an action. What must not happen twice has a name in the journal.
pub(super) fn call(action: &Action, at: &Addresses) -> Result<Call, ChainTrouble> {
    let machines = |input: Vec<u8>| Call::raw(at.machines, input.into());
    Ok(match action {
        // Two calls; see `stake`.
        Action::Stake { .. } => return Err(ChainTrouble::Own("staking is no one call".to_owned())),
        Action::Post { record, name } => {
            let records = record.clone();
            Call::new(at.market, &IMarket::postOffersCall { records }).key(format!("offer/{name}"))
        }
        Action::Revise { offer, record } => {
            let call = IMarket::reviseOfferCall {
                id: offer.get(),
                record: record.clone(),
            };
            Call::new(at.market, &call)
        }
        Action::Register {
            offer,
            endpoint,
            certificate,
            cards,
        } => {
            let call = IMachines::registerCall {
                offerId: offer.get(),
                endpoint: endpoint.clone(),
                certificate: FixedBytes(*certificate),
                cards: cards.iter().map(|card| FixedBytes(card.0)).collect(),
            };
            machines(call.abi_encode()).key(format!("register/{offer}"))
        }
        Action::Move {
            offer,
            endpoint,
            certificate,
        } => {
            let call = IMachines::setEndpointCall {
                offerId: offer.get(),
                endpoint: endpoint.clone(),
                certificate: FixedBytes(*certificate),
            };
            machines(call.abi_encode())
        }
        Action::Pause { offer, paused } => {
            let call = IMachines::setPausedCall {
                offerId: offer.get(),
                paused: *paused,
            };
            machines(call.abi_encode())
        }
        Action::Maintain { offer, from, until } => {
            let call = IMachines::announceMaintenanceCall {
                offerId: offer.get(),
                from: from.get(),
                until: until.get(),
            };
            machines(call.abi_encode())
        }
        Action::EndMaintenance { offer } => {
            let offer = offer.get();
            machines(IMachines::endMaintenanceCall { offerId: offer }.abi_encode())
        }
        Action::Appeal(appeal) => appeal_call(appeal, at)?,
        Action::Observe { offer, most } => {
            let call = IHealth::observeCall {
                offerId: offer.get(),
                most: *most,
            };
            Call::new(at.health, &call)
        }
        Action::Settle { request } => {
            let request = request.get();
            Call::new(at.escrow, &IEscrow::settleCall { requestId: request })
        }
    })
}

fn appeal_call(appeal: &Appeal, at: &Addresses) -> Result<Call, ChainTrouble> {
    let signature = Signature::from_bytes96(&appeal.signature)
        .map_err(|error| ChainTrouble::Own(format!("a stored receipt's signature: {error}")))?;
    let call = IHealth::appealCall {
        epoch: appeal.epoch.get(),
        number: appeal.number,
        offerId: appeal.offer.get(),
        window: appeal.window.0,
        operatorIndex: appeal.operator.get(),
        receiptSignature: signature.to_eip2537().to_vec().into(),
    };
    let name = format!(
        "appeal/{}/{}/{}/{}",
        appeal.epoch, appeal.number, appeal.window, appeal.operator
    );
    Ok(Call::new(at.health, &call).key(name).deadline(appeal.until))
}
