//! Who is in, and who has to go: pure bookkeeping, told the time.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Line;
use crate::ServerLimits;

/// Sites that hold no more than this count as equal: a household of several honest clients is no
/// larger than one stranger of many.
const SMALL: usize = 4;

/// A request that is open for so long may be cut for one of a site that has as many.
const STALE: Duration = Duration::from_secs(2);

/// The connections, and what they ask.
pub(super) struct House {
    connections: usize,
    connections_per_address: usize,
    requests: usize,
    requests_per_address: usize,
    next: u64,
    guests: BTreeMap<u64, Guest>,
    sites: BTreeMap<IpAddr, Held>,
    open: usize,
}

/// One connection.
struct Guest {
    site: IpAddr,
    line: Arc<Line>,
    /// When it last completed a request, or came.
    since: Instant,
    /// Its open requests, and since when.
    open: BTreeMap<u64, Instant>,
}

/// What a site has.
#[derive(Clone, Copy, Default)]
struct Held {
    connections: usize,
    requests: usize,
}

/// A request that may be worked on.
pub(super) struct Admitted {
    pub(super) request: u64,
    /// Who is to be cut for it.
    pub(super) loser: Option<Arc<Line>>,
}

impl Guest {
    fn oldest(&self) -> Option<Instant> {
        self.open.first_key_value().map(|(_, since)| *since)
    }

    /// Who goes first: who asks nothing, by the last request; then who asks for longest.
    fn rank(&self) -> (bool, Instant) {
        let oldest = self.oldest();
        (oldest.is_some(), oldest.unwrap_or(self.since))
    }
}

impl House {
    pub(super) fn new(limits: &ServerLimits) -> Self {
        Self {
            connections: limits.connections.max(1),
            connections_per_address: limits.connections_per_address.max(1),
            requests: limits.requests.max(1),
            requests_per_address: limits.requests_per_address.max(1),
            next: 0,
            guests: BTreeMap::new(),
            sites: BTreeMap::new(),
            open: 0,
        }
    }

    /// Lets a connection in; where that needs a place, the one that loses it is named.
    pub(super) fn enter(
        &mut self,
        site: IpAddr,
        line: Arc<Line>,
        now: Instant,
    ) -> (u64, Option<Arc<Line>>) {
        let own = self.held(site).connections;
        let loser = if own >= self.connections_per_address {
            self.least(|guest| guest.site == site)
        } else if self.guests.len() >= self.connections {
            self.of_the_largest(site)
        } else {
            None
        };
        let loser = loser.and_then(|number| self.leave(number));
        let number = self.number();
        let guest = Guest {
            site,
            line,
            since: now,
            open: BTreeMap::new(),
        };
        self.guests.insert(number, guest);
        self.sites.entry(site).or_default().connections += 1;
        (number, loser)
    }

    /// Who gives its place to a newcomer of `site`.
    fn of_the_largest(&self, site: IpAddr) -> Option<u64> {
        let weight = |of: &IpAddr, held: &Held| {
            let newcomer = usize::from(*of == site);
            held.connections.saturating_add(newcomer).max(SMALL)
        };
        let most = self.sites.iter().map(|(of, held)| weight(of, held)).max()?;
        self.least(|guest| weight(&guest.site, &self.held(guest.site)) == most)
    }

    /// The connection that goes first, of those that `may` go.
    fn least(&self, may: impl Fn(&Guest) -> bool) -> Option<u64> {
        let candidates = self.guests.iter().filter(|(_, guest)| may(guest));
        let least = candidates.min_by_key(|(_, guest)| guest.rank());
        least.map(|(number, _)| *number)
    }

    /// Takes a connection out, with all that it asks.
    pub(super) fn leave(&mut self, number: u64) -> Option<Arc<Line>> {
        let guest = self.guests.remove(&number)?;
        self.open = self.open.saturating_sub(guest.open.len());
        self.change(guest.site, |held| {
            held.connections = held.connections.saturating_sub(1);
            held.requests = held.requests.saturating_sub(guest.open.len());
        });
        Some(guest.line)
    }

    /// Room for a request of a connection: `None` if it has lost its place, or there is none and
    /// nobody who has to make some.
    pub(super) fn ask(&mut self, number: u64, now: Instant) -> Option<Admitted> {
        let site = self.guests.get(&number)?.site;
        let own = self.held(site).requests;
        let mut loser = None;
        if own >= self.requests_per_address {
            loser = Some(self.stalest(site, own, now, number)?);
        } else if self.open >= self.requests {
            let most = self.sites.iter().max_by_key(|(_, held)| held.requests)?;
            let (of, held) = (*most.0, most.1.requests);
            loser = Some(self.stalest(of, held, now, number)?);
        }
        let loser = loser.and_then(|number| self.leave(number));
        let request = self.number();
        self.guests.get_mut(&number)?.open.insert(request, now);
        self.open = self.open.saturating_add(1);
        self.change(site, |held| held.requests = held.requests.saturating_add(1));
        Some(Admitted { request, loser })
    }

    /// The connection of `site` whose request is open for longest, if it has to make room for one of
    /// connection `asker`: at once where that one's site asks clearly less, else only when it is stale.
    fn stalest(&self, site: IpAddr, held: usize, now: Instant, asker: u64) -> Option<u64> {
        let asking = self.guests.get(&asker)?.site;
        let own = self.held(asking).requests.saturating_add(1).max(SMALL);
        let patience = if held > own { Duration::ZERO } else { STALE };
        let candidates = self.guests.iter();
        let candidates =
            candidates.filter(|(number, guest)| **number != asker && guest.site == site);
        let open = candidates.filter_map(|(number, guest)| Some((guest.oldest()?, *number)));
        let (since, number) = open.min()?;
        (now.duration_since(since) >= patience).then_some(number)
    }

    /// A connection's request was answered.
    pub(super) fn answered(&mut self, number: u64, now: Instant) {
        if let Some(guest) = self.guests.get_mut(&number) {
            guest.since = now;
        }
    }

    /// A request is no longer worked on, answered or not.
    pub(super) fn end(&mut self, number: u64, request: u64) {
        let Some(guest) = self.guests.get_mut(&number) else {
            return;
        };
        if guest.open.remove(&request).is_some() {
            let site = guest.site;
            self.open = self.open.saturating_sub(1);
            self.change(site, |held| held.requests = held.requests.saturating_sub(1));
        }
    }

    fn held(&self, site: IpAddr) -> Held {
        self.sites.get(&site).copied().unwrap_or_default()
    }

    /// Changes what a site has; sites that have nothing are forgotten.
    fn change(&mut self, site: IpAddr, change: impl FnOnce(&mut Held)) {
        let held = self.sites.entry(site).or_default();
        change(held);
        if held.connections == 0 {
            self.sites.remove(&site);
        }
    }

    fn number(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.next
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONNECTIONS: usize = 6;
    const SHARE: usize = 5;
    const REQUESTS: usize = 7;

    /// What happens: who, by a number that is taken modulo those that there are.
    #[derive(Clone, Copy, Debug)]
    enum Event {
        Enter(u8),
        Leave(usize),
        Ask(usize),
        Answer(usize),
        Wait(u64),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            4 => (0..5u8).prop_map(Event::Enter),
            1 => any::<usize>().prop_map(Event::Leave),
            4 => any::<usize>().prop_map(Event::Ask),
            2 => any::<usize>().prop_map(Event::Answer),
            1 => (1..3_000u64).prop_map(Event::Wait),
        ]
    }

    fn house() -> House {
        House::new(&ServerLimits {
            connections: CONNECTIONS,
            connections_per_address: SHARE,
            requests: REQUESTS,
            requests_per_address: SHARE,
            ..ServerLimits::default()
        })
    }

    fn site(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    /// Everybody's site and open requests, in the order of coming.
    fn seen(house: &House) -> Vec<(u64, IpAddr, Vec<u64>)> {
        let guests = house.guests.iter();
        guests
            .map(|(number, guest)| (*number, guest.site, guest.open.keys().copied().collect()))
            .collect()
    }

    fn size(guests: &[(u64, IpAddr, Vec<u64>)], site: IpAddr) -> usize {
        guests.iter().filter(|(_, of, _)| *of == site).count()
    }

    /// A newcomer is in, and who lost its place for it was one that had to.
    fn entered(
        before: &[(u64, IpAddr, Vec<u64>)],
        after: &[(u64, IpAddr, Vec<u64>)],
        newcomer: IpAddr,
    ) -> Result<(), TestCaseError> {
        prop_assert_eq!(after.last().map(|(_, site, _)| *site), Some(newcomer));
        let stays = |number: &u64| after.iter().any(|(stays, ..)| stays == number);
        let gone: Vec<_> = before
            .iter()
            .filter(|(number, ..)| !stays(number))
            .collect();
        let own = size(before, newcomer);
        let full = before.len() == CONNECTIONS || own == SHARE;
        prop_assert_eq!(gone.len(), usize::from(full));
        for (_, lost, open) in gone {
            let weight = |site| size(before, site) + usize::from(site == newcomer);
            let (weighs, sites) = (
                weight(*lost).max(SMALL),
                before.iter().map(|(_, of, _)| *of),
            );
            if own == SHARE {
                prop_assert_eq!(*lost, newcomer);
            } else {
                let most = sites.clone().map(weight).max().unwrap_or(0);
                prop_assert_eq!(weighs, most.max(SMALL));
            }
            let idle = |(_, of, open): &&(u64, IpAddr, Vec<u64>)| of == lost && open.is_empty();
            let idle = before.iter().find(idle);
            prop_assert!(
                open.is_empty() || idle.is_none(),
                "a busy one went before an idle one"
            );
        }
        Ok(())
    }

    /// Every count is what counting anew gives, and none passes its limit.
    fn counted(house: &House) -> Result<(), TestCaseError> {
        let guests = seen(house);
        let open = guests.iter().map(|(.., open)| open.len()).sum::<usize>();
        prop_assert_eq!(house.open, open);
        prop_assert!(guests.len() <= CONNECTIONS && open <= REQUESTS);
        for (site, held) in &house.sites {
            let of_site = guests.iter().filter(|(_, of, _)| of == site);
            let requests = of_site.map(|(.., open)| open.len()).sum::<usize>();
            prop_assert_eq!(held.connections, size(&guests, *site));
            prop_assert_eq!(held.requests, requests);
            prop_assert!((1..=SHARE).contains(&held.connections) && held.requests <= SHARE);
        }
        let sites = guests
            .iter()
            .filter(|(_, of, _)| !house.sites.contains_key(of));
        prop_assert_eq!(sites.count(), 0);
        Ok(())
    }

    proptest! {
        #[test]
        fn a_newcomer_is_always_let_in_and_no_limit_is_passed(
            events in proptest::collection::vec(event(), 1..200)
        ) {
            let (mut house, mut now) = (house(), Instant::now());
            for event in events {
                now += Duration::from_millis(1);
                let before = seen(&house);
                let chosen = |who: usize| before.get(who % before.len().max(1));
                match event {
                    Event::Enter(number) => {
                        house.enter(site(number), Arc::default(), now);
                        entered(&before, &seen(&house), site(number))?;
                    }
                    Event::Leave(who) => {
                        chosen(who).and_then(|(number, ..)| house.leave(*number));
                    }
                    Event::Ask(who) => {
                        chosen(who).and_then(|(number, ..)| house.ask(*number, now));
                    }
                    Event::Answer(who) => if let Some((number, _, open)) = chosen(who) {
                        house.answered(*number, now);
                        open.first().into_iter().for_each(|open| house.end(*number, *open));
                    },
                    Event::Wait(millis) => now += Duration::from_millis(millis),
                }
                counted(&house)?;
            }
        }
    }

    #[test]
    fn of_idle_connections_the_longest_without_a_completed_request_goes() {
        let (mut house, start) = (house(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let numbers: Vec<_> = (0..6u8)
            .map(|n| house.enter(site(n), Arc::default(), at(n.into())).0)
            .collect();
        house.answered(numbers[0], at(10));
        // It has asked something for long, and is not idle.
        house.ask(numbers[1], at(11)).unwrap();
        house.enter(site(9), Arc::default(), at(100));
        assert!(!house.guests.contains_key(&numbers[2]));
        assert_eq!(house.guests.len(), CONNECTIONS);
    }

    #[test]
    fn where_all_ask_something_who_asks_for_longest_goes() {
        let (mut house, start) = (house(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let numbers: Vec<_> = (0..6u8)
            .map(|n| house.enter(site(n), Arc::default(), start).0)
            .collect();
        for (seconds, number) in [3, 1, 2, 0, 4, 5].into_iter().zip(&numbers) {
            house.ask(*number, at(seconds)).unwrap();
        }
        house.enter(site(9), Arc::default(), at(6));
        assert!(!house.guests.contains_key(&numbers[3]));
    }

    #[test]
    fn a_request_of_a_site_that_asks_as_much_waits_until_another_is_stale() {
        let (mut house, start) = (house(), Instant::now());
        let numbers: Vec<_> = (0..2u8)
            .map(|n| house.enter(site(n), Arc::default(), start).0)
            .collect();
        for (number, asks) in numbers.iter().zip([4, 3]) {
            for _ in 0..asks {
                house.ask(*number, start).unwrap();
            }
        }
        let nearly = start + STALE.checked_sub(Duration::from_millis(1)).unwrap();
        assert!(house.ask(numbers[1], nearly).is_none());
        assert!(
            house
                .ask(numbers[1], start + STALE)
                .unwrap()
                .loser
                .is_some()
        );
        assert!(!house.guests.contains_key(&numbers[0]));
    }
}
