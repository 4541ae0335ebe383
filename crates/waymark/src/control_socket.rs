//! The control socket: how commands reach the process that owns the data directory.
//!
//! A Unix socket in that directory. Each line is a request (an [`Operation`] as JSON) and is answered by one line,
//! `{"ok": ...}` or `{"error": "sentence"}`. What is too much for that, an [`Exchange`], is answered by `"go"`; both
//! sides go on in [`frames`], and the connection ends with it. Whoever may open the socket may do everything, so it is for its owner
//! alone: by its mode, and by the kernel's word on who is at the other end.

pub mod conversation;
pub mod frames;

use std::fs::Permissions;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as BlockingUnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use waymark_control::Control;
use waymark_serve::edge_file::{EdgeFileError, Snapshot};
use waymark_zone::Catalog;

use crate::operator::exchange::{self, Desk};
use crate::operator::{Exchange, Operation, Outcome, Status, carry_out};

/// The longest request, in octets. The longest honest one is a name of 100 characters.
const REQUEST_OCTETS_MAX: u64 = 16 * 1024;
/// Commands served at a time; further ones wait.
const CONNECTIONS_MAX: usize = 16;
const SUPERUSER: u32 = 0;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ok(Outcome),
    Go,
    Error(String),
}

/// What operations are carried out with.
pub trait Target: Send + Sync + 'static {
    /// The store; or, as a sentence for the operator, why there is none.
    fn control(&self) -> Result<&Control, String>;
    /// What DNS answers from.
    fn catalog(&self) -> Option<&Catalog>;
    /// How the server is.
    fn status(&self) -> Status;
    /// The edge's file as it is now; none if there is nothing in it.
    fn edge_file(&self) -> impl Future<Output = Result<Option<Snapshot>, EdgeFileError>> + Send;
}

/// A socket that is listened on, and removed when it is dropped.
pub struct ControlSocket {
    path: PathBuf,
    listener: UnixListener,
    owner: u32,
}

impl ControlSocket {
    /// Listens at `path`. Only the owner of the data directory's lock may call this: a socket that is there already is
    /// a dead process's, and goes.
    pub fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(reachable(path)?.as_path())?;
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
        let owner = std::fs::metadata(path)?.uid();
        Ok(Self { path: path.to_owned(), listener, owner })
    }

    /// Serves until `stop` becomes true.
    pub async fn serve(self, target: Arc<impl Target>, desk: Desk, mut stop: watch::Receiver<bool>) {
        let desk = Arc::new(desk);
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            // An error here is the other side's, or a lack of descriptors that ends with the connections there are.
            let Ok((stream, _)) = accepted else { continue };
            let allowed = stream.peer_cred().is_ok_and(|peer| [self.owner, SUPERUSER].contains(&peer.uid()));
            if !allowed {
                continue;
            }
            let (target, desk, mut stop) = (Arc::clone(&target), Arc::clone(&desk), stop.clone());
            tokio::spawn(async move {
                let _place = place;
                tokio::select! {
                    _ = converse(stream, &*target, &desk) => {}
                    _ = stop.wait_for(|stop| *stop) => {}
                }
            });
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Answers whoever is at the other end, until he goes or his exchange is over.
pub async fn converse(stream: UnixStream, target: &impl Target, desk: &Desk) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = tokio::io::BufReader::new(reader);
    loop {
        let mut line = String::new();
        // Places are few: whoever says nothing gives his to others.
        let mut bounded = (&mut reader).take(REQUEST_OCTETS_MAX);
        let read = tokio::time::timeout(desk.patience.request, bounded.read_line(&mut line)).await??;
        if read == 0 {
            return Ok(());
        }
        if let Ok(exchange) = serde_json::from_str::<Exchange>(&line) {
            tracing::info!(operation = exchange_name(&exchange), "command from the control socket");
            // All of them want the store. Who is told so before he has begun has nothing to take back.
            if let Err(sentence) = target.control() {
                writer.write_all(&answer_line(&Answer::Error(sentence))?).await?;
                continue;
            }
            writer.write_all(&answer_line(&Answer::Go)?).await?;
            return exchange::carry_out(target, desk, exchange, &mut reader, &mut writer).await;
        }
        let answer = match serde_json::from_str::<Operation>(&line) {
            Err(error) => Answer::Error(format!("this server does not understand the command: {error}")),
            Ok(operation) => {
                tracing::info!(operation = operation_name(&operation), "command from the control socket");
                let done = match target.control() {
                    Ok(control) => carry_out(control, target.catalog(), operation, || target.status()).await,
                    Err(_) if operation == Operation::Status => Ok(Outcome::Status(Box::new(target.status()))),
                    Err(sentence) => Err(sentence),
                };
                match done {
                    Ok(outcome) => Answer::Ok(outcome),
                    Err(sentence) => Answer::Error(sentence),
                }
            }
        };
        writer.write_all(&answer_line(&answer)?).await?;
    }
}

fn answer_line(answer: &Answer) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(answer)?;
    text.push(b'\n');
    Ok(text)
}

fn operation_name(operation: &Operation) -> &'static str {
    match operation {
        Operation::AccountList => "account list",
        Operation::AccountCreate { .. } => "account create",
        Operation::AccountShow { .. } => "account show",
        Operation::AccountRename { .. } => "account rename",
        Operation::TokenCreate(_) => "token create",
        Operation::TokenList => "token list",
        Operation::TokenRevoke { .. } => "token revoke",
        Operation::TokenRoll { .. } => "token roll",
        Operation::ZoneCreate { .. } => "zone create",
        Operation::ZoneShow { .. } => "zone show",
        Operation::ZoneDelete { .. } => "zone delete",
        Operation::ZoneStatus { .. } => "zone status",
        Operation::NameserverList => "nameserver list",
        Operation::NameserverPublishIpv6 { .. } => "nameserver publish-ipv6",
        Operation::Status => "status",
    }
}

fn exchange_name(exchange: &Exchange) -> &'static str {
    match exchange {
        Exchange::ZoneList(_) => "zone list",
        Exchange::ZoneImport(_) => "zone import",
        Exchange::ZoneExport { .. } => "zone export",
        Exchange::ZoneDump { .. } => "zone dump",
    }
}

/// Why a request through the socket has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Nobody listens: no server runs.
    #[error("no server is listening")]
    NobodyThere,
    /// The socket is another user's.
    #[error("this user may not use {}, the socket of a server of {owner}: run the command as that user, or as root with sudo", path.display())]
    NotYours {
        /// The socket.
        path: PathBuf,
        /// Whose it is.
        owner: String,
    },
    /// The conversation broke.
    #[error("the server did not answer the command: {0}")]
    Io(#[from] io::Error),
    /// The server's own words.
    #[error("{0}")]
    Refused(String),
}

/// Asks the server whose socket is at `path`. Blocks.
pub fn request(path: &Path, operation: &Operation) -> Result<Outcome, RequestError> {
    let mut reader = BufReader::new(connect(path)?);
    match ask(&mut reader, operation)? {
        Answer::Ok(outcome) => Ok(outcome),
        Answer::Go => Err(io::Error::from(io::ErrorKind::InvalidData).into()),
        Answer::Error(sentence) => Err(RequestError::Refused(sentence)),
    }
}

/// Connects to the server whose socket is at `path`. Blocks.
pub fn connect(path: &Path) -> Result<BlockingUnixStream, RequestError> {
    let nobody = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused];
    match reachable(path).and_then(|path| BlockingUnixStream::connect(path.as_path())) {
        Ok(stream) => Ok(stream),
        Err(error) if nobody.contains(&error.kind()) => Err(RequestError::NobodyThere),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(RequestError::NotYours { path: path.to_owned(), owner: owner(path) })
        }
        Err(error) => Err(error.into()),
    }
}

/// Whose a socket is, as far as this user may know; the directory is of the same user.
fn owner(path: &Path) -> String {
    let metadata = std::fs::metadata(path).or_else(|why| path.parent().map_or(Err(why), std::fs::metadata));
    metadata
        .map_or_else(|_| "another user".to_owned(), |metadata| format!("the user with the number {}", metadata.uid()))
}

/// Sends a request and reads the line that answers it.
fn ask(stream: &mut BufReader<BlockingUnixStream>, request: &impl Serialize) -> Result<Answer, RequestError> {
    let mut line = serde_json::to_vec(request).map_err(io::Error::from)?;
    line.push(b'\n');
    stream.get_mut().write_all(&line)?;
    let mut answer = String::new();
    stream.read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer).map_err(io::Error::from)?)
}

/// A path to the same socket that is short enough: an address of a Unix socket has 108 octets at most, a directory's
/// path may have more. Linux gives every open directory a short name.
struct Reachable {
    path: PathBuf,
    _directory: std::fs::File,
}

impl Reachable {
    fn as_path(&self) -> &Path {
        &self.path
    }
}

fn reachable(path: &Path) -> io::Result<Reachable> {
    use std::os::fd::AsRawFd;
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let directory = std::fs::File::open(parent)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name);
    Ok(Reachable { path, _directory: directory })
}

#[cfg(test)]
mod tests;
