//! What `Tally` has said, out of logs: samples that were drawn, words that were shown, epochs that were
//! told to L1.

use alloy::rpc::types::Log;
use alloy::sol_types::SolEventInterface;
use quorate_bindings::ITally::ITallyEvents;
use quorate_canon::{Digest, Epoch};
use quorate_health::Sample;

use crate::ChainError;
use crate::rpc::position;

/// An event of `Tally`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TallyEvent {
    /// The sample of a stake epoch is known.
    Drawn(Sample),
    /// Operators' words about a sampled probe were shown; some may have been known before.
    ProbeShown {
        /// The stake epoch.
        epoch: Epoch,
        /// The number of the sample.
        sample: u16,
        /// Whose words (`docs/formats.md` section 9).
        bitmap: Vec<u8>,
    },
    /// The stake epoch is counted.
    Tallied {
        /// The stake epoch.
        epoch: Epoch,
        /// What went to L1 (`docs/formats.md` section 12).
        message: Vec<u8>,
    },
}

impl TallyEvent {
    /// Reads a log of `Tally`; `None` for events that this version does not know.
    ///
    /// # Errors
    /// [`ChainError::BadEvent`] if the log is not what the interface says.
    pub fn from_log(log: &Log) -> Result<Option<Self>, ChainError> {
        let Some(topic) = log.topics().first() else {
            return Ok(None);
        };
        if !ITallyEvents::SELECTORS.contains(&topic.0) {
            return Ok(None);
        }
        let event = ITallyEvents::decode_raw_log(log.topics(), &log.data().data);
        event.map(|event| Some(event.into())).map_err(|error| {
            let (block, index) = position(log);
            ChainError::BadEvent {
                block,
                log: index,
                detail: error.to_string(),
            }
        })
    }
}

impl From<ITallyEvents> for TallyEvent {
    fn from(event: ITallyEvents) -> Self {
        match event {
            ITallyEvents::Drawn(e) => Self::Drawn(Sample {
                epoch: Epoch::new(e.epoch),
                randomness: Digest(e.randomness.0),
                machines: e.machines,
            }),
            ITallyEvents::ProbeShown(e) => Self::ProbeShown {
                epoch: Epoch::new(e.epoch),
                sample: e.sample,
                bitmap: e.bitmap.to_vec(),
            },
            ITallyEvents::Tallied(e) => Self::Tallied {
                epoch: Epoch::new(e.epoch),
                message: e.message.to_vec(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, LogData};
    use alloy::sol_types::SolEvent as _;
    use quorate_bindings::ITally;

    use super::*;

    fn log(data: LogData) -> Log {
        Log {
            inner: alloy::primitives::Log {
                data,
                ..Default::default()
            },
            ..Log::default()
        }
    }

    #[test]
    fn what_was_drawn_is_read_out_of_its_log() {
        let drawn = ITally::Drawn {
            epoch: 7,
            randomness: B256::repeat_byte(3),
            machines: 40,
        };
        let sample = Sample {
            epoch: Epoch::new(7),
            randomness: Digest([3; 32]),
            machines: 40,
        };
        let read = TallyEvent::from_log(&log(drawn.encode_log_data()));
        assert_eq!(read.unwrap(), Some(TallyEvent::Drawn(sample)));
    }

    #[test]
    fn a_log_that_breaks_off_is_an_error_and_a_strange_one_is_none() {
        let told = ITally::Tallied {
            epoch: 7,
            message: vec![1; 40].into(),
        };
        let mut short = told.encode_log_data();
        short.data = short.data.slice(..40);
        assert!(TallyEvent::from_log(&log(short)).is_err());
        let strange = LogData::new_unchecked(vec![B256::repeat_byte(9)], Vec::new().into());
        assert_eq!(TallyEvent::from_log(&log(strange)).unwrap(), None);
    }
}
