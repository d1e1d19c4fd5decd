//! Stretches of time, in milliseconds.

/// Milliseconds. Zero lies [`LEAD`] before the epoch begins, so that clocks may be off.
pub(super) type Ms = u64;

pub(super) const SECOND: Ms = 1_000;
pub(super) const MINUTE: Ms = 60 * SECOND;
pub(super) const HOUR: Ms = 60 * MINUTE;
/// An hour: when the epoch begins.
pub(super) const LEAD: Ms = HOUR;
/// When it ends: a day later.
pub(super) const END: Ms = LEAD + 24 * HOUR;

/// From a moment to before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Ms,
    pub(super) until: Ms,
}

/// Stretches in order of time that do not touch.
#[derive(Debug, Clone, Default)]
pub(super) struct Spans(Vec<Span>);

impl Spans {
    pub(super) fn none() -> Self {
        Self::default()
    }

    pub(super) fn one(from: Ms, until: Ms) -> Self {
        let mut spans = Self::none();
        spans.push(from, until);
        spans
    }

    /// Adds a stretch that begins after all others end; nothing if it is empty.
    pub(super) fn push(&mut self, from: Ms, until: Ms) {
        assert!(
            self.0.last().is_none_or(|last| last.until < from),
            "spans in order"
        );
        if from < until {
            self.0.push(Span { from, until });
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Span> {
        self.0.iter()
    }

    /// Milliseconds of `[from, until)` that lie in a stretch.
    pub(super) fn overlap(&self, from: Ms, until: Ms) -> Ms {
        let first = self.0.partition_point(|span| span.until <= from);
        self.0[first..]
            .iter()
            .take_while(|span| span.from < until)
            .map(|span| span.until.min(until) - span.from.max(from))
            .sum()
    }

    /// Whether one stretch holds all of it.
    pub(super) fn covers(&self, from: Ms, until: Ms) -> bool {
        self.overlap(from, until) == until - from
    }

    pub(super) fn has(&self, at: Ms) -> bool {
        self.covers(at, at + 1)
    }

    /// The stretch that holds a moment.
    pub(super) fn at(&self, at: Ms) -> Option<&Span> {
        let first = self.0.partition_point(|span| span.until <= at);
        self.0.get(first).filter(|span| span.from <= at)
    }

    /// The last stretch that ended before or at a moment.
    pub(super) fn before(&self, at: Ms) -> Option<&Span> {
        let ended = self.0.partition_point(|span| span.until <= at);
        self.0[..ended].last()
    }
}
