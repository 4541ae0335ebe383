//! A worker without a thread: whoever has it says when it takes its turn. For measurements, in which threads and
//! time-outs would only be noise.

use std::net::SocketAddr;

use waymark_zone::catalog::SearchName;

use super::Worker;
use super::batch::Batch;
use super::group::GROUP;

/// See the module's description.
pub struct ByHand {
    worker: Worker,
    batch: Batch,
    names: Box<[SearchName; GROUP]>,
    address: SocketAddr,
}

impl ByHand {
    pub(crate) fn new(worker: Worker, address: SocketAddr) -> Self {
        let names = Box::new([const { SearchName::empty() }; GROUP]);
        Self { worker, batch: Batch::new(), names, address }
    }

    /// Where it is asked.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers what has come, at most a batch; if nothing has, waits a moment for it. Gives how many datagrams it took.
    pub fn turn(&mut self) -> usize {
        self.worker.turn(&mut self.batch, &mut self.names)
    }
}
