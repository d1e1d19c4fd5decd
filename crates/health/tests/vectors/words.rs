//! Receipts, lists, and what contradicts what.

use quorate_canon::{FixedWidth as _, HealthEpoch, Mask256};
use quorate_health::{DownEntry, DownList, Network, Place, Receipt, Subject, Window, contradicts};
use serde_json::Value;

use super::{Dice, Table, bytes, machine, network, number, truth};

const EPOCH: HealthEpoch = HealthEpoch::new(900);

fn receipt(id: u64, window: u16) -> Receipt {
    Receipt(Place {
        network: network(),
        subject: machine(id),
        epoch: EPOCH,
        window: Window(window),
    })
}

fn entry(id: u64, windows: &[u8]) -> DownEntry {
    DownEntry {
        subject: machine(id),
        windows: Mask256::of(windows),
    }
}

fn list(entries: Vec<DownEntry>) -> DownList {
    DownList::new(network(), EPOCH, entries).expect("a list")
}

pub(super) fn receipts() -> Value {
    let mut table = Table::default();
    let late = Receipt(Place {
        epoch: HealthEpoch::new(u32::MAX),
        ..receipt(u64::MAX, u16::MAX).0
    });
    for receipt in [receipt(77, 12), receipt(0, 0), late] {
        let Subject::Machine(id) = receipt.0.subject;
        table.row(&[
            ("network", bytes(receipt.0.network.to_bytes())),
            ("offerId", number(id)),
            ("epoch", number(receipt.0.epoch)),
            ("window", number(receipt.0.window)),
            ("bytes", bytes(receipt.to_bytes())),
            ("digest", bytes(receipt.digest())),
        ]);
    }
    table.into()
}

/// The last column says whether the bytes are a list of an epoch with that many windows.
pub(super) fn lists() -> Value {
    let mut dice = Dice(4);
    let mut table = Table::default();
    let mut add = |bytes_of: &[u8], windows: u16| {
        let read = DownList::from_bytes(bytes_of);
        let valid = read
            .as_ref()
            .is_ok_and(|list| list.require_windows(windows).is_ok());
        let digest = quorate_canon::hash::sha256(&[bytes_of]);
        table.row(&[
            ("bytes", bytes(bytes_of)),
            ("windows", number(windows)),
            ("digest", bytes(digest)),
            ("valid", truth(valid)),
        ]);
    };
    let one = list(vec![entry(77, &[12])]).to_bytes();
    add(&one, 240);
    add(&one, 13);
    add(&one, 12);
    let all: Vec<u8> = (0..=u8::MAX).collect();
    add(
        &list(vec![entry(0, &all), entry(u64::MAX, &[0])]).to_bytes(),
        256,
    );
    add(&list(vec![entry(0, &[255])]).to_bytes(), 255);
    let most = (0..256).map(|id| entry(3 * id + 1, &[dice.bytes::<1>()[0], 7]));
    let most = list(most.collect()).to_bytes();
    add(&most, 256);
    let two = list(vec![entry(5, &[1]), entry(6, &[2])]).to_bytes();
    // Tag, version, count, order twice, no window, subject's code, length twice.
    let changes: [(usize, u8); 7] = [
        (0, b'Q'),
        (35, 2),
        (101, 1),
        (110, 6),
        (110, 7),
        (142, 0),
        (102, 2),
    ];
    for (at, byte) in changes {
        let mut changed = two.clone();
        changed[at] = byte;
        add(&changed, 240);
    }
    add(&two[..two.len() - 1], 240);
    add(&[&two[..], &[0]].concat(), 240);
    let mut none = two[..102].to_vec();
    none[101] = 0;
    add(&none, 240);
    let mut more = most;
    more[100..102].copy_from_slice(&257_u16.to_be_bytes());
    more.extend(entry(10_000, &[1]).to_bytes());
    add(&more, 256);
    table.into()
}

pub(super) fn contradictions() -> Value {
    let mut table = Table::default();
    let list = list(vec![
        entry(76, &[13]),
        entry(77, &[0, 12, 255]),
        entry(90, &[12]),
    ]);
    let elsewhere = |change: fn(&mut Place)| {
        let mut receipt = receipt(77, 12);
        change(&mut receipt.0);
        receipt
    };
    let other = |network: &mut Network| network.operator_set = 4;
    let mut another = receipt(77, 12);
    other(&mut another.0.network);
    let receipts = [
        receipt(77, 12),
        receipt(77, 0),
        receipt(77, 255),
        receipt(90, 12),
        receipt(77, 13),
        receipt(76, 12),
        receipt(78, 12),
        receipt(77, 256 + 12),
        elsewhere(|place| place.epoch = HealthEpoch::new(901)),
        another,
    ];
    for receipt in receipts {
        table.row(&[
            ("receipt", bytes(receipt.to_bytes())),
            ("list", bytes(list.to_bytes())),
            ("contradicts", truth(contradicts(&receipt, &list))),
        ]);
    }
    table.into()
}
