//! The schema, release by release. A migration is SQL text, applied once, in one transaction with its number.

use rusqlite::{Connection, OptionalExtension};

/// The migrations in order; the first makes schema 1.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/0001.sql")];

/// The newest schema that this release knows.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// The schema of the file; 0 if it has none yet.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    let table: Option<i64> = connection
        .query_row("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'", [], |row| row.get(0))
        .optional()?;
    match table {
        None => Ok(0),
        Some(_) => connection.query_row("SELECT version FROM schema_version", [], |row| row.get(0)),
    }
}

/// Applies what is missing, inside the caller's transaction.
pub(super) fn apply(connection: &Connection, from: i64) -> rusqlite::Result<()> {
    for text in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        connection.execute_batch(text)?;
    }
    match from {
        0 => connection.execute("INSERT INTO schema_version (version) VALUES (?1)", [NEWEST])?,
        _ => connection.execute("UPDATE schema_version SET version = ?1", [NEWEST])?,
    };
    Ok(())
}
