//! The leaves of a tree, hashed side by side.

use quorate_canon::Digest;
use quorate_canon::codec::{FixedWidth, Writer};
use quorate_canon::merkle::{Kind, leaf};

/// The leaves of these records, in their order, hashed on so many threads; 0 counts as 1.
pub(crate) fn leaves_on<T: FixedWidth + Sync>(
    kind: Kind,
    records: &[T],
    threads: usize,
) -> Vec<Digest> {
    let each = records.len().div_ceil(threads.max(1)).max(1);
    let mut parts = records.chunks(each);
    let Some(mine) = parts.next() else {
        return Vec::new();
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = parts
            .map(|part| scope.spawn(move || leaves(kind, part)))
            .collect();
        let mut all = leaves(kind, mine);
        for other in others {
            match other.join() {
                Ok(leaves) => all.extend(leaves),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

fn leaves<T: FixedWidth>(kind: Kind, records: &[T]) -> Vec<Digest> {
    let mut bytes = Writer::with_capacity(T::WIDTH);
    let mut leaves = Vec::with_capacity(records.len());
    for record in records {
        bytes.clear();
        bytes.value(record);
        leaves.push(leaf(kind, bytes.as_bytes()));
    }
    leaves
}
