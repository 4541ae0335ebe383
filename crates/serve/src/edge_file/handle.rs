//! The open database, its state, and who may write.
//!
//! After a failed write the database refuses everything until it is opened again (its memory may not be what is on
//! disk). So a handle lets go of it then, and opens it again at the next use: a disk that was full and has room again
//! needs nobody to restart anything.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{Builder, Database, DatabaseError, Durability, ReadableDatabase, TableError, WriteTransaction};
use waymark_zone::published::{Incarnation, Position};

use super::EdgeFileError;
use super::error::guarded;
use super::overlay::Overlay;
use super::tables::{FORMAT, META, META_FORMAT, META_STATE, NAMES, SCOPES, ZONES, damaged, decode_state, encode_state};

/// Memory for the database's cache, in octets. The catalog is what answers; the file is read from end to end, or a few
/// names at a time.
const CACHE_OCTETS: usize = 32 << 20;
/// The same for who reads the file once from end to end: the way down to the page at hand, many times over.
const CACHE_OCTETS_ONCE: usize = 1 << 20;

/// Opens the database; called again after a failure.
pub(super) type Opener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// An opener of the file at `path`.
pub(super) fn file(path: &Path) -> Opener {
    let path = path.to_owned();
    Box::new(move || builder(CACHE_OCTETS).create(&path))
}

/// An opener of the file at `path`, which must be there, for who reads it once and leaves it as it is.
pub(super) fn file_once(path: &Path) -> Opener {
    let path = path.to_owned();
    Box::new(move || builder(CACHE_OCTETS_ONCE).create_with_backend(Overlay::open(&path)?))
}

fn builder(cache_octets: usize) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(cache_octets);
    builder
}

pub(super) struct Handle {
    opener: Opener,
    /// None after a failure, until the next use.
    database: Mutex<Option<Arc<Database>>>,
    state: Mutex<Option<(Incarnation, Position)>>,
    /// Held by who appends or fills.
    writer: Mutex<()>,
}

impl Handle {
    pub(super) fn open(opener: Opener) -> Result<Self, EdgeFileError> {
        let (database, state) = open(&opener)?;
        Ok(Self {
            opener,
            database: Mutex::new(Some(Arc::new(database))),
            state: Mutex::new(state),
            writer: Mutex::new(()),
        })
    }

    pub(super) fn state(&self) -> Option<(Incarnation, Position)> {
        *lock(&self.state)
    }

    pub(super) fn set_state(&self, state: Option<(Incarnation, Position)>) {
        *lock(&self.state) = state;
    }

    /// The right to write, which one at a time has.
    pub(super) fn writer(&self) -> MutexGuard<'_, ()> {
        lock(&self.writer)
    }

    /// The open database; opened again if the last use has failed.
    pub(super) fn database(&self) -> Result<Arc<Database>, EdgeFileError> {
        let mut database = lock(&self.database);
        if let Some(database) = &*database {
            return Ok(database.clone());
        }
        let (opened, state) = open(&self.opener)?;
        let opened = Arc::new(opened);
        *database = Some(opened.clone());
        self.set_state(state);
        Ok(opened)
    }

    /// Runs `work` in one transaction: all of it is on disk when this returns, or nothing.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, EdgeFileError>,
    ) -> Result<T, EdgeFileError> {
        let outcome = guarded(|| {
            let database = self.database()?;
            let transaction = begin(&database)?;
            match work(&transaction) {
                Ok(value) => {
                    transaction.commit()?;
                    Ok(value)
                }
                Err(error) => {
                    transaction.abort()?;
                    Err(error)
                }
            }
        });
        if matches!(outcome, Err(EdgeFileError::Io(_) | EdgeFileError::Damaged(_))) {
            *lock(&self.database) = None;
        }
        outcome
    }
}

/// Begins a durable write. With quick repair the file is usable at once after a crash: without it, opening would read
/// every page first.
fn begin(database: &Database) -> Result<WriteTransaction, EdgeFileError> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate).map_err(|error| EdgeFileError::Damaged(error.to_string()))?;
    transaction.set_quick_repair(true);
    Ok(transaction)
}

type State = Option<(Incarnation, Position)>;

fn open(opener: &Opener) -> Result<(Database, State), EdgeFileError> {
    guarded(|| {
        let database = opener()?;
        let state = match read_meta(&database)? {
            Some(state) => state,
            None => {
                make_tables(&database)?;
                None
            }
        };
        Ok((database, state))
    })
}

/// The state in the file; none if the file has just been made.
fn read_meta(database: &Database) -> Result<Option<State>, EdgeFileError> {
    let meta = match database.begin_read()?.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let format = meta.get(META_FORMAT)?.ok_or_else(|| damaged("the format"))?;
    let format: [u8; 4] = format.value().try_into().map_err(|_| damaged("the format"))?;
    match u32::from_be_bytes(format) {
        FORMAT => {}
        newer if newer > FORMAT => return Err(EdgeFileError::NewerFormat(newer)),
        _ => return Err(damaged("the format")),
    }
    let state = meta.get(META_STATE)?;
    Ok(Some(state.map(|state| decode_state(state.value())).transpose()?))
}

fn make_tables(database: &Database) -> Result<(), EdgeFileError> {
    let transaction = begin(database)?;
    transaction.open_table(META)?.insert(META_FORMAT, &FORMAT.to_be_bytes()[..])?;
    transaction.open_table(ZONES)?;
    transaction.open_table(NAMES)?;
    transaction.open_table(SCOPES)?;
    Ok(transaction.commit()?)
}

/// Writes the state, or takes it away.
pub(super) fn write_state(transaction: &WriteTransaction, state: State) -> Result<(), EdgeFileError> {
    let mut meta = transaction.open_table(META)?;
    match state {
        Some((incarnation, position)) => {
            meta.insert(META_STATE, &encode_state(incarnation, position)[..])?;
        }
        None => {
            meta.remove(META_STATE)?;
        }
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded is replaced whole, so that a panic elsewhere leaves nothing half-done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
