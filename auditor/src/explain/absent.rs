//! Why an order is not in a round.

use quorate_canon::{OfferId, RequestId, Round, Timestamp};
use quorate_chain::market::{MarketIndex, RequestLife, VersionLife};
use quorate_matching::RoundContext;
use serde::Serialize;

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Absent {
    /// Nobody ever posted it.
    Unknown,
    /// It was written after T.
    NotYet {
        /// When.
        created: u64,
        /// The round's T: what was written up to then counts.
        time: u64,
        /// The first round whose T is not before that.
        first_round: u64,
    },
    /// It was cancelled, or closed, by T.
    Closed {
        /// When.
        at: u64,
        /// The round's T.
        time: u64,
    },
    /// It was good only for so long.
    Expired {
        /// Up to, not including.
        until: u64,
        /// The round's T.
        time: u64,
    },
    /// A round before has matched it.
    MatchedBefore {
        /// Which.
        round: u64,
    },
}

impl std::fmt::Display for Absent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("nobody ever posted it"),
            Self::NotYet {
                created,
                time,
                first_round,
            } => write!(
                f,
                "it was written at {created}, after the round's T of {time}: the first round that can \
                 see it is {first_round}"
            ),
            Self::Closed { at, time } => write!(
                f,
                "it was closed at {at}, not after the round's T of {time}"
            ),
            Self::Expired { until, time } => {
                write!(f, "it was good until {until}, and the round's T is {time}")
            }
            Self::MatchedBefore { round } => write!(f, "round {round} had matched it before"),
        }
    }
}

/// Why a request is not in a round; `None` if nothing keeps it out.
#[must_use]
pub(super) fn request(market: &MarketIndex, id: RequestId, round: &RoundContext) -> Option<Absent> {
    match market.request_life(id) {
        None => Some(Absent::Unknown),
        Some(life) => of_request(&life, round),
    }
}

/// Why an offer is not in a round; `None` if nothing keeps it out.
#[must_use]
pub(super) fn offer(market: &MarketIndex, id: OfferId, round: &RoundContext) -> Option<Absent> {
    of_offer(&market.offer_life(id), round)
}

fn of_request(life: &RequestLife, round: &RoundContext) -> Option<Absent> {
    let time = round.time;
    if life.created > time {
        return Some(not_yet(life.created, round));
    }
    if let Some((before, _)) = life.matched.filter(|(before, _)| *before < round.round) {
        return Some(Absent::MatchedBefore {
            round: before.get(),
        });
    }
    if let Some(at) = life.cancelled.filter(|at| *at <= time) {
        return Some(closed(at, time));
    }
    let until = life.request.valid_until;
    (until <= time).then(|| expired(until, time))
}

fn of_offer(versions: &[VersionLife], round: &RoundContext) -> Option<Absent> {
    let time = round.time;
    let Some(first) = versions.first() else {
        return Some(Absent::Unknown);
    };
    let mut written = versions.iter().rev();
    let Some(version) = written.find(|version| version.created <= time) else {
        return Some(not_yet(first.created, round));
    };
    if let Some(at) = version.closed.filter(|at| *at <= time) {
        return Some(closed(at, time));
    }
    let until = version.offer.available_until;
    (until <= time).then(|| expired(until, time))
}

fn not_yet(created: Timestamp, round: &RoundContext) -> Absent {
    let after = created.get().checked_sub(round.genesis.get());
    let period = u64::from(round.period.max(1));
    Absent::NotYet {
        created: created.get(),
        time: round.time.get(),
        first_round: after.map_or(0, |after| Round::new(after / period + 1).get()),
    }
}

const fn closed(at: Timestamp, time: Timestamp) -> Absent {
    Absent::Closed {
        at: at.get(),
        time: time.get(),
    }
}

const fn expired(until: Timestamp, time: Timestamp) -> Absent {
    Absent::Expired {
        until: until.get(),
        time: time.get(),
    }
}

#[cfg(test)]
mod tests {
    use quorate_canon::HealthEpoch;
    use quorate_matching::{Offer, Request};

    use super::*;

    /// Round 5 of a minute each from 1000 on: closes at 1300, T is 1299.
    fn round() -> RoundContext {
        RoundContext {
            round: Round::new(5),
            time: Timestamp::new(1_299),
            genesis: Timestamp::new(1_000),
            period: 60,
            health_epoch: HealthEpoch::new(0),
        }
    }

    fn life() -> RequestLife {
        RequestLife {
            request: Request {
                valid_until: Timestamp::new(9_999),
                ..Request::default()
            },
            created: Timestamp::new(1_100),
            cancelled: None,
            matched: None,
        }
    }

    fn version(created: u64, closed: Option<u64>) -> VersionLife {
        VersionLife {
            offer: Offer {
                available_until: Timestamp::new(9_999),
                ..Offer::default()
            },
            created: Timestamp::new(created),
            closed: closed.map(Timestamp::new),
        }
    }

    #[test]
    fn an_open_request_is_in() {
        assert_eq!(of_request(&life(), &round()), None);
        let later = RequestLife {
            cancelled: Some(Timestamp::new(1_300)),
            matched: Some((Round::new(5), Timestamp::new(1_310))),
            ..life()
        };
        assert_eq!(of_request(&later, &round()), None);
    }

    #[test]
    fn a_request_written_after_t_is_told_its_first_round() {
        for (created, first_round) in [(1_300, 6), (1_359, 6), (1_360, 7)] {
            let late = RequestLife {
                created: Timestamp::new(created),
                ..life()
            };
            let expected = Absent::NotYet {
                created,
                time: 1_299,
                first_round,
            };
            assert_eq!(of_request(&late, &round()), Some(expected));
        }
    }

    #[test]
    fn a_cancelled_an_expired_and_a_matched_request_are_told_so() {
        let mut gone = life();
        gone.request.valid_until = Timestamp::new(1_299);
        assert_eq!(
            of_request(&gone, &round()),
            Some(Absent::Expired {
                until: 1_299,
                time: 1_299
            })
        );
        gone.cancelled = Some(Timestamp::new(1_299));
        assert_eq!(
            of_request(&gone, &round()),
            Some(Absent::Closed {
                at: 1_299,
                time: 1_299
            })
        );
        gone.matched = Some((Round::new(4), Timestamp::new(1_250)));
        assert_eq!(
            of_request(&gone, &round()),
            Some(Absent::MatchedBefore { round: 4 })
        );
    }

    #[test]
    fn of_an_offer_the_version_of_t_counts() {
        assert_eq!(of_offer(&[], &round()), Some(Absent::Unknown));
        let revised = [version(1_100, Some(1_200)), version(1_200, None)];
        assert_eq!(of_offer(&revised, &round()), None);
        let closed = [version(1_100, Some(1_200)), version(1_200, Some(1_250))];
        assert_eq!(
            of_offer(&closed, &round()),
            Some(Absent::Closed {
                at: 1_250,
                time: 1_299
            })
        );
        let late = [version(1_400, None)];
        assert!(matches!(
            of_offer(&late, &round()),
            Some(Absent::NotYet { first_round: 7, .. })
        ));
    }

    /// The rules of the fold itself, which made the snapshot, are the same.
    #[test]
    fn the_first_round_is_the_first_whose_t_is_not_before() {
        let Absent::NotYet { first_round, .. } = not_yet(Timestamp::new(1_360), &round()) else {
            panic!("not yet");
        };
        let t = |n: u64| 1_000 + n * 60 - 1;
        assert!(t(first_round) >= 1_360 && t(first_round - 1) < 1_360);
    }
}
