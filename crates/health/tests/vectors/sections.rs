//! Policy sections, valid ones and ones that break a rule each.

use quorate_canon::Amount;
use quorate_health::HealthPolicy;
use serde_json::Value;

use super::{Table, bytes, number, truth};

pub(super) fn policies() -> Value {
    let mut table = Table::default();
    let widest = HealthPolicy {
        windows: 256,
        seats: 1_024,
        fails: 16,
        certify_seconds: 2_592_000,
        appeal_seconds: 2_592_000,
        ..HealthPolicy::recommended()
    };
    let narrowest = HealthPolicy {
        windows: 1,
        certify_seconds: 1,
        appeal_seconds: 1,
        uptime_memory: 1,
        reputation_memory: Amount::new(1),
        ..HealthPolicy::devnet()
    };
    for policy in [
        HealthPolicy::recommended(),
        HealthPolicy::devnet(),
        widest,
        narrowest,
    ] {
        row(&mut table, &policy.section());
    }
    for section in broken() {
        row(&mut table, &section);
    }
    table.into()
}

/// The number at `offset`, of `width` bytes, is one too small or too large; or a bit stands where none
/// may.
fn broken() -> Vec<[u8; 256]> {
    let numbers: [(usize, usize, u64); 21] = [
        (0, 2, 0),
        (0, 2, 257),
        (2, 2, 30),
        (2, 2, 1_025),
        (4, 2, 999),
        (6, 1, 1),
        (6, 1, 17),
        (7, 1, 4),
        (8, 2, 0),
        (12, 4, 0),
        (12, 4, 2_592_001),
        (28, 4, 1 << 13),
        (138, 2, 10_001),
        (142, 2, 10_001),
        (158, 4, 0),
        (158, 4, 2_592_001),
        (162, 2, 10_001),
        (174, 2, 0),
        (176, 8, 0),
        (184, 1, 1),
        (255, 1, 1),
    ];
    let recommended = HealthPolicy::recommended().section();
    let with = |(offset, width, value): (usize, usize, u64)| {
        let mut section = recommended;
        section[offset..offset + width].copy_from_slice(&value.to_be_bytes()[8 - width..]);
        section
    };
    let mut broken: Vec<_> = numbers.into_iter().map(with).collect();
    // XID 79 is the hardware's already.
    for mask in [64, 96] {
        let mut section = recommended;
        section[mask + 31 - 79 / 8] |= 1 << (79 % 8);
        broken.push(section);
    }
    broken
}

fn row(table: &mut Table, section: &[u8; 256]) {
    let read = HealthPolicy::from_section(section);
    let valid = read.is_ok();
    // Beside a broken section stand the numbers of the whole one.
    let policy = read.unwrap_or_else(|_| HealthPolicy::recommended());
    table.row(&[
        ("section", bytes(section)),
        ("valid", truth(valid)),
        ("windows", number(policy.windows)),
        ("seats", number(policy.seats)),
        ("slashWindows", number(policy.slash_windows)),
        ("appealSeconds", number(policy.appeal_seconds)),
        ("maintenanceNotice", number(policy.maintenance_notice)),
        ("maintenanceCap", number(policy.maintenance_cap)),
        ("certifySeconds", number(policy.certify_seconds)),
        ("slashBps", number(policy.slash_bps.get())),
        ("bounty", number(policy.bounty)),
        ("jailEpochs", number(policy.jail_epochs)),
        ("uptimeMemory", number(policy.uptime_memory)),
        ("reputationMemory", number(policy.reputation_memory)),
    ]);
}
