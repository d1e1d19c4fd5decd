//! What a scenario's cards say at a given second.

use std::ops::RangeInclusive;

use quorate_health::{GpuRecord, Link, Signals};

use super::super::{Card, Reading, XidSeen};
use super::scenario::{CardPlan, Happening, Happens, Scenario};
use crate::models;

/// NVML's reason "hardware thermal slowdown".
const HW_THERMAL: u64 = 0x40;
/// Thresholds of a data-centre card.
const SLOWDOWN: u8 = 89;
/// Above slowdown by as much as such cards have it.
const SHUTDOWN: u8 = 92;
/// Sixteen lanes of generation 5.
const LINK: Link = Link {
    width: 16,
    max_width: 16,
    generation: 5,
    max_generation: 5,
};
/// What a driver holds of an idle card, MiB.
const IDLE_MIB: u64 = 4;
/// Bytes in a MiB, as a shift.
const MIB: u32 = 20;

/// What a card says.
pub(super) fn reading(scenario: &Scenario, card: Card, second: u64) -> Reading {
    let mut record = plan_of(scenario, card.index).map_or_else(GpuRecord::default, steady);
    record.uuid = card.uuid;
    record.model = models::recognise(&card.name, record.memory_mib);
    for event in events_of(scenario, card.index) {
        apply(&mut record, event, second);
    }
    if record.lost {
        record = GpuRecord {
            uuid: card.uuid,
            lost: true,
            ..GpuRecord::default()
        };
    }
    Reading {
        card,
        record,
        missing: Vec::new(),
    }
}

/// The XID events of some seconds, oldest first.
pub(super) fn events(
    scenario: &Scenario,
    cards: &[Card],
    seconds: RangeInclusive<u64>,
) -> Vec<XidSeen> {
    let mut seen: Vec<(u64, XidSeen)> = Vec::new();
    for card in cards {
        for event in events_of(scenario, card.index) {
            if let Happening::Xid { xid } = event.what
                && seconds.contains(&event.at)
            {
                let record = reading(scenario, card.clone(), event.at).record;
                let with_process = record.processes > 0;
                let card = card.uuid;
                seen.push((
                    event.at,
                    XidSeen {
                        card,
                        xid,
                        with_process,
                    },
                ));
            }
        }
    }
    seen.sort_by_key(|(at, _)| *at);
    seen.into_iter().map(|(_, seen)| seen).collect()
}

/// The plan of the card at an index.
fn plan_of(scenario: &Scenario, index: u32) -> Option<&CardPlan> {
    let each = scenario
        .cards
        .iter()
        .flat_map(|plan| (0..plan.count).map(move |_| plan));
    usize::try_from(index)
        .ok()
        .and_then(|index| each.into_iter().nth(index))
}

fn events_of(scenario: &Scenario, index: u32) -> impl Iterator<Item = &Happens> {
    let concerns = move |event: &&Happens| event.card.is_none_or(|card| card == index);
    scenario.events.iter().filter(concerns)
}

/// A card to which nothing happens.
fn steady(plan: &CardPlan) -> GpuRecord {
    GpuRecord {
        signals: Signals::ALL,
        celsius: plan.celsius,
        slowdown: SLOWDOWN,
        shutdown: SHUTDOWN,
        memory_mib: plan.memory_mib,
        held: IDLE_MIB << MIB,
        link: LINK,
        ..GpuRecord::default()
    }
}

/// Seconds for which an event has gone on: `None` before it, and its whole length after it.
fn lasted(event: &Happens, second: u64) -> Option<u64> {
    let since = second.checked_sub(event.at)?;
    Some(event.seconds.map_or(since, |length| since.min(length)))
}

/// Whether an event goes on.
fn goes_on(event: &Happens, second: u64) -> bool {
    second
        .checked_sub(event.at)
        .is_some_and(|since| event.seconds.is_none_or(|length| since < length))
}

fn apply(record: &mut GpuRecord, event: &Happens, second: u64) {
    count(record, event, second);
    if !goes_on(event, second) {
        return;
    }
    match event.what {
        Happening::Hot { celsius } => {
            record.celsius = celsius;
            if celsius >= SLOWDOWN {
                record.throttle |= HW_THERMAL;
            }
        }
        Happening::Gone {} => record.lost = true,
        Happening::Rented {
            held_mib,
            processes,
        } => {
            record.held = record.held.saturating_add(u64::from(held_mib) << MIB);
            record.processes = record.processes.saturating_add(processes);
        }
        Happening::NarrowLink { width } => record.link.width = width,
        Happening::Steady {}
        | Happening::Xid { .. }
        | Happening::EccStorm { .. }
        | Happening::Replays { .. } => {}
    }
}

/// Counters keep what they have counted.
fn count(record: &mut GpuRecord, event: &Happens, second: u64) {
    let Some(lasted) = lasted(event, second) else {
        return;
    };
    match event.what {
        Happening::EccStorm {
            corrected,
            uncorrected,
        } => {
            for ecc in [&mut record.volatile, &mut record.aggregate] {
                ecc.corrected = ecc
                    .corrected
                    .saturating_add(corrected.saturating_mul(lasted));
                ecc.uncorrected = ecc
                    .uncorrected
                    .saturating_add(uncorrected.saturating_mul(lasted));
            }
        }
        Happening::Replays { each_second } => {
            let lasted = u32::try_from(lasted).unwrap_or(u32::MAX);
            record.replays = record
                .replays
                .saturating_add(each_second.saturating_mul(lasted));
        }
        _ => {}
    }
}
