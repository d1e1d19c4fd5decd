//! Who sends bad signatures in whose name, and how many signatures of strangers are checked.
//!
//! What is public anybody may forge: an operator's index in a vote, a receipt or a list says nothing
//! about who sent it. So bad signatures count against the address that sent them, under that index
//! only. Nothing here ever refuses a sender for what others did, however many addresses they have:
//! when the table is full its least conspicuous entry goes, and when too much is to be checked
//! strangers are asked to come again.

mod checking;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use quorate_canon::OperatorIndex;

pub use checking::{Checking, Unchecked};

/// Bad signatures from one address in one operator's name before no more are checked.
pub const FAILURES: u32 = 16;
/// Senders with failures that are remembered: some 5 MB.
const ROOM: usize = 16_384;
/// Addresses of each operator that are remembered for its good signatures: a move, a spare machine, and
/// both of an IPv4 and an IPv6 address of each.
const KNOWN: usize = 4;
/// What a stranger's signature costs of the time for checking: two pairings take some 1.3 ms of a core, so
/// strangers get a third of one at most.
const CHECK: Duration = Duration::from_millis(4);
/// Strangers' signatures that are checked at once after a quiet time: a large network's operators all
/// come in the same second, and after a restart nobody is known.
const BURST: u32 = 1_024;

/// Who sent something, as far as it is known: the part of an address that one host cannot change at will.
pub type Source = Option<IpAddr>;

/// An address that speaks in an operator's name, within the span (a round, an epoch) that its
/// failures count for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sender<S> {
    /// The round or epoch.
    pub span: S,
    /// The address.
    pub source: Source,
    /// The index.
    pub operator: OperatorIndex,
}

/// Why a signature is not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// So many signatures of this very sender were bad.
    CutOff(u32),
    /// Too much is being checked; later it may be checked.
    Busy,
}

/// Signatures that are to be checked. Handed back when they were, or were not after all. The default is one
/// that nobody is answerable for: of what was stored.
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "a ticket that is lost counts against its sender"]
pub struct Ticket {
    /// Checks that were paid for out of the strangers' allowance.
    paid: u32,
}

/// The time for checking that strangers share. What is taken comes back with time: [`CHECK`] for each.
#[derive(Clone, Copy, Debug, Default)]
struct Allowance {
    /// When all that was taken will have come back.
    whole: Option<Instant>,
}

impl Allowance {
    fn debt(self, now: Instant) -> Duration {
        let whole = self.whole.unwrap_or(now);
        whole.saturating_duration_since(now)
    }

    /// Takes so many checks, if no more than `most` are out then.
    fn take(&mut self, checks: u32, most: u32, now: Instant) -> bool {
        let debt = self.debt(now).saturating_add(CHECK.saturating_mul(checks));
        let fits = debt <= CHECK.saturating_mul(most);
        if fits {
            self.whole = now.checked_add(debt);
        }
        fits
    }

    fn give_back(&mut self, checks: u32, now: Instant) {
        let debt = self.debt(now);
        let left = debt.saturating_sub(CHECK.saturating_mul(checks));
        self.whole = now.checked_add(left);
    }
}

/// Bad signatures of one sender.
#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    /// When the last one came, in the order of all failures.
    turn: u64,
}

/// A desk's record of senders. Bounded in memory whatever comes.
#[derive(Debug)]
pub struct Suspects<S> {
    limit: u32,
    room: usize,
    failures: BTreeMap<Sender<S>, Failures>,
    /// The same by number and age: the first is forgotten first.
    ranks: BTreeSet<(u32, u64, Sender<S>)>,
    /// Requests that are being checked; as many as the desk works on at a time.
    checking: BTreeMap<Sender<S>, u32>,
    /// Where good signatures of each operator came from, the latest last.
    known: BTreeMap<OperatorIndex, VecDeque<IpAddr>>,
    allowance: Allowance,
    turn: u64,
}

impl<S: Ord + Copy> Suspects<S> {
    /// Nobody yet. After `limit` bad signatures a sender's are checked no more.
    #[must_use]
    pub const fn new(limit: u32) -> Self {
        Self::with_room(limit, ROOM)
    }

    const fn with_room(limit: u32, room: usize) -> Self {
        Self {
            limit,
            room,
            failures: BTreeMap::new(),
            ranks: BTreeSet::new(),
            checking: BTreeMap::new(),
            known: BTreeMap::new(),
            allowance: Allowance { whole: None },
            turn: 0,
        }
    }

    /// Whether nothing more of this sender is checked within its span. Never, if a good signature of the
    /// operator came from its address.
    #[must_use]
    pub fn is_cut_off(&self, who: &Sender<S>) -> bool {
        self.count(who) >= self.limit && !self.knows(who)
    }

    /// Has a sender's signatures checked. Known senders wait for nobody; strangers, and who is known for
    /// bad signatures too, share an allowance, of which one half is kept for addresses that sent no
    /// bad signature yet.
    ///
    /// # Errors
    /// [`Refused`]: they are not checked now, or within this span.
    pub fn claim(&mut self, who: Sender<S>, checks: u32, now: Instant) -> Result<Ticket, Refused> {
        let (count, known) = (self.count(&who), self.knows(&who));
        if count >= self.limit && !known {
            return Err(Refused::CutOff(count));
        }
        let checking = self.checking.get(&who).copied().unwrap_or(0);
        let open = if known { 0 } else { count };
        if checking.saturating_add(open) >= self.limit {
            return Err(Refused::Busy);
        }
        let mut ticket = Ticket::default();
        if !known || count >= self.limit {
            let most = match self.has_failed(&who) {
                true => BURST / 2,
                false => BURST,
            };
            if !self.allowance.take(checks, most, now) {
                return Err(Refused::Busy);
            }
            ticket.paid = checks;
        }
        self.checking.insert(who, checking.saturating_add(1));
        Ok(ticket)
    }

    /// All signatures were good: they count against nobody, and their sender is known from now on.
    pub fn good(&mut self, who: Sender<S>, ticket: Ticket, now: Instant) {
        self.withdraw(who, ticket, now);
        let Some(source) = who.source else {
            return;
        };
        let known = self.known.entry(who.operator).or_default();
        known.retain(|other| *other != source);
        known.push_back(source);
        if known.len() > KNOWN {
            known.pop_front();
        }
    }

    /// A signature was bad: that counts against its sender.
    pub fn bad(&mut self, who: Sender<S>, _: Ticket) {
        self.ended(&who);
        self.turn = self.turn.saturating_add(1);
        let before = self.failures.get(&who).copied();
        match before {
            Some(before) => {
                self.ranks.remove(&(before.count, before.turn, who));
            }
            None if self.failures.len() >= self.room => {
                if let Some((.., forgotten)) = self.ranks.pop_first() {
                    self.failures.remove(&forgotten);
                }
            }
            None => {}
        }
        let failures = Failures {
            count: before.map_or(0, |before| before.count).saturating_add(1),
            turn: self.turn,
        };
        self.failures.insert(who, failures);
        self.ranks.insert((failures.count, failures.turn, who));
    }

    /// Nothing was found about the signatures, by no fault of their sender.
    pub fn withdraw(&mut self, who: Sender<S>, ticket: Ticket, now: Instant) {
        self.ended(&who);
        self.allowance.give_back(ticket.paid, now);
    }

    /// Forgets failures of spans before this one.
    pub fn forget_before(&mut self, span: S) {
        let first = Sender {
            span,
            source: None,
            operator: OperatorIndex::new(0),
        };
        let kept = self.failures.split_off(&first);
        for (who, failures) in std::mem::replace(&mut self.failures, kept) {
            self.ranks.remove(&(failures.count, failures.turn, who));
        }
    }

    fn count(&self, who: &Sender<S>) -> u32 {
        self.failures.get(who).map_or(0, |failures| failures.count)
    }

    fn knows(&self, who: &Sender<S>) -> bool {
        let known = self.known.get(&who.operator);
        known.is_some_and(|known| who.source.is_some_and(|source| known.contains(&source)))
    }

    /// Whether bad signatures came from an address within a span, under any index.
    fn has_failed(&self, who: &Sender<S>) -> bool {
        let operator = OperatorIndex::new(0);
        let mut from = self.failures.range(Sender { operator, ..*who }..);
        let next = from.next();
        next.is_some_and(|(other, _)| (other.span, other.source) == (who.span, who.source))
    }

    /// One request less is being checked.
    fn ended(&mut self, who: &Sender<S>) {
        if let Some(checking) = self.checking.get_mut(who) {
            *checking = checking.saturating_sub(1);
            if *checking == 0 {
                self.checking.remove(who);
            }
        }
    }
}

#[cfg(test)]
mod tests;
