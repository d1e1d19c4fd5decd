//! The name of a table.

use std::fmt;

/// The name of a table of records. The name is part of every record's checksum: renaming a
/// table is a migration of its records, not a cosmetic change.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Table(&'static str);

impl Table {
    /// Names a table.
    ///
    /// # Panics
    /// At compile time when used in a constant, if the name is not 1 to 32 characters of
    /// `a` to `z` and `_`. (Names stand in SQL text.)
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty() && bytes.len() <= 32, "1 to 32 characters");
        let mut i = 0;
        while i < bytes.len() {
            assert!(
                bytes[i].is_ascii_lowercase() || bytes[i] == b'_',
                "a to z and _ only"
            );
            i += 1;
        }
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({})", self.0)
    }
}
