//! One card in a report.

use quorate_canon::CodecError;
use quorate_canon::codec::{FixedWidth, Reader, Writer};

use crate::range::ensure;
use crate::{GpuUuid, Signals};

/// The most XID events that a report carries for one card: the newest.
pub const MAX_XIDS: usize = 16;

/// State bit: the card does not answer ("fallen off the bus").
const LOST: u8 = 1;
/// State bit: the card has to be reset before it works again.
const RESET: u8 = 2;
/// Remapping bit: rows wait for a reset.
const PENDING: u8 = 1;
/// Remapping bit: a row could not be remapped.
const FAILURE: u8 = 2;

/// An XID event: the driver's word that something went wrong on a card.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct XidEvent {
    /// The number in NVIDIA's catalogue.
    pub xid: u16,
    /// Seconds between the event and the report.
    pub seconds_ago: u32,
    /// Whether a process held the card when it came. It tells a tenant's fault from the machine's
    /// to people; no verdict reads it.
    pub with_process: bool,
}

impl FixedWidth for XidEvent {
    const WIDTH: usize = 7;

    fn write(&self, out: &mut Writer) {
        out.value(&self.xid);
        out.value(&self.seconds_ago);
        out.value(&u8::from(self.with_process));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let (xid, seconds_ago) = (input.value()?, input.value()?);
        let flags: u8 = input.value()?;
        ensure(flags <= 1, "xid flags", flags, "0 or 1")?;
        Ok(Self {
            xid,
            seconds_ago,
            with_process: flags == 1,
        })
    }
}

/// Counters of memory errors that ECC saw.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ecc {
    /// Errors that were put right.
    pub corrected: u64,
    /// Errors that were not.
    pub uncorrected: u64,
}

/// Row remapping: how a card takes bad rows of its memory out of use.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Remap {
    /// Rows remapped for correctable errors.
    pub correctable: u32,
    /// Rows remapped for uncorrectable errors.
    pub uncorrectable: u32,
    /// Rows wait for a reset.
    pub pending: bool,
    /// A row could not be remapped: NVIDIA takes such a card back.
    pub failure: bool,
}

/// The PCIe link.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Link {
    /// Lanes in use.
    pub width: u8,
    /// The most lanes that card and slot allow.
    pub max_width: u8,
    /// Generation in use; falls when a card idles.
    pub generation: u8,
    /// The highest generation that card and slot allow.
    pub max_generation: u8,
}

/// What the agent read from one card; 224 bytes. A field whose signal is not in `signals` is zero.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub struct GpuRecord {
    /// The card.
    pub uuid: GpuUuid,
    /// What the card gave.
    pub signals: Signals,
    /// The card does not answer.
    pub lost: bool,
    /// The card needs a reset before it works again.
    pub needs_reset: bool,
    /// Degrees Celsius.
    pub celsius: u8,
    /// The card's own threshold of slowdown, degrees Celsius.
    pub slowdown: u8,
    /// The card's own threshold of shutdown, degrees Celsius.
    pub shutdown: u8,
    /// Index into the policy's model table, as the agent takes the card to be; 0 where it does not know.
    pub model: u8,
    /// PCI device id (high half) and vendor id (low half).
    pub pci_device: u32,
    /// PCI subsystem id.
    pub pci_subsystem: u32,
    /// Total memory, MiB.
    pub memory_mib: u32,
    /// Bytes of memory that are held by anyone.
    pub held: u64,
    /// Number of processes on the card. No names, no ids.
    pub processes: u16,
    /// The PCIe link.
    pub link: Link,
    /// PCIe replays since the driver was loaded.
    pub replays: u32,
    /// Memory errors since the driver was loaded.
    pub volatile: Ecc,
    /// Memory errors over the card's life.
    pub aggregate: Ecc,
    /// Row remapping.
    pub remap: Remap,
    /// NVML's mask of reasons for which clocks are held down.
    pub throttle: u64,
    /// XID events since the agent began to listen: the newest of each number, newest first, at most
    /// [`MAX_XIDS`].
    pub xids: Vec<XidEvent>,
    /// How many events the list leaves out.
    pub older_xids: u16,
}

impl GpuRecord {
    /// Whether a signal was given.
    #[must_use]
    pub const fn has(&self, signals: Signals) -> bool {
        self.signals.has(signals)
    }

    /// The same record as it would be read back: of each XID number only the newest event, newest
    /// first. So a storm of one number cannot push another out.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let events = self.xids.len();
        self.xids.sort_by_key(|event| event.seconds_ago);
        let mut newest: Vec<XidEvent> = Vec::with_capacity(MAX_XIDS);
        for event in self.xids {
            let known = newest.iter().any(|other| other.xid == event.xid);
            if !known && newest.len() < MAX_XIDS {
                newest.push(event);
            }
        }
        let left_out = events.saturating_sub(newest.len());
        self.xids = newest;
        let left_out = u16::try_from(left_out).unwrap_or(u16::MAX);
        self.older_xids = self.older_xids.saturating_add(left_out);
        self
    }

    fn write_memory(&self, out: &mut Writer) {
        for ecc in [self.volatile, self.aggregate] {
            out.value(&ecc.corrected);
            out.value(&ecc.uncorrected);
        }
        out.value(&self.remap.correctable);
        out.value(&self.remap.uncorrectable);
        out.value(&bits(
            self.remap.pending,
            PENDING,
            self.remap.failure,
            FAILURE,
        ));
    }

    fn write_xids(&self, out: &mut Writer) {
        let listed = self.xids.iter().take(MAX_XIDS);
        let count = listed.len();
        out.value(&self.older_xids);
        out.value(&u8::try_from(count).unwrap_or(u8::MAX));
        for event in listed {
            out.value(event);
        }
        out.spare(
            MAX_XIDS
                .saturating_sub(count)
                .saturating_mul(XidEvent::WIDTH),
        );
    }
}

/// Two flags as one byte.
fn bits(first: bool, first_bit: u8, second: bool, second_bit: u8) -> u8 {
    u8::from(first)
        .saturating_mul(first_bit)
        .saturating_add(u8::from(second).saturating_mul(second_bit))
}

fn read_ecc(input: &mut Reader<'_>) -> Result<Ecc, CodecError> {
    Ok(Ecc {
        corrected: input.value()?,
        uncorrected: input.value()?,
    })
}

fn read_remap(input: &mut Reader<'_>) -> Result<Remap, CodecError> {
    let (correctable, uncorrectable) = (input.value()?, input.value()?);
    let flags: u8 = input.value()?;
    ensure(flags <= PENDING | FAILURE, "remap", flags, "below 4")?;
    Ok(Remap {
        correctable,
        uncorrectable,
        pending: flags & PENDING != 0,
        failure: flags & FAILURE != 0,
    })
}

fn read_xids(input: &mut Reader<'_>) -> Result<Vec<XidEvent>, CodecError> {
    let count = usize::from(input.value::<u8>()?);
    let got = u64::try_from(count).unwrap_or(u64::MAX);
    ensure(count <= MAX_XIDS, "xid count", got, "at most 16")?;
    let mut xids: Vec<XidEvent> = Vec::with_capacity(count);
    for _ in 0..count {
        let event: XidEvent = input.value()?;
        let newest_first = xids
            .last()
            .is_none_or(|newer| newer.seconds_ago <= event.seconds_ago);
        ensure(newest_first, "xid age", event.seconds_ago, "newest first")?;
        xids.push(event);
    }
    input.spare(
        MAX_XIDS
            .saturating_sub(count)
            .saturating_mul(XidEvent::WIDTH),
    )?;
    Ok(xids)
}

impl FixedWidth for GpuRecord {
    const WIDTH: usize = 224;

    fn write(&self, out: &mut Writer) {
        out.value(&self.uuid);
        out.value(&self.signals);
        out.put(&[
            bits(self.lost, LOST, self.needs_reset, RESET),
            self.celsius,
            self.slowdown,
            self.shutdown,
            self.model,
        ]);
        for number in [self.pci_device, self.pci_subsystem, self.memory_mib] {
            out.value(&number);
        }
        out.value(&self.held);
        out.value(&self.processes);
        out.put(&[
            self.link.width,
            self.link.max_width,
            self.link.generation,
            self.link.max_generation,
        ]);
        out.value(&self.replays);
        self.write_memory(out);
        out.value(&self.throttle);
        self.write_xids(out);
        out.spare(5);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let (uuid, signals) = (input.value()?, input.value()?);
        let state: u8 = input.value()?;
        ensure(state <= LOST | RESET, "state", state, "below 4")?;
        let record = Self {
            uuid,
            signals,
            lost: state & LOST != 0,
            needs_reset: state & RESET != 0,
            celsius: input.value()?,
            slowdown: input.value()?,
            shutdown: input.value()?,
            model: input.value()?,
            pci_device: input.value()?,
            pci_subsystem: input.value()?,
            memory_mib: input.value()?,
            held: input.value()?,
            processes: input.value()?,
            link: Link {
                width: input.value()?,
                max_width: input.value()?,
                generation: input.value()?,
                max_generation: input.value()?,
            },
            replays: input.value()?,
            volatile: read_ecc(input)?,
            aggregate: read_ecc(input)?,
            remap: read_remap(input)?,
            throttle: input.value()?,
            older_xids: input.value()?,
            xids: read_xids(input)?,
        };
        input.spare(5)?;
        Ok(record)
    }
}
