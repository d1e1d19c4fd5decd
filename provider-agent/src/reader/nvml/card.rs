//! One card, by NVML's calls.

use nvml_wrapper::enum_wrappers::device::{
    EccCounter, MemoryError, TemperatureSensor, TemperatureThreshold,
};
use nvml_wrapper::enums::device::SampleValue;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::structs::device::FieldId;
use nvml_wrapper::{Device, Nvml};
use quorate_health::{Ecc, GpuUuid, Link, Remap, Signals};

use super::super::{Card, Reading, XidSeen};
use super::events::Events;
use super::gather::Gather;

/// Bytes in a MiB, as a shift.
const MIB: u32 = 20;

/// NVML's numbers of the fields of row remapping: rows for correctable and for uncorrectable errors,
/// pending, failed. The wrapper has no call of its own for them.
const REMAP: [FieldId; 4] = [FieldId(142), FieldId(143), FieldId(144), FieldId(145)];

/// A card that answered once.
#[derive(Debug)]
pub(super) struct CardHandle<'driver> {
    pub(super) card: Card,
    device: Device<'driver>,
    events: Events<'driver>,
}

impl<'driver> CardHandle<'driver> {
    /// The card at a place in the driver's list, if it answers and is a whole card.
    pub(super) fn open(nvml: &'driver Nvml, index: u32) -> Option<Self> {
        match Self::try_open(nvml, index) {
            Ok(handle) => Some(handle),
            Err(error) => {
                tracing::warn!(index, %error, "card cannot be read");
                None
            }
        }
    }

    fn try_open(nvml: &'driver Nvml, index: u32) -> Result<Self, NvmlError> {
        let device = nvml.device_by_index(index)?;
        let uuid: GpuUuid = device.uuid()?.parse().map_err(|_| NvmlError::InvalidArg)?;
        let name = device.name().unwrap_or_else(|_| "unnamed".to_owned());
        let events = Events::open(nvml, &device);
        Ok(Self {
            card: Card { index, uuid, name },
            device,
            events,
        })
    }

    /// Reads the card now.
    pub(super) fn read(&self) -> Reading {
        let mut gather = Gather::new(self.card.uuid);
        // A lost card may take seconds over each call, so it is asked no more than needed.
        for read in [read_memory, read_heat, read_errors, read_bus] {
            read(&mut gather, &self.device);
            if gather.record.lost {
                break;
            }
        }
        if self.events.is_open() {
            gather.give(Signals::XIDS);
        } else {
            gather.miss("xid events", "the card does not register for them");
        }
        gather.finish(self.card.clone())
    }

    /// The card's events since the last call.
    pub(super) fn poll(&self) -> Vec<XidSeen> {
        let numbers = self.events.poll();
        if numbers.is_empty() {
            return Vec::new();
        }
        let with_process = processes(&self.device).is_ok_and(|count| count > 0);
        let seen = |xid| XidSeen {
            card: self.card.uuid,
            xid,
            with_process,
        };
        numbers.into_iter().map(seen).collect()
    }
}

fn read_memory(gather: &mut Gather, device: &Device<'_>) {
    if let Some(memory) = gather.signal(Signals::MEMORY, "memory", device.memory_info()) {
        gather.record.memory_mib = u32::try_from(memory.total >> MIB).unwrap_or(u32::MAX);
        gather.record.held = memory.used;
    }
    if let Some(count) = gather.signal(Signals::PROCESSES, "processes", processes(device)) {
        gather.record.processes = u16::try_from(count).unwrap_or(u16::MAX);
    }
}

fn read_heat(gather: &mut Gather, device: &Device<'_>) {
    let now = device.temperature(TemperatureSensor::Gpu);
    if let Some(now) = gather.signal(Signals::TEMPERATURE, "temperature", now) {
        gather.record.celsius = byte(now);
    }
    let slowdown = device.temperature_threshold(TemperatureThreshold::Slowdown);
    if let Some(limit) = gather.signal(Signals::SLOWDOWN, "slowdown threshold", slowdown) {
        gather.record.slowdown = byte(limit);
    }
    let shutdown = device.temperature_threshold(TemperatureThreshold::Shutdown);
    if let Some(limit) = gather.signal(Signals::SHUTDOWN, "shutdown threshold", shutdown) {
        gather.record.shutdown = byte(limit);
    }
    let throttle = device.current_throttle_reasons();
    if let Some(reasons) = gather.signal(Signals::THROTTLE, "throttle reasons", throttle) {
        gather.record.throttle = reasons.bits();
    }
}

fn read_errors(gather: &mut Gather, device: &Device<'_>) {
    let volatile = ecc(device, EccCounter::Volatile);
    if let Some(counts) = gather.signal(Signals::ECC_VOLATILE, "volatile ecc", volatile) {
        gather.record.volatile = counts;
    }
    let aggregate = ecc(device, EccCounter::Aggregate);
    if let Some(counts) = gather.signal(Signals::ECC_AGGREGATE, "aggregate ecc", aggregate) {
        gather.record.aggregate = counts;
    }
    if let Some(remap) = gather.signal(Signals::REMAP, "row remapping", remap(device)) {
        gather.record.remap = remap;
    }
}

fn read_bus(gather: &mut Gather, device: &Device<'_>) {
    if let Some(pci) = gather.signal(Signals::PCI, "pci ids", device.pci_info()) {
        gather.record.pci_device = pci.pci_device_id;
        gather.record.pci_subsystem = pci.pci_sub_system_id.unwrap_or(0);
    }
    let replays = device.pcie_replay_counter();
    if let Some(replays) = gather.signal(Signals::REPLAYS, "pcie replays", replays) {
        gather.record.replays = replays;
    }
    if let Some(link) = gather.signal(Signals::LINK, "pcie link", link(device)) {
        gather.record.link = link;
    }
}

/// Processes that compute on the card. Those that draw are not counted: a desktop is no tenant.
fn processes(device: &Device<'_>) -> Result<u32, NvmlError> {
    device.running_compute_processes_count()
}

fn ecc(device: &Device<'_>, counter: EccCounter) -> Result<Ecc, NvmlError> {
    Ok(Ecc {
        corrected: device.total_ecc_errors(MemoryError::Corrected, counter)?,
        uncorrected: device.total_ecc_errors(MemoryError::Uncorrected, counter)?,
    })
}

fn remap(device: &Device<'_>) -> Result<Remap, NvmlError> {
    let mut values = device.field_values_for(&REMAP)?.into_iter();
    let mut next = || -> Result<u32, NvmlError> {
        let sample = values.next().ok_or(NvmlError::NoData)??;
        count(&sample.value?)
    };
    Ok(Remap {
        correctable: next()?,
        uncorrectable: next()?,
        pending: next()? != 0,
        failure: next()? != 0,
    })
}

/// A sample as a count. The driver chooses the type among the whole numbers.
fn count(value: &SampleValue) -> Result<u32, NvmlError> {
    let wide = match value {
        SampleValue::U32(value) => return Ok(*value),
        SampleValue::U64(value) => Some(*value),
        SampleValue::I64(value) => u64::try_from(*value).ok(),
        SampleValue::F64(_) => None,
    };
    wide.map(|value| u32::try_from(value).unwrap_or(u32::MAX))
        .ok_or(NvmlError::NoData)
}

fn link(device: &Device<'_>) -> Result<Link, NvmlError> {
    Ok(Link {
        width: byte(device.current_pcie_link_width()?),
        max_width: byte(device.max_pcie_link_width()?),
        generation: byte(device.current_pcie_link_gen()?),
        max_generation: byte(device.max_pcie_link_gen()?),
    })
}

/// As much of a number as a byte holds.
fn byte(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}
