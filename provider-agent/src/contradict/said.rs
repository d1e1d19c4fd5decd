//! Who was said to have called the machine DOWN already, so that the log says it once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use quorate_canon::{HealthEpoch, OperatorIndex};
use quorate_rpc::Accuser;
use quorate_rpc::attestations::MAX_ACCUSERS;

/// Epoch and operator of what was said, by whichever aggregator named it first; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Said(Arc<Mutex<BTreeSet<(HealthEpoch, OperatorIndex)>>>);

impl Said {
    /// Those that were not said before. Of one epoch no more are remembered, nor said, than a committee
    /// can have: an aggregator that makes operators up fills nobody's log.
    pub(super) fn news(&self, epoch: HealthEpoch, accusers: &[Accuser]) -> Vec<Accuser> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (epoch, OperatorIndex::new(0))..=(epoch, OperatorIndex::new(u32::MAX));
        let place = MAX_ACCUSERS.saturating_sub(said.range(of).count());
        let mut news = accusers.to_vec();
        news.retain(|accuser| !said.contains(&(epoch, accuser.operator)));
        news.truncate(place);
        said.extend(news.iter().map(|accuser| (epoch, accuser.operator)));
        news
    }

    /// Forgets all epochs before this one.
    pub(super) fn forget_before(&self, epoch: HealthEpoch) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *said = said.split_off(&(epoch, OperatorIndex::new(0)));
    }
}

#[cfg(test)]
mod tests {
    use quorate_canon::Mask256;

    use super::*;

    const EPOCH: HealthEpoch = HealthEpoch::new(5);

    fn accusers(operators: std::ops::Range<u32>) -> Vec<Accuser> {
        let of = |operator| Accuser {
            operator: OperatorIndex::new(operator),
            windows: Mask256::of(&[1]),
        };
        operators.map(of).collect()
    }

    #[test]
    fn each_is_news_once_an_epoch_whoever_names_it() {
        let said = Said::default();
        assert_eq!(said.news(EPOCH, &accusers(0..2)), accusers(0..2));
        assert_eq!(said.clone().news(EPOCH, &accusers(0..3)), accusers(2..3));
        let next = HealthEpoch::new(6);
        assert_eq!(said.news(next, &accusers(0..1)), accusers(0..1));
        said.forget_before(next);
        assert_eq!(said.news(EPOCH, &accusers(0..1)), accusers(0..1));
        assert!(said.news(next, &accusers(0..1)).is_empty());
    }

    #[test]
    fn no_more_are_news_than_a_committee_has() {
        let said = Said::default();
        assert_eq!(said.news(EPOCH, &accusers(0..1_000)).len(), 1_000);
        assert_eq!(said.news(EPOCH, &accusers(1_000..2_000)).len(), 24);
        assert!(said.news(EPOCH, &accusers(2_000..3_000)).is_empty());
        assert_eq!(said.0.lock().unwrap().len(), MAX_ACCUSERS);
    }
}
