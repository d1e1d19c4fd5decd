//! Uniqueness by brute force: of ALL assignments of small markets, exactly one feasible matching has
//! no blocking pair, the solver finds it, and the check accepts it alone.
//!
//! Feasible and blocking are written down here once more, as the definition says them, over the
//! oracle's numbers.

mod common;

use common::oracle::{Oracle, Rank, Vector, demand, fits, free, minus};
use common::world::World;
use proptest::prelude::*;
use quorate_canon::{FixedWidth, OfferId, RequestId};
use quorate_matching::{Match, Outcome, OutcomeList};

/// A small market in the oracle's words.
struct Market {
    /// Of request i and offer j: whether eligible, and where in the order.
    pairs: Vec<Vec<(bool, Rank)>>,
    demand: Vec<Vector>,
    free: Vec<Vector>,
    limit: usize,
}

/// For each request its offer's position, if it has one.
type Assignment = Vec<Option<usize>>;

impl Market {
    fn new(world: &World) -> Self {
        let oracle = Oracle::new(&world.policy, &world.context, &world.seed);
        let (requests, offers) = (world.snapshot.requests(), world.snapshot.offers());
        let pairs = requests
            .iter()
            .map(|request| {
                let pair = |offer| {
                    (
                        oracle.code(request, offer) == 0,
                        oracle.rank(request, offer),
                    )
                };
                offers.iter().map(pair).collect()
            })
            .collect();
        let limit = match world.policy.max_matches {
            0 => usize::MAX,
            limit => limit as usize,
        };
        Self {
            pairs,
            demand: requests
                .iter()
                .map(|request| demand(&request.to_bytes()))
                .collect(),
            free: offers.iter().map(|offer| free(&offer.to_bytes())).collect(),
            limit,
        }
    }

    /// Every way to give each request one offer or none, feasible or not.
    fn assignments(&self) -> Vec<Assignment> {
        let choices: Vec<_> = std::iter::once(None)
            .chain((0..self.free.len()).map(Some))
            .collect();
        self.pairs.iter().fold(vec![vec![]], |shorter, _| {
            let longer = |assignment: &Assignment| {
                let assignment = assignment.clone();
                choices
                    .iter()
                    .map(move |choice| [assignment.clone(), vec![*choice]].concat())
            };
            shorter.iter().flat_map(longer).collect()
        })
    }

    fn matched(&self, assignment: &Assignment) -> Vec<(Rank, usize, usize)> {
        let pair =
            |(i, choice): (usize, &Option<usize>)| choice.map(|j| (self.pairs[i][j].1, i, j));
        assignment.iter().enumerate().filter_map(pair).collect()
    }

    fn is_feasible(&self, assignment: &Assignment) -> bool {
        let matched = self.matched(assignment);
        let eligible = matched.iter().all(|(_, i, j)| self.pairs[*i][*j].0);
        let holds = (0..self.free.len()).all(|offer| {
            let taken = matched.iter().filter(|(_, _, j)| *j == offer);
            let left = taken.fold(self.free[offer], |left, (_, i, _)| {
                minus(left, self.demand[*i])
            });
            left.iter().all(|component| *component >= 0)
        });
        eligible && holds && matched.len() <= self.limit
    }

    /// Whether the eligible pair outside the assignment blocks it.
    fn blocks(&self, assignment: &Assignment, i: usize, j: usize) -> bool {
        let (eligible, rank) = self.pairs[i][j];
        let matched = self.matched(assignment);
        let own = matched
            .iter()
            .find(|(_, request, _)| *request == i)
            .map(|(rank, ..)| *rank);
        let wants = eligible && own.is_none_or(|own| own < rank);
        let above = matched
            .iter()
            .filter(|(other, _, offer)| *offer == j && *other > rank);
        let left = above.fold(self.free[j], |left, (_, i, _)| minus(left, self.demand[*i]));
        let lowest = matched.iter().map(|(rank, ..)| *rank).min();
        let in_time = matched.len() < self.limit || lowest.is_some_and(|lowest| rank > lowest);
        wants && fits(self.demand[i], left) && in_time
    }

    fn is_stable(&self, assignment: &Assignment) -> bool {
        let offers = self.free.len();
        (0..assignment.len()).all(|i| (0..offers).all(|j| !self.blocks(assignment, i, j)))
    }

    fn list(&self, assignment: &Assignment, world: &World) -> OutcomeList {
        let matches = self
            .matched(assignment)
            .into_iter()
            .map(|((score, tie, r, o), ..)| Match {
                request: RequestId::new(r),
                offer: OfferId::new(o),
                score,
                tie,
            });
        let outcome = Outcome {
            matches: matches.collect(),
            unmatched: Vec::new(),
        };
        OutcomeList::new(&outcome, &world.snapshot).unwrap()
    }
}

proptest! {
    #![proptest_config(common::cases(600))]

    #[test]
    fn exactly_one_assignment_is_feasible_and_unblocked_and_it_is_the_outcome(
        number: u64, offers in 1_u64..4, requests in 1_u64..6, limit in 0_u32..5,
    ) {
        let world = World::new(number, offers, requests).with_limit(limit);
        let market = Market::new(&world);
        let mut stable = market.assignments();
        stable.retain(|assignment| market.is_feasible(assignment) && market.is_stable(assignment));
        prop_assert_eq!(stable.len(), 1);
        let found = market.list(&stable[0], &world);
        prop_assert_eq!(found.bytes(), world.list().bytes());
    }

    #[test]
    fn the_check_accepts_the_outcome_alone(
        number: u64, offers in 1_u64..4, requests in 1_u64..6, limit in 0_u32..5,
    ) {
        let world = World::new(number, offers, requests).with_limit(limit);
        let market = Market::new(&world);
        let right = world.list();
        for assignment in market.assignments() {
            let list = market.list(&assignment, &world);
            let verdict = world.check(&list);
            prop_assert_eq!(verdict.is_ok(), list == right, "{:?} {:?}", assignment, verdict);
        }
    }
}

/// The worlds above are worth something only if they are crowded.
#[test]
fn the_small_markets_are_contested() {
    let (mut feasible, mut worlds_of_many) = (0, 0);
    for number in 0..100 {
        let market = Market::new(&World::new(number, 3, 4));
        let of_this = market
            .assignments()
            .iter()
            .filter(|a| market.is_feasible(a))
            .count();
        feasible += of_this;
        worlds_of_many += usize::from(of_this > 20);
    }
    assert!(
        feasible > 1_200 && worlds_of_many > 15,
        "{feasible} {worlds_of_many}"
    );
}
