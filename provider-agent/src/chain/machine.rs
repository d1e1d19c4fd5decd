//! A machine as the chain has it.

use quorate_canon::{Address, Timestamp};
use quorate_health::Expected;
use quorate_matching::Offer;

/// A machine as the chain has it at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineState {
    /// The newest version of its offer.
    pub offer: Offer,
    /// Whether the offer is open.
    pub open: bool,
    /// Its agent.
    pub registration: Option<Registration>,
    /// Bits: 0 jailed, 1 in maintenance, 2 paused.
    pub flags: u8,
    /// Whether leases hold some of it.
    pub in_use: bool,
    /// Uptime and trust.
    pub standing: Standing,
}

/// What `Machines` has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registration {
    /// When it was registered.
    pub since: Timestamp,
    /// When it was retired, if it was.
    pub retired: Option<Timestamp>,
    /// Whether it is paused.
    pub paused: bool,
    /// SHA-256 of the agent's certificate.
    pub certificate: [u8; 32],
}

/// What `Health` has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Basis points; `None` before any epoch was observed.
    pub uptime: Option<u16>,
    /// Trust, 0 to 6.
    pub level: u8,
    /// The first health epoch that is not observed.
    pub next: u32,
}

impl MachineState {
    /// The address of its agent, if the offer names one.
    #[must_use]
    pub fn agent(&self) -> Option<Address> {
        let (pad, address) = self.offer.machine_key.split_first_chunk::<12>()?;
        let address: [u8; 20] = address.try_into().ok()?;
        (*pad == [0; 12] && address != [0; 20]).then_some(Address(address))
    }

    /// Whether it is registered, and not retired.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.registration
            .is_some_and(|registration| registration.retired.is_none())
    }

    /// Whether it is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.registration
            .is_some_and(|registration| registration.paused)
    }

    /// What operators expect of its cards.
    #[must_use]
    pub fn expected(&self, cards: &[quorate_health::GpuUuid]) -> Expected {
        Expected {
            cards: cards.to_vec(),
            model: self.offer.model,
            vram_mib: self.offer.vram_mib,
        }
    }
}
