//! Who is asked for a list, and how rounds look from outside.

use quorate_canon::{Digest, Round};
use quorate_rpc::wire::RoundReport;

use super::Millis;
use super::actor::Collector;
use super::book::Book;
use super::ingress::Wanted;
use crate::chain::Chain;
use crate::store::HeaderId;

impl<C: Chain> Collector<C> {
    /// The header behind a digest.
    pub(super) fn header(&self, digest: Digest) -> Option<Wanted> {
        let (round, header) = self
            .state
            .rounds()
            .find_map(|(round, votes)| Some((round, *votes.header(digest)?)))?;
        Some(Wanted {
            header,
            here: self.lists.contains(&HeaderId { round, digest }),
        })
    }

    /// Whether to ask the sender of a vote for the list behind its header.
    pub(super) fn ask_for_list(&mut self, round: Round, digest: Digest) -> bool {
        let millis = self.millis();
        let wanted = self.wants_list(round, digest, millis);
        if wanted {
            self.books.entry(round).or_default().asked(digest, millis);
        }
        wanted
    }

    /// Whether the list behind a header is missing, worth having, and not on its way.
    pub(super) fn wants_list(&self, round: Round, digest: Digest, millis: Millis) -> bool {
        let Some(votes) = self.state.round(round) else {
            return false;
        };
        let leading = votes
            .decided()
            .or_else(|| votes.leader().map(|(digest, ..)| digest));
        let book = self.books.get(&round);
        leading == Some(digest)
            && !self.lists.contains(&HeaderId { round, digest })
            && !self.tools.uploads.is_active(digest)
            && book.is_none_or(|book| !book.is_over() && book.may_ask(digest, millis))
    }

    pub(super) fn list_came(&mut self, id: HeaderId) {
        self.lists.insert(id);
    }

    /// How a round stands.
    pub(super) fn report(&self, round: Round) -> Option<RoundReport> {
        let votes = self.state.round(round)?;
        let wanted = votes
            .leader()
            .is_some_and(|(digest, ..)| self.wants_list(round, digest, self.millis()));
        match self.books.get(&round) {
            Some(book) => Some(book.report(round, votes, wanted)),
            None => Some(Book::default().report(round, votes, wanted)),
        }
    }
}
