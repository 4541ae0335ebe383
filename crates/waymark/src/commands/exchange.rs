//! The command's part in exchanges: with the running server, or with a server's half that the command runs itself.

use std::os::unix::net::UnixStream;
use std::sync::{Arc, OnceLock};

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use waymark_control::Control;
use waymark_serve::edge_file::{EdgeFile, EdgeFileError, Snapshot};
use waymark_zone::Catalog;

use super::operate::{Reached, reach, status};
use super::{Failure, runtime};
use crate::config::Config;
use crate::control_socket::conversation::{self, Hearing, Saying};
use crate::control_socket::{self, RequestError, Target};
use crate::directory::{self, Directory};
use crate::operator::exchange::Desk;
use crate::operator::{Exchange, Status};

/// An exchange that has begun.
pub(super) struct Begun {
    pub(super) saying: Saying,
    pub(super) hearing: Hearing,
    /// Ends with the exchange; to be kept until then.
    pub(super) alone: Option<Alone>,
}

/// Begins an exchange: with the running server, and without one with the data directory.
pub(super) fn begin(config: &Config, exchange: &Exchange) -> Result<Begun, Failure> {
    let socket = directory::control_socket(&config.data.dir);
    let reached = reach(config, || match control_socket::connect(&socket) {
        Err(RequestError::NobodyThere) => Ok(None),
        connected => connected.map(Some).map_err(|error| error.to_string()),
    })?;
    let (stream, alone) = match reached {
        Reached::Running(stream) => (stream, None),
        Reached::Alone(directory, control) => {
            let (stream, alone) = Alone::start(config, directory, control)?;
            (stream, Some(alone))
        }
    };
    let (saying, hearing) = conversation::begin(stream, exchange).map_err(|error| error.to_string())?;
    Ok(Begun { saying, hearing, alone })
}

/// The server's half in this process, over the store that nobody else has open.
pub(super) struct Alone {
    runtime: Runtime,
    store: Arc<Store>,
    conversation: JoinHandle<()>,
}

struct Store {
    control: Control,
    directory: Directory,
    /// Opened when it is asked for: a snapshot lives as long as its file is open.
    edge_file: OnceLock<EdgeFile>,
}

impl Alone {
    fn start(config: &Config, directory: Directory, control: Control) -> Result<(UnixStream, Self), Failure> {
        let runtime = runtime()?;
        let store = Arc::new(Store { control, directory, edge_file: OnceLock::new() });
        let refused = |why: std::io::Error| format!("the system does not give what is needed: {why}");
        let (near, far) = UnixStream::pair().map_err(refused)?;
        far.set_nonblocking(true).map_err(refused)?;
        let desk = Desk::new(config.limits.import_file_octets.0);
        let conversation = {
            let _entered = runtime.enter();
            let (far, store) = (tokio::net::UnixStream::from_std(far).map_err(refused)?, Arc::clone(&store));
            // How it ends is what the near end sees.
            runtime.spawn(async move { drop(control_socket::converse(far, &*store, &desk).await) })
        };
        Ok((near, Self { runtime, store, conversation }))
    }

    /// Ends it, after what is being written. The near end must be closed.
    pub(super) fn end(self) {
        self.runtime.block_on(async {
            let _ = self.conversation.await;
            self.store.control.close().await;
        });
    }
}

impl Target for Store {
    fn control(&self) -> Result<&Control, String> {
        Ok(&self.control)
    }

    fn catalog(&self) -> Option<&Catalog> {
        None
    }

    fn status(&self) -> Status {
        status(&self.control)
    }

    async fn edge_file(&self) -> Result<Option<Snapshot>, EdgeFileError> {
        let path = self.directory.edge_file();
        // Looking at it must not make it.
        if self.edge_file.get().is_none() && path.exists() {
            let _ = self.edge_file.set(EdgeFile::open(&path)?);
        }
        self.edge_file.get().map_or(Ok(None), EdgeFile::read)
    }
}
