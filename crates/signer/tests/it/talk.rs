//! Any history of one operator's words: restarts, ledgers lost, backups put back, aggregators that ask
//! for anything. No receipt that it ever signed contradicts a list that it signed.

use std::fs;

use proptest::prelude::*;
use quorate_canon::{HealthEpoch, Timestamp};
use quorate_health::{DownList, Receipt, contradicts};
use quorate_signer::{Signer, SignerError, SigningLedger};

use crate::world::{
    GENESIS, Place, WINDOW, WINDOWS, down, entry, identity, list, receipt, signer, window_start,
};

#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    /// Receipts or DOWN for a machine, so many windows back.
    Say {
        machine: u64,
        back: u64,
        passed: bool,
    },
    /// The list of all own words, so many epochs back.
    OwnList {
        back: u32,
    },
    /// A list that somebody made up; of machine 3 the operator is no member.
    AnyList {
        machine: u64,
        back: u32,
        windows: Vec<u8>,
    },
    /// Asks for the receipt of a window again, so many windows back.
    Repeat {
        machine: u64,
        back: u64,
    },
    Forget {
        back: u32,
    },
    Restart,
    Backup,
    RestoreBackup,
    LoseLedger,
}

fn step() -> impl Strategy<Value = Step> {
    let windows = prop::collection::vec(0..u8::try_from(WINDOWS).unwrap(), 1..3);
    prop_oneof![
        5 => (1..2 * WINDOW).prop_map(Step::Pass),
        12 => (1u64..3, 0u64..6, any::<bool>())
            .prop_map(|(machine, back, passed)| Step::Say { machine, back, passed }),
        3 => (0u32..3).prop_map(|back| Step::OwnList { back }),
        4 => (1u64..4, 0u32..3, windows)
            .prop_map(|(machine, back, windows)| Step::AnyList { machine, back, windows }),
        4 => (1u64..3, 0u64..12).prop_map(|(machine, back)| Step::Repeat { machine, back }),
        1 => (0u32..3).prop_map(|back| Step::Forget { back }),
        1 => Just(Step::Restart),
        1 => Just(Step::Backup),
        1 => Just(Step::RestoreBackup),
        1 => Just(Step::LoseLedger),
    ]
}

struct Operator {
    place: Place,
    signer: Option<Signer>,
    now: u64,
    backup: Option<Vec<u8>>,
    receipts: Vec<Receipt>,
    lists: Vec<DownList>,
}

impl Operator {
    fn new() -> Self {
        let place = Place::new();
        let signer = Some(signer(place.create(), GENESIS));
        Self {
            place,
            signer,
            now: GENESIS,
            backup: None,
            receipts: Vec::new(),
            lists: Vec::new(),
        }
    }

    fn signer(&self) -> &Signer {
        self.signer.as_ref().unwrap()
    }

    fn epoch(&self, back: u32) -> u32 {
        let epoch = (self.now - GENESIS) / (WINDOW * WINDOWS);
        u32::try_from(epoch).unwrap().saturating_sub(back)
    }

    fn restart(&mut self, change: impl FnOnce(&Place)) {
        drop(self.signer.take());
        change(&self.place);
        let path = self.place.path();
        let ledger = if path.exists() {
            SigningLedger::open(&path, &identity())
        } else {
            SigningLedger::create(&path, &identity(), None)
        };
        self.signer = Some(signer(ledger.unwrap(), self.now));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Pass(seconds) => self.now += seconds,
            Step::Say {
                machine,
                back,
                passed,
            } => self.say(*machine, *back, *passed),
            Step::OwnList { back } => {
                let epoch = self.epoch(*back);
                let own = self.signer().ledger().downs(HealthEpoch::new(epoch));
                if let Ok(own) = own.map(|own| own.into_iter().collect::<Vec<_>>())
                    && !own.is_empty()
                {
                    self.list(list(epoch, &own));
                }
            }
            Step::AnyList {
                machine,
                back,
                windows,
            } => self.list(list(self.epoch(*back), &[entry(*machine, windows)])),
            Step::Repeat { machine, back } => self.repeat(*machine, *back),
            Step::Forget { back } => {
                let epoch = HealthEpoch::new(self.epoch(*back));
                self.signer().ledger().forget_words(epoch).unwrap();
            }
            Step::Restart => self.restart(|_| ()),
            Step::Backup => {
                let mut copy = None;
                self.restart(|place| copy = fs::read(place.path()).ok());
                self.backup = copy;
            }
            Step::RestoreBackup => {
                if let Some(backup) = self.backup.clone() {
                    self.restart(|place| fs::write(place.path(), backup).unwrap());
                }
            }
            Step::LoseLedger => self.restart(|place| fs::remove_file(place.path()).unwrap()),
        }
    }

    /// The epoch and window so many windows back.
    fn window(&self, back: u64) -> (u32, u16) {
        let number = ((self.now - GENESIS) / WINDOW).saturating_sub(back);
        let epoch = u32::try_from(number / WINDOWS).unwrap();
        (epoch, u16::try_from(number % WINDOWS).unwrap())
    }

    /// Whatever is repeated was signed before, by this process or another.
    fn repeat(&self, machine: u64, back: u64) {
        let (epoch, window) = self.window(back);
        let receipt = receipt(machine, epoch, window);
        let repeated = self.signer().repeat_receipts(&[receipt]).unwrap();
        match &repeated[..] {
            [Ok(_)] => assert!(self.receipts.contains(&receipt), "{receipt:?}"),
            [Err(refused)] => assert!(refused.is_refusal(), "{refused}"),
            answers => panic!("{answers:?}"),
        }
    }

    fn say(&mut self, machine: u64, back: u64, passed: bool) {
        let (epoch, window) = self.window(back);
        let start = window_start(epoch, window);
        assert!(start <= Timestamp::new(self.now));
        if !passed {
            let said = self
                .signer()
                .record_down(&down(machine, epoch, window), start);
            assert!(said.as_ref().err().is_none_or(SignerError::is_refusal));
            return;
        }
        let receipt = receipt(machine, epoch, window);
        match self.signer().sign_receipt(&receipt, start) {
            Ok(_) => {
                let against = self.lists.iter().find(|list| contradicts(&receipt, list));
                assert_eq!(against, None, "{receipt:?}");
                self.receipts.push(receipt);
            }
            Err(refused) => assert!(refused.is_refusal(), "{refused}"),
        }
    }

    fn list(&mut self, list: DownList) {
        let member = |subject| subject != crate::world::machine(3);
        match self.signer().sign_list(&list, member) {
            Ok(_) => {
                let mut receipts = self.receipts.iter();
                let against = receipts.find(|receipt| contradicts(receipt, &list));
                assert_eq!(against, None, "{list:?}");
                self.lists.push(list);
            }
            Err(refused) => assert!(refused.is_refusal(), "{refused}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: u32::try_from(crate::trials("QUORATE_SIGNER_HISTORIES", 48, 5_000)).unwrap(),
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_history_makes_an_operator_contradict_itself(steps in prop::collection::vec(step(), 1..80)) {
        let mut operator = Operator::new();
        for step in &steps {
            operator.step(step);
        }
    }
}
