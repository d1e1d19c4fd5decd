//! The lists that an aggregator proposes, against brute force over all ways to group them.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use quorate_canon::{HealthEpoch, Mask256, OfferId, OperatorIndex};
use quorate_health::{
    Claims, Committee, DownEntry, DownList, Judged, MAX_LISTS, Proposal, Subject, agrees, propose,
};
use support::network;

const EPOCH: HealthEpoch = HealthEpoch::new(900);
const WINDOWS: u8 = 3;
const OPERATORS: u32 = 6;

fn machine(id: u64) -> Subject {
    Subject::Machine(OfferId::new(id))
}

fn operator(index: u32) -> OperatorIndex {
    OperatorIndex::new(index)
}

/// A window of a machine.
type Pair = (Subject, u8);

#[derive(Debug, Clone)]
struct World {
    committees: BTreeMap<Subject, Committee>,
    words: BTreeMap<OperatorIndex, Claims>,
    staked: BTreeSet<OperatorIndex>,
    certified: Claims,
}

impl World {
    fn judged(&self) -> Judged<'_> {
        Judged {
            network: network(),
            epoch: EPOCH,
            windows: WINDOWS.into(),
            committees: &self.committees,
        }
    }

    fn propose(&self) -> Vec<Proposal> {
        propose(&self.words, &self.staked, &self.certified, &self.judged())
    }

    fn says(&self, operator: OperatorIndex, (subject, window): Pair) -> bool {
        let own = self.words.get(&operator).map(|claims| claims.of(subject));
        own.is_some_and(|own| own.bit(window))
    }

    /// Who can sign all of these: nobody who sits on a committee and does not say so.
    fn signers(&self, pairs: &[Pair]) -> BTreeSet<OperatorIndex> {
        let agrees = |operator: &OperatorIndex| {
            pairs.iter().all(|pair| {
                let member = self.committees[&pair.0].seats.contains(operator);
                !member || self.says(*operator, *pair)
            })
        };
        self.staked.iter().copied().filter(agrees).collect()
    }

    /// Whether these stand in one list: two thirds of each machine's seats are exceeded.
    fn stand(&self, pairs: &[Pair]) -> bool {
        let signers = self.signers(pairs);
        pairs.iter().all(|(subject, _)| {
            let seats = &self.committees[subject].seats;
            let held = seats.iter().filter(|seat| signers.contains(seat)).count();
            held * 3 > seats.len() * 2
        })
    }

    /// The windows that have to be certified.
    fn due(&self) -> Vec<Pair> {
        let pairs = self
            .committees
            .keys()
            .flat_map(|subject| (0..WINDOWS).map(move |window| (*subject, window)));
        let fresh = pairs.filter(|(subject, window)| !self.certified.of(*subject).bit(*window));
        fresh.filter(|pair| self.stand(&[*pair])).collect()
    }

    /// The fewest lists that hold all of `rest`, beside those begun.
    fn fewest(&self, rest: &[Pair], lists: &mut Vec<Vec<Pair>>) -> usize {
        let Some((first, rest)) = rest.split_first() else {
            return lists.len();
        };
        lists.push(vec![*first]);
        let mut best = self.fewest(rest, lists);
        lists.pop();
        for at in 0..lists.len() {
            lists[at].push(*first);
            if self.stand(&lists[at]) {
                best = best.min(self.fewest(rest, lists));
            }
            lists[at].pop();
        }
        best
    }
}

fn pairs(list: &DownList) -> Vec<Pair> {
    let entries = list.entries().iter();
    entries
        .flat_map(|entry| {
            let windows = (0..=u8::MAX).filter(|window| entry.windows.bit(*window));
            windows
                .map(|window| (entry.subject, window))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Machines that really were down in some windows, and operators of whom each has missed or made up a
/// word now and then, or is silent.
fn worlds(machines: usize) -> impl Strategy<Value = World> {
    let seats = prop::collection::vec(0..OPERATORS, 3..9);
    let truth = any::<u8>();
    let machines = prop::collection::vec((seats, truth, any::<u64>(), any::<u64>()), 1..=machines);
    (
        machines,
        0..8_u32,
        prop::option::weighted(0.2, 0..OPERATORS),
    )
        .prop_map(|(machines, certified, silent)| {
            let mut world = World {
                committees: BTreeMap::new(),
                words: BTreeMap::new(),
                staked: (0..=OPERATORS).map(operator).collect(),
                certified: Claims::default(),
            };
            for (id, (seats, truth, noise, mask)) in (1..).zip(machines) {
                let seats = seats.into_iter().map(operator).collect();
                world.committees.insert(machine(id), Committee { seats });
                for index in (0..OPERATORS).filter(|index| Some(*index) != silent) {
                    for window in 0..WINDOWS {
                        // Three chances in four: as it was.
                        let at = index * 8 + u32::from(window);
                        let wrong = noise >> at & 1 == 1 && mask >> at & 1 == 1;
                        if (truth >> window & 1 == 1) != wrong {
                            let entry = DownEntry {
                                subject: machine(id),
                                windows: Mask256::of(&[window]),
                            };
                            world.words.entry(operator(index)).or_default().add(&entry);
                        }
                    }
                }
            }
            if certified == 0 {
                world.certified.add(&DownEntry {
                    subject: machine(1),
                    windows: Mask256::of(&[0]),
                });
            }
            world
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// What is due is proposed, each window once, and nothing else.
    #[test]
    fn all_that_is_due_is_proposed_once(world in worlds(6)) {
        let lists = world.propose();
        let mut proposed: Vec<_> = lists.iter().flat_map(|proposal| pairs(&proposal.list)).collect();
        proposed.sort_unstable();
        let due = world.due();
        if lists.len() < MAX_LISTS {
            prop_assert_eq!(proposed, due);
        } else {
            prop_assert!(proposed.iter().all(|pair| due.contains(pair)));
        }
    }

    #[test]
    fn each_list_stands_by_its_signers(world in worlds(6)) {
        for Proposal { list, signers } in world.propose() {
            let pairs = pairs(&list);
            prop_assert!(world.stand(&pairs));
            prop_assert_eq!(&signers, &world.signers(&pairs));
        }
    }

    /// The rule by which an operator decides is the one by which the aggregator counts on it.
    #[test]
    fn who_is_expected_agrees_and_nobody_else(world in worlds(4)) {
        let none = Claims::default();
        for Proposal { list, signers } in world.propose() {
            for index in &world.staked {
                let own = world.words.get(index).unwrap_or(&none);
                let agreed = agrees(&list, own, *index, &world.judged());
                prop_assert_eq!(agreed.is_ok(), signers.contains(index), "{}", index);
            }
        }
    }

    /// Of up to five windows the lists are at most one more than the fewest, and one where one is enough;
    /// of any number no two could be one.
    #[test]
    fn lists_are_few(world in worlds(4)) {
        let lists: Vec<_> = world.propose().iter().map(|p| pairs(&p.list)).collect();
        for (at, list) in lists.iter().enumerate() {
            for other in &lists[at + 1..] {
                prop_assert!(!world.stand(&[&list[..], other].concat()));
            }
        }
        let due = world.due();
        if (1..=5).contains(&due.len()) {
            let fewest = world.fewest(&due, &mut Vec::new());
            prop_assert!(lists.len() <= fewest + 1);
            prop_assert!(fewest > 1 || lists.len() == 1);
        }
    }
}

/// So many machines of one committee, all down in window 0 by everybody's word.
fn outage(machines: u64) -> World {
    let seats: Vec<_> = (0..31).map(|seat| operator(seat % OPERATORS)).collect();
    let entries = (1..=machines).map(|id| DownEntry {
        subject: machine(id),
        windows: Mask256::of(&[0]),
    });
    let claims: Claims = entries.collect::<Vec<_>>().iter().collect();
    let committee = Committee { seats };
    World {
        committees: (1..=machines)
            .map(|id| (machine(id), committee.clone()))
            .collect(),
        words: (0..OPERATORS)
            .map(|index| (operator(index), claims.clone()))
            .collect(),
        staked: (0..OPERATORS).map(operator).collect(),
        certified: Claims::default(),
    }
}

#[test]
fn what_does_not_fit_is_proposed_once_the_rest_is_certified() {
    let mut world = outage(2_050);
    let first = world.propose();
    assert_eq!(first.len(), MAX_LISTS);
    assert!(
        first
            .iter()
            .all(|p| p.list.entries().len() == DownList::MOST)
    );
    for entry in first.iter().flat_map(|p| p.list.entries()) {
        world.certified.add(entry);
    }
    let second = world.propose();
    let left: Vec<_> = second.iter().flat_map(|p| pairs(&p.list)).collect();
    assert_eq!(left, [(machine(2_049), 0), (machine(2_050), 0)]);
    for entry in second.iter().flat_map(|p| p.list.entries()) {
        world.certified.add(entry);
    }
    assert_eq!(world.propose(), []);
}

/// Two windows, each with enough seats, whose signers together have too few: two lists.
#[test]
fn windows_that_different_members_agree_on_stand_apart() {
    let mut world = outage(1);
    let seats = (0..8).map(operator).collect();
    world.committees = BTreeMap::from([(machine(1), Committee { seats })]);
    let words = |windows: &[u8]| {
        let windows = Mask256::of(windows);
        Claims::from_iter(&[DownEntry {
            subject: machine(1),
            windows,
        }])
    };
    world.words = (0..8)
        .map(|index| (operator(index), words(&[0, 1])))
        .collect();
    world.words.insert(operator(0), words(&[0]));
    world.words.insert(operator(1), words(&[0]));
    world.words.insert(operator(2), words(&[1]));
    world.words.insert(operator(3), words(&[1]));
    let lists: Vec<_> = world.propose().iter().map(|p| pairs(&p.list)).collect();
    assert_eq!(lists, [[(machine(1), 0)], [(machine(1), 1)]]);
}
