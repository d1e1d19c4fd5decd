//! The layout of a database and how older layouts become it.

use crate::Table;

/// One step from a schema version to the next. Steps are applied in order, each database
/// remembers how many it has had (`user_version`), and a step that was released never changes.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Migration {
    /// Adds an empty table of records.
    AddTable(Table),
}

impl Migration {
    pub(crate) fn sql(self) -> String {
        match self {
            Self::AddTable(table) => format!(
                "CREATE TABLE {} (key BLOB NOT NULL PRIMARY KEY, record BLOB NOT NULL) \
                 STRICT, WITHOUT ROWID",
                table.name()
            ),
        }
    }
}

/// What a database is and what is in it.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// Marks the file's header, so that one program's database is never taken for another's.
    /// Not zero, which is what any other SQLite file has.
    pub application_id: i32,
    /// All steps from the empty database to the newest version.
    pub migrations: &'static [Migration],
}

impl Schema {
    /// The newest schema version: the number of migrations.
    #[must_use]
    pub fn version(&self) -> i64 {
        i64::try_from(self.migrations.len()).unwrap_or(i64::MAX)
    }
}
