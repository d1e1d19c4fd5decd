//! Calls under way, one an account, and how the last ones ended.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy::primitives::{Address, B256};
use quorate_chain::forward::{Carried, Outcome};

use super::refusal::Refusal;

/// Calls under way at a time.
const AT_ONCE: usize = 64;
/// Calls whose end is remembered.
const REMEMBERED: usize = 1_024;

/// The book.
#[derive(Debug, Default)]
pub struct Book(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    pending: BTreeMap<Address, B256>,
    ended: VecDeque<(B256, Result<Carried, Refusal>)>,
}

/// An account's one place; free again when dropped.
#[derive(Debug)]
pub struct Place {
    book: Arc<Book>,
    from: Address,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.book.pages().pending.remove(&self.from);
    }
}

impl Book {
    /// Takes an account's place for a call.
    ///
    /// # Errors
    /// [`Refusal::Pending`] while another call of the account has it, [`Refusal::Busy`] when all
    /// places are taken.
    pub fn place(self: &Arc<Self>, from: Address, request: B256) -> Result<Place, Refusal> {
        let mut pages = self.pages();
        if let Some(other) = pages.pending.get(&from) {
            let request = *other;
            return Err(Refusal::Pending { from, request });
        }
        if pages.pending.len() >= AT_ONCE {
            return Err(Refusal::Busy);
        }
        pages.pending.insert(from, request);
        let book = Arc::clone(self);
        Ok(Place { book, from })
    }

    /// How many calls are under way.
    pub fn underway(&self) -> usize {
        self.pages().pending.len()
    }

    /// Notes how a call ended.
    pub fn end(&self, request: B256, ended: Result<Carried, Refusal>) {
        let mut pages = self.pages();
        pages.ended.retain(|(known, _)| *known != request);
        if pages.ended.len() >= REMEMBERED {
            pages.ended.pop_front();
        }
        pages.ended.push_back((request, ended));
    }

    /// How a call ended, or that it has not.
    ///
    /// # Errors
    /// Its refusal; [`Refusal::Unknown`] where nothing is known of it.
    pub fn outcome(&self, request: B256) -> Result<Carried, Refusal> {
        let pages = self.pages();
        if pages.pending.values().any(|known| *known == request) {
            return Ok(underway(request));
        }
        let found = pages.ended.iter().find(|(known, _)| *known == request);
        found.map_or(Err(Refusal::Unknown), |(_, ended)| ended.clone())
    }

    /// The transaction that carried a call from here.
    pub fn carried(&self, request: B256) -> Option<B256> {
        let pages = self.pages();
        let (_, ended) = pages.ended.iter().find(|(known, _)| *known == request)?;
        ended.as_ref().ok()?.transaction
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer about a call that has not ended.
#[must_use]
pub const fn underway(request: B256) -> Carried {
    Carried {
        request,
        outcome: Outcome::Underway,
        transaction: None,
        block: None,
        gas_used: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: u64) -> B256 {
        B256::from(alloy::primitives::U256::from(number))
    }

    fn account(number: u64) -> Address {
        Address::from_word(request(number))
    }

    #[test]
    fn an_account_has_one_place_until_it_is_dropped() {
        let book = Arc::new(Book::default());
        let place = book.place(account(1), request(1)).unwrap();
        let other = Refusal::Pending {
            from: account(1),
            request: request(1),
        };
        assert_eq!(book.place(account(1), request(2)).unwrap_err(), other);
        assert!(book.place(account(2), request(3)).is_ok());
        assert_eq!(book.outcome(request(1)), Ok(underway(request(1))));
        drop(place);
        assert!(book.place(account(1), request(2)).is_ok());
        assert_eq!(book.outcome(request(1)), Err(Refusal::Unknown));
    }

    #[test]
    fn places_are_bounded() {
        let book = Arc::new(Book::default());
        let all: Vec<_> = (0..)
            .map_while(|number| book.place(account(number), request(number)).ok())
            .collect();
        assert_eq!(all.len(), AT_ONCE);
        let late = book.place(account(1 << 40), request(0));
        assert_eq!(late.unwrap_err(), Refusal::Busy);
    }

    #[test]
    fn the_last_ends_are_remembered_and_no_more() {
        let book = Book::default();
        let many = u64::try_from(REMEMBERED).unwrap();
        for number in 0..=many {
            book.end(request(number), Ok(underway(request(number))));
        }
        assert_eq!(book.outcome(request(0)), Err(Refusal::Unknown));
        assert_eq!(book.outcome(request(1)), Ok(underway(request(1))));
        assert_eq!(book.pages().ended.len(), REMEMBERED);
    }
}
