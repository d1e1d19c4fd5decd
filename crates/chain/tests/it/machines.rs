//! The fold of machines against a plain oracle, through reorgs, pruning and its image.

use std::collections::BTreeMap;

use proptest::prelude::*;
use quorate_canon::{Address, Digest, OfferId, Timestamp};
use quorate_chain::machines::{Endpoint, MachineError, MachineEvent, MachineIndex};
use quorate_health::{GpuUuid, LeaseState, Maintenance};

use crate::world::Dice;

/// Machines in these tests; offers are named from 1.
const OFFERS: u64 = 4;

/// What the contracts know, enough to invent the next event.
#[derive(Debug, Clone, Default)]
struct World {
    time: u64,
    registered: BTreeMap<u64, bool>,
    /// Count, and from when on the next may begin.
    maintenances: BTreeMap<u64, (u32, u64)>,
    endable: BTreeMap<u64, (u32, u64)>,
    leases: Vec<(u64, u64)>,
    requests: u64,
}

impl World {
    fn block(&mut self, dice: &mut Dice) -> Vec<MachineEvent> {
        self.time += dice.roll(4);
        (0..dice.roll(4)).filter_map(|_| self.event(dice)).collect()
    }

    fn event(&mut self, dice: &mut Dice) -> Option<MachineEvent> {
        let (id, time) = (1 + dice.roll(OFFERS), self.time);
        let open = self.registered.get(&id) == Some(&true);
        match dice.roll(8) {
            0 | 1 if !self.registered.contains_key(&id) => {
                self.registered.insert(id, true);
                Some(MachineEvent::Registered {
                    id,
                    provider: Address([1; 20]),
                    time,
                    endpoint: endpoint(dice),
                    cards: vec![GpuUuid([u8::try_from(id).unwrap(); 16])],
                })
            }
            2 if open => Some(MachineEvent::Moved {
                id,
                time,
                endpoint: endpoint(dice),
            }),
            3 if open => Some(self.announce(id, dice)),
            4 if open => {
                let (index, from) = self.endable.remove(&id)?;
                let until = time.max(from);
                self.maintenances.insert(id, (index + 1, until));
                Some(MachineEvent::MaintenanceEnded {
                    id,
                    index,
                    time,
                    until,
                })
            }
            5 if open && dice.roll(6) == 0 => {
                self.registered.insert(id, false);
                Some(MachineEvent::Retired { id, time })
            }
            6 => {
                let leases: Vec<_> = (0..=dice.roll(2))
                    .map(|_| {
                        self.requests += 1;
                        (1 + dice.roll(OFFERS), self.requests)
                    })
                    .collect();
                self.leases.extend(&leases);
                Some(MachineEvent::LeasesOpened { time, leases })
            }
            7 if !self.leases.is_empty() => {
                let count = u64::try_from(self.leases.len()).unwrap();
                let at = usize::try_from(dice.roll(count)).unwrap();
                let (id, request) = self.leases.swap_remove(at);
                Some(MachineEvent::LeaseClosed { id, request, time })
            }
            _ => None,
        }
    }

    /// They follow each other in time.
    fn announce(&mut self, id: u64, dice: &mut Dice) -> MachineEvent {
        let (index, earliest) = self.maintenances.get(&id).copied().unwrap_or_default();
        let from = earliest.max(self.time) + dice.roll(9);
        let until = from + 1 + dice.roll(9);
        self.maintenances.insert(id, (index + 1, until));
        self.endable.insert(id, (index, from));
        MachineEvent::MaintenanceAnnounced {
            id,
            index,
            time: self.time,
            from,
            until,
        }
    }
}

fn endpoint(dice: &mut Dice) -> Endpoint {
    let host = dice.roll(1_000);
    Endpoint::new(&format!("https://host-{host}:1"), Digest([2; 32]))
}

/// What was said by the end of second `t`, of one machine.
fn said(events: &[MachineEvent], t: u64) -> impl Iterator<Item = &MachineEvent> {
    let time = |event: &MachineEvent| match event {
        MachineEvent::Registered { time, .. }
        | MachineEvent::Retired { time, .. }
        | MachineEvent::Moved { time, .. }
        | MachineEvent::MaintenanceAnnounced { time, .. }
        | MachineEvent::MaintenanceEnded { time, .. }
        | MachineEvent::LeasesOpened { time, .. }
        | MachineEvent::LeaseClosed { time, .. } => *time,
    };
    events.iter().filter(move |event| time(event) <= t)
}

/// Where the agent is, if there is one.
fn oracle_endpoint(events: &[MachineEvent], of: u64, t: u64) -> Option<Endpoint> {
    let mut now = None;
    for event in said(events, t) {
        match event {
            MachineEvent::Registered { id, endpoint, .. }
            | MachineEvent::Moved { id, endpoint, .. }
                if *id == of =>
            {
                now = Some(endpoint.clone());
            }
            MachineEvent::Retired { id, .. } if *id == of => now = None,
            _ => {}
        }
    }
    now
}

fn oracle_lease(events: &[MachineEvent], of: u64, t: u64) -> LeaseState {
    let mut open = BTreeMap::new();
    let mut ended = None;
    for event in said(events, t) {
        match event {
            MachineEvent::LeasesOpened { time, leases } => {
                for (id, request) in leases {
                    if *id == of {
                        open.insert(*request, *time);
                    }
                }
            }
            MachineEvent::LeaseClosed { id, request, time } if *id == of => {
                open.remove(request);
                ended = Some(*time);
            }
            _ => {}
        }
    }
    match (open.values().min(), ended) {
        (Some(since), _) => LeaseState::LeasedSince(Timestamp::new(*since)),
        (None, Some(time)) => LeaseState::EndedAt(Timestamp::new(time)),
        (None, None) => LeaseState::Free,
    }
}

/// Second by second.
fn oracle_maintenance(events: &[MachineEvent], of: u64, t: u64) -> Option<Maintenance> {
    let mut all: BTreeMap<u32, (u64, u64, u64)> = BTreeMap::new();
    for event in said(events, t) {
        match event {
            MachineEvent::MaintenanceAnnounced {
                id,
                index,
                time,
                from,
                until,
            } if *id == of => {
                all.insert(*index, (*time, *from, *until));
            }
            MachineEvent::MaintenanceEnded {
                id, index, until, ..
            } if *id == of => all.get_mut(index).unwrap().2 = *until,
            _ => {}
        }
    }
    let (announced, from, until) = all.values().find(|(_, _, until)| t < *until).copied()?;
    let in_one = |second: u64| {
        all.values()
            .any(|(_, from, until)| (*from..*until).contains(&second))
    };
    let used = (0..from).filter(|second| in_one(*second)).count();
    Some(Maintenance {
        announced: Timestamp::new(announced),
        from: Timestamp::new(from),
        until: Timestamp::new(until),
        used_seconds: u32::try_from(used).unwrap(),
    })
}

/// A chain of blocks with the world after each.
struct Chain {
    blocks: Vec<(World, Vec<MachineEvent>)>,
    dice: Dice,
}

impl Chain {
    fn new(seed: u64) -> Self {
        Self {
            blocks: Vec::new(),
            dice: Dice(seed),
        }
    }

    fn head(&self) -> u64 {
        u64::try_from(self.blocks.len()).unwrap()
    }

    fn grow(&mut self, index: &mut MachineIndex) {
        let mut world = self
            .blocks
            .last()
            .map(|(world, _)| world.clone())
            .unwrap_or_default();
        let events = world.block(&mut self.dice);
        self.blocks.push((world, events));
        let (_, events) = self.blocks.last().unwrap();
        index.apply(self.head(), events, true).unwrap();
    }

    fn reorganise(&mut self, index: &mut MachineIndex, depth: usize) {
        self.blocks
            .truncate(self.blocks.len().saturating_sub(depth));
        index.rollback(self.head());
    }

    fn events(&self) -> Vec<MachineEvent> {
        self.blocks
            .iter()
            .flat_map(|(_, events)| events.clone())
            .collect()
    }

    fn time(&self) -> u64 {
        self.blocks.last().map_or(0, |(world, _)| world.time)
    }
}

fn steps() -> impl Strategy<Value = Vec<Option<usize>>> {
    let reorg = prop::sample::select(vec![1, 2, 7, 33]).prop_map(Some);
    prop::collection::vec(prop_oneof![9 => Just(None), 1 => reorg], 1..120)
}

fn check(index: &MachineIndex, events: &[MachineEvent], t: u64) {
    let time = Timestamp::new(t);
    for id in 1..=OFFERS {
        let offer = OfferId::new(id);
        let endpoint = index
            .machine_at(offer, time)
            .map(|view| view.endpoint.clone());
        assert_eq!(
            endpoint,
            oracle_endpoint(events, id, t),
            "endpoint of {id} at {t}"
        );
        assert_eq!(
            index.lease_at(offer, time),
            oracle_lease(events, id, t),
            "lease of {id} at {t}"
        );
        if endpoint.is_some() {
            let maintenance = index.maintenance_at(offer, time);
            assert_eq!(
                maintenance,
                oracle_maintenance(events, id, t),
                "maintenance of {id} at {t}"
            );
        }
    }
    let ids: Vec<u64> = index.machines_at(time).map(|view| view.id.get()).collect();
    let expected: Vec<u64> = (1..=OFFERS)
        .filter(|id| oracle_endpoint(events, *id, t).is_some())
        .collect();
    assert_eq!(ids, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn after_reorgs_machines_equal_those_of_a_fresh_index_byte_for_byte(seed: u64, steps in steps()) {
        let (mut chain, mut index) = (Chain::new(seed), MachineIndex::new());
        for step in steps {
            match step {
                None => chain.grow(&mut index),
                Some(depth) => chain.reorganise(&mut index, depth),
            }
        }
        let mut fresh = MachineIndex::new();
        for (number, (_, events)) in (1..).zip(&chain.blocks) {
            fresh.apply(number, events, false).unwrap();
        }
        prop_assert_eq!(&index, &fresh);
        prop_assert_eq!(index.to_bytes(), fresh.to_bytes());
        prop_assert_eq!(MachineIndex::from_bytes(&index.to_bytes()).unwrap(), fresh);
    }

    #[test]
    fn what_was_at_any_time_is_the_oracles(seed: u64, blocks in 1_usize..80) {
        let (mut chain, mut index) = (Chain::new(seed), MachineIndex::new());
        (0..blocks).for_each(|_| chain.grow(&mut index));
        let events = chain.events();
        (0..=chain.time() + 20).for_each(|t| check(&index, &events, t));
    }

    #[test]
    fn pruning_changes_no_later_answer(seed: u64, blocks in 1_usize..80, at in 0_u64..200) {
        let (mut chain, mut index) = (Chain::new(seed), MachineIndex::new());
        (0..blocks).for_each(|_| chain.grow(&mut index));
        let at = at.min(chain.time());
        index.finalize(chain.head());
        index.prune(Timestamp::new(at));
        let events = chain.events();
        (at..=chain.time() + 20).for_each(|t| check(&index, &events, t));
    }

    #[test]
    fn a_clone_stays_as_it_was(seed: u64, blocks in 1_usize..60) {
        let (mut chain, mut index) = (Chain::new(seed), MachineIndex::new());
        (0..blocks).for_each(|_| chain.grow(&mut index));
        let (clone, bytes) = (index.clone(), index.to_bytes());
        let revision = index.revision();
        (0..blocks).for_each(|_| chain.grow(&mut index));
        prop_assert_eq!(clone.to_bytes(), bytes.clone());
        prop_assert_eq!(index.to_bytes() == bytes, index.revision() == revision);
    }
}

#[test]
fn events_that_cannot_be_change_nothing() {
    let mut index = MachineIndex::new();
    let opened = |request| MachineEvent::LeasesOpened {
        time: 5,
        leases: vec![(1, request)],
    };
    index.apply(1, &[opened(1)], true).unwrap();
    let before = index.clone();
    let moved = MachineEvent::Moved {
        id: 1,
        time: 6,
        endpoint: Endpoint::new("https://a:1", Digest([0; 32])),
    };
    let closed = |request, time| MachineEvent::LeaseClosed {
        id: 1,
        request,
        time,
    };
    for (events, error) in [
        (vec![opened(2), moved], MachineError::NotRegistered(1)),
        (
            vec![opened(2), opened(2)],
            MachineError::LeasedTwice { id: 1, request: 2 },
        ),
        (
            vec![closed(1, 6), closed(1, 6)],
            MachineError::NoLease { id: 1, request: 1 },
        ),
        (
            vec![closed(1, 4)],
            MachineError::Time {
                what: "leases of offer",
                id: 1,
                time: 4,
            },
        ),
    ] {
        assert_eq!(index.apply(2, &events, true), Err(error));
        assert_eq!(index, before);
    }
}
