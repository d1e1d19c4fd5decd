//! Who is asked for a list, and how rounds look from outside.

use quorate_canon::{Digest, Round};
use quorate_rpc::wire::RoundReport;

use super::actor::Collector;
use super::book::Book;
use super::ingress::{Incoming, Wanted};
use super::{Millis, Source};
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

    /// The header behind a digest, and whether a vote for it came from this address. Only the signers of
    /// the header that leads go before others: whatever else they signed, nobody waits for its list.
    pub(super) fn sender(&self, digest: Digest, source: Source) -> Option<(Wanted, bool)> {
        let wanted = self.header(digest)?;
        let round = wanted.header.round;
        let leads = self.leading(round) == Some(digest);
        let book = self.books.get(&round);
        let signed = leads && book.is_some_and(|book| book.came_from(digest, source));
        Some((wanted, signed))
    }

    /// Whether to ask the sender of a vote that was counted, now or before, for the list behind its header.
    /// Whoever repeats another's vote is answered, but nobody is kept from being asked for it.
    pub(super) fn ask_for_list(&mut self, incoming: &Incoming) -> bool {
        if incoming.reply.is_none() {
            return false;
        }
        let (vote, millis) = (&incoming.vote, self.millis());
        let (round, digest) = (vote.header().round, vote.digest());
        let wanted = self.wants_list(round, digest, millis);
        let book = self.books.entry(round).or_default();
        book.came(digest, vote.operator(), incoming.source);
        if wanted {
            book.asked(digest, vote.operator(), incoming.source, millis);
        }
        wanted
    }

    /// The header whose list a round is settled with, as far as it is known.
    fn leading(&self, round: Round) -> Option<Digest> {
        let votes = self.state.round(round)?;
        votes
            .decided()
            .or_else(|| votes.leader().map(|(digest, ..)| digest))
    }

    /// Whether the list behind a header is missing, worth having, and not on its way.
    pub(super) fn wants_list(&self, round: Round, digest: Digest, millis: Millis) -> bool {
        let book = self.books.get(&round);
        self.leading(round) == Some(digest)
            && !self.lists.contains(&HeaderId { round, digest })
            && !self.tools.uploads.is_coming(digest)
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
