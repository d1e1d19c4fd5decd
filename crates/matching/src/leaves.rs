//! Trees over records, hashed side by side.

use quorate_canon::Digest;
use quorate_canon::codec::{FixedWidth, Writer};
use quorate_canon::merkle::{Kind, Run, TooManyLeaves, Tree, leaf};

/// The tree over these records, in their order, hashed on so many threads; 0 counts as 1.
pub(crate) fn tree_on<T: FixedWidth + Sync>(
    kind: Kind,
    records: &[T],
    threads: usize,
) -> Result<Tree, TooManyLeaves> {
    let each = records.len().div_ceil(threads.max(1));
    let each = each.max(1).next_multiple_of(Run::LEAVES);
    let mut parts = records.chunks(each);
    let mine = parts.next().unwrap_or_default();
    let run = move |part| Run::new(leaves(kind, part));
    let runs = std::thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(move || run(part))).collect();
        let mut all = vec![run(mine)];
        for other in others {
            match other.join() {
                Ok(run) => all.push(run),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    Tree::join(kind, runs)
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
