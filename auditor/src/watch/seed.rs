//! Whether a header's seed is the beacon's, from the signature that was posted with it: no relay is
//! asked. (An invalid signature gives the seed that it gives, and that is the fault.)

use quorate_beacon::Beacon;
use quorate_bls::PublicKey;
use quorate_matching::Seed;
use quorate_protocol::{Domain, Header, Schedule, seed};

use crate::{AuditError, record::Record};

/// The beacon as this deployment counts its rounds.
#[derive(Debug, Clone)]
pub(crate) struct BeaconRule {
    /// The pinned key.
    pub key: PublicKey,
    /// Whose seeds.
    pub domain: Domain,
    /// Which beacon round belongs to a round.
    pub schedule: Schedule,
}

/// What the posted signature makes of a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeedFinding {
    /// It is the beacon's, and gives the seed.
    Right,
    /// It is the witness against the seed.
    Wrong,
    /// It is not the beacon's and gives another seed: it says nothing, and `Rounds` takes no such.
    Undecided,
}

impl BeaconRule {
    /// Judges the seed of a record.
    ///
    /// # Errors
    /// [`AuditError::Protocol`] for rounds beyond the schedule's range.
    pub(super) fn judge(&self, record: &Record) -> Result<SeedFinding, AuditError> {
        let signature = &record.beacon_signature;
        let gives = self.seed_of(&record.header, signature)? == record.header.seed;
        Ok(match (self.is_beacon(&record.header, signature)?, gives) {
            (true, true) => SeedFinding::Right,
            (true, false) | (false, true) => SeedFinding::Wrong,
            (false, false) => SeedFinding::Undecided,
        })
    }

    /// Whether 48 bytes show that a header's seed is not the round's (`docs/formats.md` section 11).
    #[must_use]
    pub(super) fn refutes(&self, header: &Header, signature: &[u8; 48]) -> bool {
        let gives = self
            .seed_of(header, signature)
            .map(|seed| seed == header.seed);
        match (self.is_beacon(header, signature), gives) {
            (Ok(real), Ok(gives)) => real != gives,
            _ => false,
        }
    }

    fn seed_of(&self, header: &Header, signature: &[u8; 48]) -> Result<Seed, AuditError> {
        let number = self.schedule.beacon_round(header.round)?;
        let hash = &self.schedule.beacon_chain_hash;
        Ok(seed(&self.domain, header.round, hash, number, signature))
    }

    fn is_beacon(&self, header: &Header, signature: &[u8; 48]) -> Result<bool, AuditError> {
        let beacon = Beacon {
            round: self.schedule.beacon_round(header.round)?,
            signature: *signature,
        };
        Ok(beacon.verify(&self.key).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn the_beacons_own_signature_gives_the_right_seed() {
        let (rule, record) = testing::seeded(5);
        assert_eq!(rule.judge(&record).unwrap(), SeedFinding::Right);
        assert!(!rule.refutes(&record.header, &record.beacon_signature));
    }

    #[test]
    fn another_seed_beside_the_beacons_signature_is_refuted_by_it() {
        let (rule, mut record) = testing::seeded(5);
        record.header.seed.0[0] ^= 1;
        assert_eq!(rule.judge(&record).unwrap(), SeedFinding::Wrong);
        assert!(rule.refutes(&record.header, &record.beacon_signature));
    }

    /// A signature of the wrong round, and bytes that are no point.
    #[test]
    fn a_seed_out_of_what_the_beacon_did_not_sign_is_refuted_by_it() {
        let (rule, record) = testing::seeded(5);
        let other = testing::seeded(6).1.beacon_signature;
        for posted in [other, [0xff; 48]] {
            let mut record = record.clone();
            record.beacon_signature = posted;
            record.header.seed = rule.seed_of(&record.header, &posted).unwrap();
            assert_eq!(rule.judge(&record).unwrap(), SeedFinding::Wrong);
            assert!(rule.refutes(&record.header, &posted));
        }
    }

    #[test]
    fn what_is_not_the_beacons_and_gives_another_seed_decides_nothing() {
        let (rule, mut record) = testing::seeded(5);
        record.beacon_signature = [0xff; 48];
        assert_eq!(rule.judge(&record).unwrap(), SeedFinding::Undecided);
        assert!(!rule.refutes(&record.header, &record.beacon_signature));
    }
}
