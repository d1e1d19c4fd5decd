//! The XID events that the driver told, until they are too old to matter.

use std::collections::BTreeMap;

use quorate_canon::Timestamp;
use quorate_health::{GpuRecord, GpuUuid, Signals, XidEvent};

use crate::reader::XidSeen;

/// The most events that are kept of one card: far more than a report names.
const KEPT: usize = 256;

/// An event and its time.
#[derive(Debug, Clone, Copy)]
struct Kept {
    xid: u16,
    at: Timestamp,
    with_process: bool,
}

/// The events of all cards since the agent began to listen.
#[derive(Debug, Clone)]
pub struct XidLog {
    since: Timestamp,
    cards: BTreeMap<GpuUuid, Vec<Kept>>,
}

impl XidLog {
    /// A log that begins now.
    #[must_use]
    pub const fn new(since: Timestamp) -> Self {
        Self {
            since,
            cards: BTreeMap::new(),
        }
    }

    /// When it began.
    #[must_use]
    pub const fn since(&self) -> Timestamp {
        self.since
    }

    /// Adds what a poll gave. Of a card with too many events the oldest go, but never the last of
    /// its number.
    pub fn add(&mut self, seen: &[XidSeen], now: Timestamp) {
        for event in seen {
            let kept = self.cards.entry(event.card).or_default();
            kept.push(Kept {
                xid: event.xid,
                at: now,
                with_process: event.with_process,
            });
            if kept.len() > KEPT {
                let superseded = (0..kept.len()).find(|old| {
                    kept[old + 1..]
                        .iter()
                        .any(|newer| newer.xid == kept[*old].xid)
                });
                kept.remove(superseded.unwrap_or(0));
            }
        }
    }

    /// Puts a card's events into its record: into that of a lost card too, whose last word they are.
    pub fn fill(&self, record: &mut GpuRecord, now: Timestamp) {
        let events = self.cards.get(&record.uuid).into_iter().flatten();
        record.xids = events
            .map(|kept| XidEvent {
                xid: kept.xid,
                seconds_ago: u32::try_from(now.get().saturating_sub(kept.at.get()))
                    .unwrap_or(u32::MAX),
                with_process: kept.with_process,
            })
            .collect();
        if !record.xids.is_empty() {
            record.signals = record.signals.with(Signals::XIDS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: GpuUuid = GpuUuid([1; 16]);

    fn seen(xid: u16) -> XidSeen {
        XidSeen {
            card: CARD,
            xid,
            with_process: false,
        }
    }

    fn record(log: &XidLog, now: u64) -> GpuRecord {
        let mut record = GpuRecord {
            uuid: CARD,
            ..GpuRecord::default()
        };
        log.fill(&mut record, Timestamp::new(now));
        record.bounded()
    }

    #[test]
    fn events_age() {
        let mut log = XidLog::new(Timestamp::new(0));
        log.add(&[seen(31)], Timestamp::new(100));
        log.add(&[seen(79)], Timestamp::new(130));
        let ages: Vec<_> = record(&log, 150)
            .xids
            .iter()
            .map(|event| (event.xid, event.seconds_ago))
            .collect();
        assert_eq!(ages, [(79, 20), (31, 50)]);
    }

    #[test]
    fn a_storm_of_one_number_hides_no_other() {
        let mut log = XidLog::new(Timestamp::new(0));
        log.add(&[seen(48)], Timestamp::new(1));
        for second in 2..2_000 {
            log.add(&[seen(31)], Timestamp::new(second));
        }
        assert!(log.cards[&CARD].len() <= KEPT);
        let xids: Vec<_> = record(&log, 2_000).xids.iter().map(|e| e.xid).collect();
        assert_eq!(xids, [31, 48]);
    }

    #[test]
    fn other_cards_have_other_events() {
        let mut log = XidLog::new(Timestamp::new(0));
        log.add(&[seen(79)], Timestamp::new(1));
        let mut other = GpuRecord {
            uuid: GpuUuid([2; 16]),
            ..GpuRecord::default()
        };
        log.fill(&mut other, Timestamp::new(2));
        assert!(other.xids.is_empty());
    }
}
