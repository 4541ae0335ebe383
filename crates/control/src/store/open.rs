//! Opening the file: making it, finding damage early, migrating, and the pragmas of SQLite.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use waymark_wire::Name;
use waymark_zone::published::Incarnation;

use super::{STATEMENTS_KEPT, migrations};
use crate::error::OpenError;
use crate::journal::Head;
use crate::{Durability, Options};

/// The file's name in the data directory.
pub(super) const FILE: &str = "waymark.sqlite";
/// How every SQLite file begins (sqlite.org/fileformat2, section 1.3).
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Marks our files (sqlite.org/pragma, application_id): "WMRK".
const APPLICATION_ID: i32 = 0x574d_524b;
/// A file of up to this many octets is checked as a whole when it is opened; that takes well under a second.
const CHECKED_WHOLE_OCTETS_MAX: u64 = 16 << 20;
/// The tables without which nothing works, checked whatever the size of the file.
const CHECKED_TABLES: [&str; 4] = ["schema_version", "journal", "tenants", "nameservers"];

/// How long a statement waits for a lock that another program holds, such as a backup.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// An open file.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) file: PathBuf,
    pub(super) head: Head,
}

/// Opens the store in `directory`, which is made if it is missing.
pub(super) fn open(directory: &Path, options: &Options) -> Result<Opened, OpenError> {
    let unwritable =
        |error: std::io::Error| OpenError::Unwritable { directory: directory.to_owned(), why: error.to_string() };
    std::fs::create_dir_all(directory).map_err(unwritable)?;
    let file = directory.join(FILE);
    check_magic(&file)?;
    // SQLite says "unable to open database file" for many things; the system says which.
    File::options().create(true).append(true).open(&file).map_err(unwritable)?;
    let classify = |error| classify(&file, error);
    let connection = Connection::open_with_flags(
        &file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE,
    )
    .map_err(classify)?;
    configure_writer(&connection, options.durability).map_err(classify)?;
    let found = migrations::version(&connection).map_err(classify)?;
    if found > migrations::NEWEST {
        return Err(OpenError::Newer { file, found, known: migrations::NEWEST });
    }
    check_owner(&connection, &file, found).map_err(classify)??;
    if found > 0 {
        check(&connection, &file).map_err(classify)??;
    }
    let head = prepare(&connection, found, options).map_err(classify)?;
    check_brand(&connection, options).map_err(classify)??;
    Ok(Opened { connection, head, file })
}

/// A connection that reads.
pub(super) fn reader(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE,
    )?;
    configure(&connection)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Without it SQLite looks at the values bound to a statement, and prepares it anew whenever they change: that was
    // a third of the time of a write.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn configure_writer(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    configure(connection)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(
        None,
        "synchronous",
        match durability {
            Durability::Full => "FULL",
            Durability::Off => "OFF",
        },
    )?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Savepoints keep what they may have to take back in memory, not in a temporary file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // 64 MiB of pages for the writer; a WAL that grew in a burst is cut back to 64 MiB.
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update_and_check(None, "journal_size_limit", 64 << 20, |_| Ok(()))
}

fn check_magic(file: &Path) -> Result<(), OpenError> {
    let mut start = Vec::new();
    match File::open(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(OpenError::Failed { file: file.to_owned(), why: error.to_string() }),
        Ok(opened) => opened
            .take(MAGIC.len() as u64)
            .read_to_end(&mut start)
            .map_err(|error| OpenError::Failed { file: file.to_owned(), why: error.to_string() })?,
    };
    match start.is_empty() || start == MAGIC {
        true => Ok(()),
        false => Err(OpenError::Damaged { file: file.to_owned(), why: "it is no SQLite database".to_owned() }),
    }
}

/// Refuses a database of another program: ours are marked, and a new one is empty.
fn check_owner(connection: &Connection, file: &Path, found: i64) -> rusqlite::Result<Result<(), OpenError>> {
    let marked: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (found, marked, tables) {
        (0, 0, 0) => Ok(Ok(())),
        (1.., APPLICATION_ID, _) => Ok(Ok(())),
        _ => Ok(Err(OpenError::Damaged {
            file: file.to_owned(),
            why: "it is a database, but not one of Waymark's".to_owned(),
        })),
    }
}

/// Looks for damage: the whole of a small file, else the tables that everything needs, and that the journal's head
/// fits its entries.
fn check(connection: &Connection, file: &Path) -> rusqlite::Result<Result<(), OpenError>> {
    let damaged = |why: String| Ok(Err(OpenError::Damaged { file: file.to_owned(), why }));
    let small = std::fs::metadata(file).is_ok_and(|metadata| metadata.len() <= CHECKED_WHOLE_OCTETS_MAX);
    let checks: Vec<String> = match small {
        true => vec!["PRAGMA quick_check(1)".to_owned()],
        false => CHECKED_TABLES.iter().map(|table| format!("PRAGMA quick_check({table})")).collect(),
    };
    for check in checks {
        let found: String = connection.query_row(&check, [], |row| row.get(0))?;
        if found != "ok" {
            return damaged(found.replace('\n', ": "));
        }
    }
    let (position, last): (i64, i64) = connection.query_row(
        "SELECT position, COALESCE((SELECT MAX(position) FROM entries), position) FROM journal WHERE id = 1",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    match position == last {
        true => Ok(Ok(())),
        false => damaged(format!("the journal is at position {position}, and its last entry at {last}")),
    }
}

/// Migrates, and makes the journal's head if there is none yet; all of it or nothing.
fn prepare(connection: &Connection, found: i64, options: &Options) -> rusqlite::Result<Head> {
    if found < migrations::NEWEST {
        let mut incarnation = [0; 16];
        options.random.fill(&mut incarnation);
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let migrated = migrations::apply(connection, found).and_then(|()| match found {
            0 => connection.pragma_update(None, "application_id", APPLICATION_ID).and_then(|()| {
                connection.execute(
                "INSERT INTO journal (id, incarnation, position, published_from, intent_from) VALUES (1, ?1, 0, 1, 1)",
                [incarnation],
            )
            }),
            _ => Ok(0),
        });
        match migrated.and_then(|_| connection.execute_batch("COMMIT")) {
            Ok(()) => {}
            Err(error) => {
                // What made it fail may have ended the transaction already.
                if !connection.is_autocommit() {
                    connection.execute_batch("ROLLBACK")?;
                }
                return Err(error);
            }
        }
    }
    connection.query_row(
        "SELECT incarnation, position, published_from, intent_from FROM journal WHERE id = 1",
        [],
        |row| {
            Ok(Head {
                incarnation: Incarnation(row.get(0)?),
                position: row.get(1)?,
                published_from: row.get(2)?,
                intent_from: row.get(3)?,
            })
        },
    )
}

/// The names of nameservers are in the store; another brand would leave them behind.
fn check_brand(connection: &Connection, options: &Options) -> rusqlite::Result<Result<(), OpenError>> {
    let mut statement = connection.prepare("SELECT brand FROM tenants ORDER BY id LIMIT 1")?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(Ok(())) };
    let stored: Vec<u8> = row.get(0)?;
    if stored == options.brand.domain.sort_key() {
        return Ok(Ok(()));
    }
    let stored = Name::from_sort_key(&stored).map_or_else(|_| "?".to_owned(), |name| name.to_string());
    Ok(Err(OpenError::Brand { stored, configured: options.brand.domain.to_string() }))
}

fn classify(file: &Path, error: rusqlite::Error) -> OpenError {
    let file = file.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            OpenError::Damaged { file, why: error.to_string() }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { file },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            OpenError::Unwritable { directory: file.parent().unwrap_or(&file).to_owned(), why: error.to_string() }
        }
        // Tables that are missing or have other columns than their schema number says.
        Some(ErrorCode::Unknown) | None => OpenError::Damaged { file, why: error.to_string() },
        Some(_) => OpenError::Failed { file, why: error.to_string() },
    }
}
