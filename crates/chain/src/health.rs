//! The clock of health epochs, and what `Health` has said, out of logs. Nothing is folded: whoever needs an epoch's lists, strikes or
//! slashes reads the logs of its time ([`crate::views::health_events`]).

use alloy::rpc::types::Log;
use quorate_bindings::IHealth::IHealthEvents;
use quorate_canon::{
    Address, Digest, HealthEpoch, Mask256, OfferId, OperatorIndex, Stake, Timestamp,
};
use quorate_health::{EpochClock, Window};
use quorate_protocol::Schedule;

use crate::ChainError;
use crate::rpc::known;

/// The clock of health epochs, out of the schedule.
#[must_use]
pub const fn epoch_clock(schedule: &Schedule) -> EpochClock {
    EpochClock {
        genesis: schedule.genesis,
        epoch_seconds: schedule.health_epoch,
        stake_epoch: schedule.stake_epoch,
        period: schedule.period,
        beacon_genesis: schedule.beacon_genesis,
        beacon_period: schedule.beacon_period,
    }
}

/// An event of `Health`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthEvent {
    /// An epoch's randomness is known to L2.
    EpochOpened {
        /// The epoch.
        epoch: HealthEpoch,
        /// SHA-256 of the signature.
        randomness: Digest,
        /// The beacon's signature, as it was handed in.
        beacon: Vec<u8>,
    },
    /// A list of windows DOWN was certified.
    ListCertified {
        /// The epoch.
        epoch: HealthEpoch,
        /// The list's number in its epoch, from 0.
        number: u32,
        /// Its digest.
        digest: Digest,
        /// Time.
        time: Timestamp,
        /// Its bytes (`docs/formats.md` section 14).
        list: Vec<u8>,
        /// Who signed.
        bitmap: Vec<u8>,
        /// The sum of their signatures, EIP-2537.
        aggregate: Vec<u8>,
    },
    /// Windows of a machine are DOWN.
    MachineDown {
        /// The epoch.
        epoch: HealthEpoch,
        /// The machine.
        machine: OfferId,
        /// The list.
        number: u32,
        /// Those that were not DOWN before.
        windows: Mask256,
        /// Seats behind them.
        seats: u16,
    },
    /// A receipt struck an operator's seats.
    SeatsStruck {
        /// The epoch.
        epoch: HealthEpoch,
        /// The machine.
        machine: OfferId,
        /// The list.
        number: u32,
        /// The window.
        window: Window,
        /// Whose seats.
        operator: OperatorIndex,
        /// How many.
        seats: u16,
        /// Whether the window is not DOWN any more.
        fell: bool,
        /// The receipt's signature, EIP-2537.
        receipt: Vec<u8>,
    },
    /// A provider lost stake for a machine.
    MachineSlashed {
        /// The machine.
        machine: OfferId,
        /// Whose it is.
        provider: Address,
        /// The first of the two epochs.
        epoch: HealthEpoch,
        /// The windows DOWN.
        windows: Mask256,
        /// What was taken, millionths.
        taken: Stake,
        /// What of it went to the caller.
        bounty: Stake,
        /// The caller.
        to: Address,
        /// The machine is jailed until then.
        until: Timestamp,
    },
    /// A machine was let out of jail.
    MachineReleased {
        /// The machine.
        machine: OfferId,
        /// Time.
        time: Timestamp,
    },
    /// Uptime and level of a machine were carried on.
    MachineObserved {
        /// The machine.
        machine: OfferId,
        /// Up to and with this epoch.
        epoch: HealthEpoch,
        /// Basis points.
        uptime: u16,
        /// Of the trust ladder.
        level: u8,
    },
}

impl HealthEvent {
    /// Reads a log of `Health`; `None` for events that this version does not know.
    ///
    /// # Errors
    /// [`ChainError::BadEvent`] if the log is not what the interface says.
    pub fn from_log(log: &Log) -> Result<Option<Self>, ChainError> {
        let event = known::<IHealthEvents>(log, IHealthEvents::SELECTORS)?;
        Ok(event.map(Self::from))
    }
}

impl From<IHealthEvents> for HealthEvent {
    fn from(event: IHealthEvents) -> Self {
        match event {
            IHealthEvents::EpochOpened(e) => Self::EpochOpened {
                epoch: HealthEpoch::new(e.epoch),
                randomness: Digest(e.randomness.0),
                beacon: e.beaconSignature.to_vec(),
            },
            IHealthEvents::ListCertified(e) => Self::ListCertified {
                epoch: HealthEpoch::new(e.epoch),
                number: e.number,
                digest: Digest(e.digest.0),
                time: Timestamp::new(e.time),
                list: e.list.to_vec(),
                bitmap: e.bitmap.to_vec(),
                aggregate: e.aggregate.to_vec(),
            },
            IHealthEvents::MachineDown(e) => Self::MachineDown {
                epoch: HealthEpoch::new(e.epoch),
                machine: OfferId::new(e.offerId),
                number: e.number,
                windows: Mask256(e.windows.to_be_bytes()),
                seats: e.seats,
            },
            IHealthEvents::SeatsStruck(e) => Self::SeatsStruck {
                epoch: HealthEpoch::new(e.epoch),
                machine: OfferId::new(e.offerId),
                number: e.number,
                window: Window(e.window),
                operator: OperatorIndex::new(e.operatorIndex),
                seats: e.seats,
                fell: e.fell,
                receipt: e.receiptSignature.to_vec(),
            },
            IHealthEvents::MachineSlashed(e) => Self::MachineSlashed {
                machine: OfferId::new(e.offerId),
                provider: Address(e.provider.into_array()),
                epoch: HealthEpoch::new(e.epoch),
                windows: Mask256(e.windows.to_be_bytes()),
                taken: Stake::new(e.taken),
                bounty: Stake::new(e.bounty),
                to: Address(e.to.into_array()),
                until: Timestamp::new(e.until),
            },
            IHealthEvents::MachineReleased(e) => Self::MachineReleased {
                machine: OfferId::new(e.offerId),
                time: Timestamp::new(e.time),
            },
            IHealthEvents::MachineObserved(e) => Self::MachineObserved {
                machine: OfferId::new(e.offerId),
                epoch: HealthEpoch::new(e.epoch),
                uptime: e.uptime,
                level: e.level,
            },
        }
    }
}
