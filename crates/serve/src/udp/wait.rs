//! Waiting for several sockets at once, and for the end.

#![allow(unsafe_code)]

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

/// The descriptors that a worker with several sockets waits for: its sockets in their order, then the stop pipe.
pub(super) struct Waiter {
    descriptors: Vec<libc::pollfd>,
}

impl Waiter {
    /// A waiter for these; they must stay open while it is used.
    pub(super) fn new(sockets: &[UdpSocket], stop: &io::PipeReader) -> Self {
        let numbers = sockets.iter().map(AsRawFd::as_raw_fd).chain([stop.as_raw_fd()]);
        Self { descriptors: numbers.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 }).collect() }
    }

    /// Waits until one of them has something to read.
    pub(super) fn wait(&mut self) -> io::Result<()> {
        // SAFETY: pointer and length are those of one live vector of `pollfd`, which the kernel writes `revents` into.
        // A number that is no longer open gives POLLNVAL, not undefined behaviour.
        let ready = unsafe { libc::poll(self.descriptors.as_mut_ptr(), self.descriptors.len() as libc::nfds_t, -1) };
        if ready >= 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Whether the socket at `index` had something at the last wait; errors count, a receive fetches them.
    pub(super) fn is_ready(&self, index: usize) -> bool {
        self.descriptors[index].revents != 0
    }
}
