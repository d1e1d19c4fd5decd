//! The policy's section on health: what is judged, against which numbers.

mod recommended;
mod validity;

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::{Amount, Bps, CodecError, Mask256, Stake};

use crate::Signals;
use crate::range::ensure;

pub use validity::PolicyError;

/// Flag bit: simulated cards may pass.
const SIMULATED: u8 = 1;
/// Flag bit: rows that wait for a reset are a FAIL.
const PENDING: u8 = 2;

/// Whom the policy lays an XID to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum XidClass {
    /// The hardware, or the software below the tenant: FAIL, in a lease too.
    Hardware,
    /// The application: no verdict, but a word for whoever asks why a lease ended.
    Application,
    /// Known, and no verdict: the card goes on working.
    Ignored,
    /// The policy does not list it: no verdict.
    Unlisted,
}

/// The health section; 256 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HealthPolicy {
    /// Windows of a health epoch, 1 to 256: a list has one bit for each.
    pub windows: u16,
    /// Seats of a committee, 31 to 1 024.
    pub seats: u16,
    /// How long an operator waits for an answer, milliseconds.
    pub deadline_ms: u16,
    /// FAILs in a row, in one window, before an operator attests DOWN; at least 2.
    pub fails: u8,
    /// Whether simulated cards may pass. Never in production.
    pub simulated_allowed: bool,
    /// Whether rows that wait for a reset are a FAIL.
    pub pending_fails: bool,
    /// Windows DOWN, over the committees of two different epochs, from which stake is slashed.
    pub slash_windows: u16,
    /// How long after a lease's end its work may still hold the cards, seconds.
    pub drain_seconds: u16,
    /// How long a DOWN may be appealed, seconds.
    pub appeal_seconds: u32,
    /// How long before its beginning a maintenance has to be announced, seconds.
    pub maintenance_notice: u32,
    /// The most maintenance in 30 days, seconds.
    pub maintenance_cap: u32,
    /// How long after its event an XID of the hardware is a FAIL, seconds.
    pub xid_horizon: u32,
    /// Signals that every card has to give.
    pub required: Signals,
    /// XIDs laid to the hardware.
    pub xid_hardware: Mask256,
    /// XIDs laid to the application.
    pub xid_application: Mask256,
    /// XIDs that are known and ignored.
    pub xid_ignored: Mask256,
    /// Reasons for throttling that are a FAIL, as NVML's mask.
    pub throttle: u64,
    /// From this temperature on a card is too hot, degrees Celsius; 0: only its own threshold counts.
    pub max_celsius: u8,
    /// How far below its own threshold of slowdown a card is too hot, degrees.
    pub heat_margin: u8,
    /// The least share of its greatest link width that a card has to use.
    pub min_width: Bps,
    /// PCIe replays a minute that are allowed at 16 lanes of generation 3; other links in proportion
    /// to lanes and transfer rate.
    pub replays: u16,
    /// The least share of the registered memory that a card has to show.
    pub min_memory: Bps,
    /// The most uncorrected memory errors since the driver was loaded.
    pub uncorrected_max: u32,
    /// The most corrected memory errors in an hour.
    pub corrected_per_hour: u32,
    /// The most memory that may be held on a free machine's card, MiB.
    pub idle_held_mib: u32,
    /// The most processes on a free machine's card.
    pub idle_processes: u16,
    /// How long after a health epoch's end lists of its windows DOWN are taken, seconds; at least 1.
    pub certify_seconds: u32,
    /// What a slashed machine loses of its share of its provider's stake.
    pub slash_bps: Bps,
    /// The most of it that goes to whoever slashes, millionths of the stake token.
    pub bounty: Stake,
    /// How many health epochs a slashed machine sits out.
    pub jail_epochs: u16,
    /// Over how many observed health epochs uptime forgets, at least 1.
    pub uptime_memory: u16,
    /// Over how many fees reputation forgets, at least one micro-dollar.
    pub reputation_memory: Amount,
}

impl HealthPolicy {
    /// Reads a section, and takes only a valid one.
    ///
    /// # Errors
    /// If the bytes are no section, or it breaks a rule of the format.
    pub fn from_section(bytes: &[u8]) -> Result<Self, PolicyError> {
        let policy = Self::from_bytes(bytes)?;
        policy.validate()?;
        Ok(policy)
    }

    /// The section as it lies in the policy's page.
    #[must_use]
    pub fn section(&self) -> [u8; 256] {
        let mut section = [0; 256];
        for (to, from) in section.iter_mut().zip(self.to_bytes()) {
            *to = from;
        }
        section
    }

    /// Whom an XID is laid to. The masks know the numbers 0 to 255; higher ones are unlisted.
    #[must_use]
    pub fn class_of(&self, xid: u16) -> XidClass {
        let Ok(bit) = u8::try_from(xid) else {
            return XidClass::Unlisted;
        };
        if self.xid_hardware.bit(bit) {
            XidClass::Hardware
        } else if self.xid_application.bit(bit) {
            XidClass::Application
        } else if self.xid_ignored.bit(bit) {
            XidClass::Ignored
        } else {
            XidClass::Unlisted
        }
    }

    fn flags(&self) -> u8 {
        let simulated = if self.simulated_allowed { SIMULATED } else { 0 };
        let pending = if self.pending_fails { PENDING } else { 0 };
        simulated | pending
    }
}

impl FixedWidth for HealthPolicy {
    const WIDTH: usize = 256;

    fn write(&self, out: &mut Writer) {
        for number in [self.windows, self.seats, self.deadline_ms] {
            out.value(&number);
        }
        out.put(&[self.fails, self.flags()]);
        out.value(&self.slash_windows);
        out.value(&self.drain_seconds);
        for seconds in [
            self.appeal_seconds,
            self.maintenance_notice,
            self.maintenance_cap,
            self.xid_horizon,
        ] {
            out.value(&seconds);
        }
        out.value(&self.required);
        for mask in [self.xid_hardware, self.xid_application, self.xid_ignored] {
            out.value(&mask);
        }
        out.value(&self.throttle);
        out.put(&[self.max_celsius, self.heat_margin]);
        out.value(&self.min_width);
        out.value(&self.replays);
        out.value(&self.min_memory);
        for number in [
            self.uncorrected_max,
            self.corrected_per_hour,
            self.idle_held_mib,
        ] {
            out.value(&number);
        }
        out.value(&self.idle_processes);
        out.value(&self.certify_seconds);
        out.value(&self.slash_bps);
        out.value(&self.bounty);
        out.value(&self.jail_epochs);
        out.value(&self.uptime_memory);
        out.value(&self.reputation_memory);
        out.spare(72);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let [windows, seats, deadline_ms]: [u16; 3] = input.value()?;
        let [fails, flags]: [u8; 2] = input.value()?;
        ensure(flags <= SIMULATED | PENDING, "flags", flags, "below 4")?;
        let policy = Self {
            windows,
            seats,
            deadline_ms,
            fails,
            simulated_allowed: flags & SIMULATED != 0,
            pending_fails: flags & PENDING != 0,
            slash_windows: input.value()?,
            drain_seconds: input.value()?,
            appeal_seconds: input.value()?,
            maintenance_notice: input.value()?,
            maintenance_cap: input.value()?,
            xid_horizon: input.value()?,
            required: input.value()?,
            xid_hardware: input.value()?,
            xid_application: input.value()?,
            xid_ignored: input.value()?,
            throttle: input.value()?,
            max_celsius: input.value()?,
            heat_margin: input.value()?,
            min_width: input.value()?,
            replays: input.value()?,
            min_memory: input.value()?,
            uncorrected_max: input.value()?,
            corrected_per_hour: input.value()?,
            idle_held_mib: input.value()?,
            idle_processes: input.value()?,
            certify_seconds: input.value()?,
            slash_bps: input.value()?,
            bounty: input.value()?,
            jail_epochs: input.value()?,
            uptime_memory: input.value()?,
            reputation_memory: input.value()?,
        };
        input.spare(72)?;
        Ok(policy)
    }
}
