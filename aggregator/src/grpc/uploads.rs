//! Places for lists that are being received. A list may be 50 MB, so there are few; those who have
//! signed the header that a list belongs to come before strangers.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use quorate_canon::Digest;

use crate::suspects::Source;

/// Lists that are received at a time, of one header and in all: 400 MB at most.
const PER_HEADER: usize = 3;
const IN_ALL: usize = 8;
/// How long a signer's first upload of a list keeps others from being asked for it, and keeps its place
/// against other signers: a list of a million machines takes 4 s at 100 Mbit/s.
const TRUSTED: Duration = Duration::from_secs(10);
/// First uploads that are remembered: more than there are operators, of the rounds that lack a list.
const REMEMBERED: usize = 1_024;

/// Who goes before whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Anybody.
    Stranger,
    /// An address from which a vote for the header was taken, whose upload came to nothing before, or
    /// takes long.
    Again,
    /// Such an address, for the first time.
    Signer,
}

/// A list that is being received.
#[derive(Debug)]
struct Active {
    digest: Digest,
    source: Source,
    rank: Rank,
    since: Instant,
    stands: Arc<AtomicBool>,
}

impl Active {
    fn rank(&self, now: Instant) -> Rank {
        match self.rank {
            Rank::Signer if now.saturating_duration_since(self.since) >= TRUSTED => Rank::Again,
            rank => rank,
        }
    }
}

#[derive(Debug, Default)]
struct Places {
    active: Vec<Active>,
    /// Signers that have begun to send a list, the latest last.
    begun: VecDeque<(Digest, Source)>,
}

impl Places {
    /// What an upload ranks as that begins now.
    fn rank(&mut self, digest: Digest, source: Source, signed: bool) -> Rank {
        if !signed {
            return Rank::Stranger;
        }
        if self.begun.contains(&(digest, source)) {
            return Rank::Again;
        }
        if self.begun.len() >= REMEMBERED {
            self.begun.pop_front();
        }
        self.begun.push_back((digest, source));
        Rank::Signer
    }

    /// Makes room for an upload of this rank, at the cost of a lower one if need be.
    fn make_room(&mut self, digest: Digest, rank: Rank, now: Instant) -> bool {
        let same = |active: &&Active| active.digest == digest;
        if self.active.iter().filter(same).count() >= PER_HEADER {
            return self.displace(rank, now, |active| active.digest == digest);
        }
        self.active.len() < IN_ALL || self.displace(rank, now, |_| true)
    }

    /// Takes the place of the lowest below `rank`, the longest under way among equals.
    fn displace(&mut self, rank: Rank, now: Instant, of: impl Fn(&Active) -> bool) -> bool {
        let places = self.active.iter().enumerate();
        let lower = places.filter(|(_, active)| of(active) && active.rank(now) < rank);
        let lowest = lower.min_by_key(|(_, active)| (active.rank(now), active.since));
        let Some(place) = lowest.map(|(place, _)| place) else {
            return false;
        };
        let displaced = self.active.swap_remove(place);
        displaced.stands.store(false, Ordering::Release);
        true
    }
}

/// The lists that are being sent now; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Uploads {
    places: Arc<Mutex<Places>>,
}

impl Uploads {
    /// Whether the list behind this header is on its way: one of its signers has begun to send it just
    /// before. What others send keeps nobody from being asked.
    pub fn is_coming(&self, digest: Digest) -> bool {
        self.is_coming_at(digest, Instant::now())
    }

    fn is_coming_at(&self, digest: Digest, now: Instant) -> bool {
        let coming = |active: &Active| active.digest == digest && active.rank(now) == Rank::Signer;
        self.lock().active.iter().any(coming)
    }

    /// Takes a place, for a sender that has `signed` the header or has not. An address has one place
    /// for each list, so that nobody alone can hold them all.
    pub(super) fn begin(
        &self,
        digest: Digest,
        source: Source,
        signed: bool,
        now: Instant,
    ) -> Option<Upload> {
        let mut places = self.lock();
        let mine = |active: &Active| (active.digest, active.source) == (digest, source);
        if source.is_some() && places.active.iter().any(mine) {
            return None;
        }
        let rank = places.rank(digest, source, signed);
        if !places.make_room(digest, rank, now) {
            return None;
        }
        let stands = Arc::new(AtomicBool::new(true));
        places.active.push(Active {
            digest,
            source,
            rank,
            since: now,
            stands: Arc::clone(&stands),
        });
        Some(Upload {
            uploads: self.clone(),
            stands,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the uploads; given back on drop.
#[derive(Debug)]
pub struct Upload {
    uploads: Uploads,
    stands: Arc<AtomicBool>,
}

impl Upload {
    /// Whether nobody else has taken it.
    pub(super) fn stands(&self) -> bool {
        self.stands.load(Ordering::Acquire)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let mut places = self.uploads.lock();
        places
            .active
            .retain(|active| !Arc::ptr_eq(&active.stands, &self.stands));
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const HEADER: Digest = Digest([1; 32]);
    const SIGNED: bool = true;
    const STRANGE: bool = false;

    fn address(n: u8) -> Source {
        Some(IpAddr::from([192, 0, 2, n]))
    }

    /// Takes all places for [`HEADER`].
    fn fill(uploads: &Uploads, signed: bool, now: Instant) -> Vec<Upload> {
        let places = 0..u8::try_from(PER_HEADER).unwrap();
        let begin = |n| uploads.begin(HEADER, address(n), signed, now).unwrap();
        places.map(begin).collect()
    }

    #[test]
    fn an_address_has_one_place_for_a_list() {
        let (uploads, now) = (Uploads::default(), Instant::now());
        let begin = |n| uploads.begin(HEADER, address(n), STRANGE, now);
        let first = begin(1).unwrap();
        assert!(begin(1).is_none());
        let _second = begin(2).unwrap();
        drop(first);
        assert!(begin(1).is_some());
    }

    #[test]
    fn a_header_has_few_places_and_all_have_a_bounded_number() {
        for signed in [STRANGE, SIGNED] {
            let (uploads, now) = (Uploads::default(), Instant::now());
            let held = fill(&uploads, signed, now);
            assert!(uploads.begin(HEADER, address(99), signed, now).is_none());
            let more: Vec<_> = (0..20)
                .filter_map(|n| uploads.begin(Digest([n + 2; 32]), address(n), signed, now))
                .collect();
            assert_eq!(held.len() + more.len(), IN_ALL);
            assert!(more.iter().chain(&held).all(Upload::stands));
            drop((held, more));
            assert!(uploads.lock().active.is_empty());
        }
    }

    #[test]
    fn strangers_lose_their_places_to_signers_and_not_to_strangers() {
        let (uploads, now) = (Uploads::default(), Instant::now());
        let held = fill(&uploads, STRANGE, now);
        assert!(uploads.begin(HEADER, address(8), STRANGE, now).is_none());
        let signers: Vec<_> = (10..13)
            .map(|n| uploads.begin(HEADER, address(n), SIGNED, now).unwrap())
            .collect();
        assert!(held.iter().all(|place| !place.stands()));
        // A place that was lost gives nobody else's back.
        drop(held);
        assert!(signers.iter().all(Upload::stands));
        assert_eq!(uploads.lock().active.len(), PER_HEADER);
    }

    #[test]
    fn signers_also_take_the_places_that_strangers_hold_for_other_headers() {
        let (uploads, now) = (Uploads::default(), Instant::now());
        let others = 0..u8::try_from(IN_ALL).unwrap();
        let held: Vec<_> = others
            .map(|n| uploads.begin(Digest([n + 2; 32]), address(n), STRANGE, now))
            .collect();
        assert!(held.iter().all(Option::is_some));
        assert!(uploads.begin(HEADER, address(20), STRANGE, now).is_none());
        assert!(uploads.begin(HEADER, address(20), SIGNED, now).is_some());
    }

    #[test]
    fn a_list_is_coming_only_if_one_of_its_signers_sends_it() {
        let (uploads, now) = (Uploads::default(), Instant::now());
        let held = fill(&uploads, STRANGE, now);
        assert!(!uploads.is_coming_at(HEADER, now));
        let signer = uploads.begin(HEADER, address(9), SIGNED, now);
        assert!(uploads.is_coming_at(HEADER, now));
        assert!(!uploads.is_coming_at(Digest([2; 32]), now));
        assert!(
            !uploads.is_coming_at(HEADER, now + TRUSTED),
            "it takes too long"
        );
        drop((held, signer));
        assert!(!uploads.is_coming_at(HEADER, now));
    }

    #[test]
    fn a_signer_that_stalls_holds_the_others_up_once() {
        let (uploads, now) = (Uploads::default(), Instant::now());
        let stalled = fill(&uploads, SIGNED, now);
        assert!(uploads.begin(HEADER, address(9), SIGNED, now).is_none());
        drop(stalled);
        // Those who had their turn come after those who had none.
        let again = fill(&uploads, SIGNED, now);
        assert!(!uploads.is_coming_at(HEADER, now));
        assert!(uploads.begin(HEADER, address(8), SIGNED, now).is_some());
        assert_eq!(again.iter().filter(|place| !place.stands()).count(), 1);
    }

    #[test]
    fn a_signer_that_takes_long_loses_its_place_to_another() {
        let (uploads, now) = (Uploads::default(), Instant::now());
        let _slow = fill(&uploads, SIGNED, now);
        let before = now + TRUSTED - Duration::from_millis(1);
        assert!(uploads.begin(HEADER, address(9), SIGNED, before).is_none());
        assert!(
            uploads
                .begin(HEADER, address(8), SIGNED, now + TRUSTED)
                .is_some()
        );
    }
}
