//! What was tried against one list, and when it is tried again.
//!
//! Nothing of this is kept on disk: what a contract says to a call that was tried out is an endpoint's
//! word about its own newest block, and an endpoint may be behind. What stands on chain comes back as an
//! event, through the follower.

use std::collections::BTreeMap;
use std::time::Duration;

use quorate_bindings::reverts::error_name;
use quorate_canon::OperatorIndex;
use quorate_health::Window;
use tokio::time::Instant;

use crate::chain::ChainTrouble;
use crate::store::CertifiedDown;

/// The contract's errors that stay true however the chain goes on: the strike is there already, or the
/// list or the committee, which both never change, has no place for it.
const FINAL: [&str; 4] = ["AlreadyStruck", "NotListed", "NotASigner", "NoSeat"];
/// The first pause, and the longest, after what cost nothing.
const FREE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(300));
/// The same after a transaction that was mined and reverted: it cost gas.
const PAID: (Duration, Duration) = (Duration::from_secs(600), Duration::from_secs(3_600));
/// How long the event of a strike is waited for. After that its transaction is looked for again; it is
/// sent anew only if it is not on chain any more.
const UNSEEN: Duration = Duration::from_secs(300);

/// Whether the contract would say the same for ever.
pub(super) fn is_final(trouble: &ChainTrouble) -> bool {
    let name = trouble.refusal().and_then(error_name);
    name.is_some_and(|name| FINAL.contains(&name))
}

/// When a receipt is tried again.
#[derive(Debug, Clone, Copy)]
struct Wait {
    /// `None` for never.
    next: Option<Instant>,
    pause: Duration,
}

/// One list that calls the machine DOWN.
#[derive(Debug)]
pub(super) struct Case {
    /// The list as it was when all this was tried. A reorganisation may put another in its place.
    down: CertifiedDown,
    waits: BTreeMap<(Window, OperatorIndex), Wait>,
    /// Windows that fell, and until when that is believed without the event.
    fell: BTreeMap<Window, Instant>,
}

impl Case {
    /// Nothing was tried yet.
    pub(super) const fn new(down: CertifiedDown) -> Self {
        Self {
            down,
            waits: BTreeMap::new(),
            fell: BTreeMap::new(),
        }
    }

    /// Whether this is about the list as it is now.
    pub(super) fn is_of(&self, down: &CertifiedDown) -> bool {
        self.down == *down
    }

    /// Whether a receipt is to be shown now.
    pub(super) fn is_due(&self, window: Window, operator: OperatorIndex, now: Instant) -> bool {
        let fallen = self.fell.get(&window).is_some_and(|until| now < *until);
        let wait = self.waits.get(&(window, operator));
        !fallen && wait.is_none_or(|wait| wait.next.is_some_and(|next| next <= now))
    }

    /// It was shown: its event is on the way.
    pub(super) fn shown(
        &mut self,
        window: Window,
        operator: OperatorIndex,
        fell: bool,
        now: Instant,
    ) {
        let next = now + UNSEEN;
        if fell {
            self.fell.insert(window, next);
        }
        let wait = Wait {
            next: Some(next),
            pause: UNSEEN,
        };
        self.waits.insert((window, operator), wait);
    }

    /// It was not taken. `left` is the time until none is taken any more.
    pub(super) fn not_taken(
        &mut self,
        window: Window,
        operator: OperatorIndex,
        trouble: &ChainTrouble,
        left: Duration,
        now: Instant,
    ) {
        let key = (window, operator);
        let before = self.waits.get(&key).map(|wait| wait.pause);
        let pause = pause(before, trouble);
        let next = (!is_final(trouble)).then(|| now + pause.min(left / 4));
        self.waits.insert(key, Wait { next, pause });
    }
}

/// Pauses double: over days a receipt is tried some hundred times, and paid for a few dozen times, however
/// often a lying or lagging endpoint says that it would be taken.
fn pause(before: Option<Duration>, trouble: &ChainTrouble) -> Duration {
    let (first, most) = match trouble {
        ChainTrouble::Reverted(_) => PAID,
        _ => FREE,
    };
    let doubled = before.map_or(first, |pause| pause.saturating_mul(2));
    doubled.clamp(first, most)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{U256, keccak256};
    use quorate_bindings::reverts::describe;
    use quorate_canon::HealthEpoch;

    use super::*;

    const DAYS: Duration = Duration::from_secs(2 * 86_400);
    const WHO: (Window, OperatorIndex) = (Window(2), OperatorIndex::new(1));

    fn refused(signature: &str) -> ChainTrouble {
        let arguments = signature.matches("uint").count();
        let mut data = keccak256(signature)[..4].to_vec();
        data.resize(4 + 32 * arguments, 0);
        ChainTrouble::Refused(describe(&data))
    }

    fn case() -> Case {
        Case::new(CertifiedDown {
            epoch: HealthEpoch::new(3),
            number: 0,
            windows: U256::from(4),
            signers: vec![2],
        })
    }

    #[test]
    fn only_what_stays_true_for_ever_is_final() {
        for (signature, last) in [
            ("AlreadyStruck(uint32)", true),
            ("NotListed(uint64,uint16)", true),
            ("NotASigner(uint32)", true),
            ("NoSeat(uint32)", true),
            // What an endpoint that is behind has its contract say.
            ("NoSuchList(uint32,uint32)", false),
            ("NotOpen(uint32)", false),
            ("OutOfTime(uint256,uint256,uint256)", false),
            ("Unheard()", false),
        ] {
            assert_eq!(is_final(&refused(signature)), last, "{signature}");
        }
        let mined =
            ChainTrouble::Reverted(refused("AlreadyStruck(uint32)").refusal().unwrap().into());
        assert!(is_final(&mined));
        assert!(!is_final(&ChainTrouble::Refused(String::new())));
        assert!(!is_final(&ChainTrouble::Own(
            "AlreadyStruck(uint32)".into()
        )));
    }

    #[test]
    fn what_may_be_taken_later_is_tried_at_growing_pauses() {
        let (mut case, mut now) = (case(), Instant::now());
        assert!(case.is_due(WHO.0, WHO.1, now));
        for seconds in [15, 30, 60, 120, 240, 300, 300] {
            case.not_taken(
                WHO.0,
                WHO.1,
                &refused("NoSuchList(uint32,uint32)"),
                DAYS,
                now,
            );
            let next = now + Duration::from_secs(seconds);
            assert!(!case.is_due(WHO.0, WHO.1, next - Duration::from_millis(1)));
            assert!(case.is_due(WHO.0, WHO.1, next), "{seconds}");
            now = next;
        }
        case.not_taken(WHO.0, WHO.1, &refused("NoSeat(uint32)"), DAYS, now);
        assert!(!case.is_due(WHO.0, WHO.1, now + DAYS));
    }

    #[test]
    fn no_pause_is_longer_than_a_quarter_of_the_time_that_is_left() {
        let (mut case, now) = (case(), Instant::now());
        let left = Duration::from_secs(20);
        let mined = ChainTrouble::Reverted("OutOfTime(uint256,uint256,uint256)".into());
        case.not_taken(WHO.0, WHO.1, &mined, left, now);
        assert!(!case.is_due(WHO.0, WHO.1, now));
        assert!(case.is_due(WHO.0, WHO.1, now + Duration::from_secs(5)));
    }

    #[test]
    fn gas_is_paid_for_a_few_dozen_refusals_at_most() {
        let (mut case, start) = (case(), Instant::now());
        let mined = ChainTrouble::Reverted("reverted without a reason".into());
        let (mut now, mut paid) = (start, 0);
        // An endpoint that always says yes, a contract that always says no, a look every 15 seconds.
        while now < start + DAYS {
            if case.is_due(WHO.0, WHO.1, now) {
                paid += 1;
                case.not_taken(WHO.0, WHO.1, &mined, start + DAYS - now, now);
            }
            now += Duration::from_secs(15);
        }
        assert!((10..=80).contains(&paid), "{paid}");
    }

    #[test]
    fn a_window_that_fell_is_left_alone_until_its_event_should_have_come() {
        let (mut case, now) = (case(), Instant::now());
        let other = OperatorIndex::new(9);
        case.shown(WHO.0, WHO.1, true, now);
        assert!(!case.is_due(WHO.0, other, now));
        assert!(case.is_due(Window(3), other, now));
        assert!(case.is_due(WHO.0, other, now + UNSEEN));
        assert!(case.is_due(WHO.0, WHO.1, now + UNSEEN));
    }
}
