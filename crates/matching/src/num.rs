//! Narrowing that cannot lose anything.

/// The high and the low half of a 128-bit number.
pub(crate) fn halves(wide: u128) -> (u64, u64) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = wide.to_be_bytes();
    (
        u64::from_be_bytes([a, b, c, d, e, f, g, h]),
        u64::from_be_bytes([i, j, k, l, m, n, o, p]),
    )
}

/// A factor: `value`, at most 10 000.
pub(crate) fn factor(value: u64) -> u16 {
    u16::try_from(value.min(10_000)).unwrap_or(10_000)
}

/// A position in memory as the 32 bits in which the formats count; no snapshot or list holds more.
pub(crate) fn position(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Such a position as an index; on a machine with 16-bit addresses it names nothing.
pub(crate) fn index(position: u32) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
