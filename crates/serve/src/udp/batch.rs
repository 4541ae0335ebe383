//! Up to 64 datagrams at once: received by one system call, answered in place, sent by another (recvmmsg(2),
//! sendmmsg(2)).
//!
//! All buffers and all headers that the kernel reads are one allocation, made once per worker. A datagram keeps its
//! number from receipt to answer: request buffer, source address and answer buffer are found by it. Headers of
//! outgoing messages are filled densely, as answers are made.

#![allow(unsafe_code)]

use std::io;
use std::marker::PhantomData;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{NonNull, null_mut};

use libc::{c_int, c_uint, iovec, mmsghdr, sockaddr_in, sockaddr_in6, sockaddr_storage, socklen_t};

use super::control_message::{Asked, Control, asked, write_source};
use super::{Done, RESPONSE_OCTETS_MAX};
use crate::REQUEST_OCTETS_MAX;

/// Datagrams per system call. More brings no gain that shows, and keeps the first one waiting.
pub(super) const BATCH: usize = 64;
/// Put between buffers: at a distance of 4096 octets their first lines would all compete for one set of the cache.
const STAGGER_OCTETS: usize = 64;

/// A datagram that can be answered.
#[derive(Clone, Copy)]
pub(super) struct Datagram<'b> {
    pub(super) octets: &'b [u8],
    pub(super) client: SocketAddr,
    pub(super) asked: Asked,
    source_length: socklen_t,
}

/// What the kernel reads and writes; all of it integers and pointers, so that all octets zero is a value.
struct Storage {
    requests: [[u8; REQUEST_OCTETS_MAX + STAGGER_OCTETS]; BATCH],
    responses: [[u8; RESPONSE_OCTETS_MAX + STAGGER_OCTETS]; BATCH],
    sources: [sockaddr_storage; BATCH],
    controls: [Control; BATCH],
    answer_controls: [Control; BATCH],
    request_vectors: [iovec; BATCH],
    response_vectors: [iovec; BATCH],
    incoming: [mmsghdr; BATCH],
    outgoing: [mmsghdr; BATCH],
}

/// Buffers and headers for one batch.
pub(super) struct Batch {
    /// From `Box::into_raw`, and given back when the batch is dropped. Reached through raw pointers alone, because the
    /// headers inside hold pointers to the buffers inside.
    storage: NonNull<Storage>,
    /// Datagrams of the last receive; their headers have to be made ready again before the next.
    received: usize,
    /// Answers that wait to be sent.
    ready: usize,
}

// SAFETY: the allocation is the batch's own, and nothing in it is bound to a thread.
unsafe impl Send for Batch {}

impl Batch {
    /// An empty batch: the worker's only allocation.
    pub(super) fn new() -> Self {
        // SAFETY: `Storage` holds integers and pointers only, for which all octets zero is a value.
        let storage = Box::leak(unsafe { Box::<Storage>::new_zeroed().assume_init() });
        let mut batch = Self { storage: NonNull::from(storage), received: BATCH, ready: 0 };
        for number in 0..BATCH {
            batch.point_headers(number);
        }
        batch.reset_incoming();
        batch
    }

    /// Receives up to [`BATCH`] datagrams and gives their count: waits for the first (as long as the socket's read
    /// time-out), and takes what else is there. Forgets those of the last receive.
    pub(super) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        self.reset_incoming();
        self.ready = 0;
        // SAFETY: `incoming` holds BATCH headers whose pointers were set by `point_headers` to buffers inside the same
        // allocation, with lengths within them; nothing in Rust holds a reference into it during the call.
        let received = unsafe {
            let incoming = (&raw mut (*self.storage.as_ptr()).incoming).cast::<mmsghdr>();
            libc::recvmmsg(socket.as_raw_fd(), incoming, BATCH as c_uint, libc::MSG_WAITFORONE as _, null_mut())
        };
        self.received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?.min(BATCH);
        Ok(self.received)
    }

    /// What was received, and where its answers go: two halves, so that requests can be looked at together before the
    /// first of them is answered.
    pub(super) fn halves(&mut self) -> (Incoming<'_>, Outgoing<'_>) {
        let incoming = Incoming { storage: self.storage, received: self.received, lasts: PhantomData };
        (incoming, Outgoing { storage: self.storage, ready: &mut self.ready })
    }

    /// Sends the answers and gives how many of them the kernel did not take. Never waits: a worker that waits for one
    /// slow path keeps all others waiting.
    pub(super) fn send(&mut self, socket: BorrowedFd<'_>) -> usize {
        let (mut at, mut unsent) = (0, 0);
        while at < self.ready {
            // SAFETY: the headers from `at` to `ready` were filled by `queue` with pointers into the same allocation.
            let sent = unsafe {
                let outgoing = (&raw mut (*self.storage.as_ptr()).outgoing).cast::<mmsghdr>().add(at);
                libc::sendmmsg(socket.as_raw_fd(), outgoing, (self.ready - at) as c_uint, libc::MSG_DONTWAIT as _)
            };
            match usize::try_from(sent) {
                Ok(sent) if sent > 0 => at += sent,
                _ if sent < 0 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                // The first one failed (no route, not permitted, buffer full): step over it.
                _ => {
                    at += 1;
                    unsent += 1;
                }
            }
        }
        self.ready = 0;
        unsent
    }

    /// Sets what never changes: where the buffers of this number are.
    fn point_headers(&mut self, number: usize) {
        let storage = self.storage.as_ptr();
        // SAFETY: indexing is checked; every pointer that is stored points into the allocation, which neither moves
        // nor goes before `self` does.
        unsafe {
            let vector = &raw mut (*storage).request_vectors[number];
            (*vector).iov_base = (&raw mut (*storage).requests[number]).cast();
            (*vector).iov_len = REQUEST_OCTETS_MAX;
            (*storage).response_vectors[number].iov_base = (&raw mut (*storage).responses[number]).cast();
            let header = &raw mut (*storage).incoming[number].msg_hdr;
            (*header).msg_name = (&raw mut (*storage).sources[number]).cast();
            (*header).msg_iov = vector;
            (*header).msg_iovlen = 1;
            (*header).msg_control = (&raw mut (*storage).controls[number]).cast();
        }
    }

    /// Gives the headers of the last receive their full lengths back, which the kernel has overwritten.
    fn reset_incoming(&mut self) {
        let storage = self.storage.as_ptr();
        for number in 0..self.received {
            // SAFETY: indexing is checked, and nothing else refers to the allocation while `self` is borrowed uniquely.
            unsafe {
                let header = &raw mut (*storage).incoming[number].msg_hdr;
                (*header).msg_namelen = size_of::<sockaddr_storage>() as socklen_t;
                (*header).msg_controllen = size_of::<Control>() as _;
                (*header).msg_flags = 0;
            }
        }
        self.received = 0;
    }
}

/// The datagrams of a batch.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'b> {
    storage: NonNull<Storage>,
    received: usize,
    lasts: PhantomData<&'b Storage>,
}

impl<'b> Incoming<'b> {
    /// The length of a datagram in octets; what is beyond the request buffer does not count.
    pub(super) fn octets(self, number: usize) -> usize {
        assert!(number < self.received);
        // SAFETY: in bounds by the assertion; the header was written by the kernel and is not written to now.
        let length = unsafe { (*self.storage.as_ptr()).incoming[number].msg_len };
        (length as usize).min(REQUEST_OCTETS_MAX)
    }

    /// The datagram with this number; none if it cannot be answered: it was longer than a request may be, its source
    /// is no address to answer to, or the asked address is not known.
    pub(super) fn datagram(self, number: usize) -> Option<Datagram<'b>> {
        let length = self.octets(number);
        let storage = self.storage.as_ptr();
        // SAFETY: indexing is checked. Requests, sources, control messages and headers that came in are not written to
        // while a half of the batch is borrowed; the references are to these parts alone.
        let (header, source, control, request): (_, _, _, &'b [u8; REQUEST_OCTETS_MAX + STAGGER_OCTETS]) = unsafe {
            let header = &raw const (*storage).incoming[number].msg_hdr;
            (&*header, &(*storage).sources[number], &(*storage).controls[number], &(*storage).requests[number])
        };
        if header.msg_flags & libc::MSG_TRUNC != 0 {
            return None;
        }
        let client = client(source, header.msg_namelen)?;
        #[allow(clippy::unnecessary_cast, reason = "the field is u32 with other C libraries")]
        let asked = asked(control.0.get(..header.msg_controllen as usize)?)?;
        Some(Datagram { octets: &request[..length], client, asked, source_length: header.msg_namelen })
    }
}

/// The answers to a batch.
pub(super) struct Outgoing<'b> {
    storage: NonNull<Storage>,
    ready: &'b mut usize,
}

impl Outgoing<'_> {
    /// Has the datagram with this number answered, at most once: `write` gets a buffer for the answer and says how long
    /// it is, or that nothing is sent.
    pub(super) fn answer(
        &mut self,
        number: usize,
        datagram: &Datagram<'_>,
        write: impl FnOnce(&mut [u8]) -> Done,
    ) -> Done {
        let storage = self.storage.as_ptr();
        // SAFETY: indexing is checked. Answers and their control messages belong to this half, which is borrowed
        // uniquely, and the references do not outlive the call.
        let (out, control) = unsafe { (&mut (*storage).responses[number], &mut (*storage).answer_controls[number]) };
        let done = write(&mut out[..RESPONSE_OCTETS_MAX]);
        if let Done::Send(length) = done {
            let control_length = write_source(datagram.asked, control);
            self.queue(number, length.min(RESPONSE_OCTETS_MAX), datagram.source_length, control_length);
        }
        done
    }

    /// Fills the next outgoing header with the answer to the datagram with this number.
    fn queue(&mut self, number: usize, octets: usize, source_length: socklen_t, control_length: usize) {
        let storage = self.storage.as_ptr();
        // SAFETY: all indexing is checked, the pointers stay inside the allocation, and of what is written here nothing
        // in Rust holds a reference.
        unsafe {
            let vector = &raw mut (*storage).response_vectors[number];
            (*vector).iov_len = octets;
            let header = &raw mut (*storage).outgoing[*self.ready];
            (*header).msg_len = 0;
            (*header).msg_hdr.msg_name = (&raw mut (*storage).sources[number]).cast();
            (*header).msg_hdr.msg_namelen = source_length;
            (*header).msg_hdr.msg_iov = vector;
            (*header).msg_hdr.msg_iovlen = 1;
            (*header).msg_hdr.msg_control = (&raw mut (*storage).answer_controls[number]).cast();
            (*header).msg_hdr.msg_controllen = control_length as _;
            (*header).msg_hdr.msg_flags = 0;
        }
        *self.ready += 1;
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a leaked box of this type, and nothing uses it after this.
        drop(unsafe { Box::from_raw(self.storage.as_ptr()) });
    }
}

/// The source, if an answer can be sent to it: an IP address with a port. Port 0 is what only forgers use.
fn client(source: &sockaddr_storage, length: socklen_t) -> Option<SocketAddr> {
    let length = length as usize;
    let source = &raw const *source;
    // SAFETY: `sockaddr_storage` is larger than both kinds of address and aligned for them, its octets are written
    // (zero at first), and the fields read are integers, of which the kernel filled `length` octets.
    let client: SocketAddr = unsafe {
        match c_int::from((*source).ss_family) {
            libc::AF_INET if length >= size_of::<sockaddr_in>() => {
                let source = source.cast::<sockaddr_in>();
                let address = Ipv4Addr::from_bits(u32::from_be((*source).sin_addr.s_addr));
                SocketAddrV4::new(address, u16::from_be((*source).sin_port)).into()
            }
            libc::AF_INET6 if length >= size_of::<sockaddr_in6>() => {
                let source = source.cast::<sockaddr_in6>();
                let address = Ipv6Addr::from((*source).sin6_addr.s6_addr);
                SocketAddrV6::new(address, u16::from_be((*source).sin6_port), 0, (*source).sin6_scope_id).into()
            }
            _ => return None,
        }
    };
    (client.port() != 0).then_some(client)
}

#[cfg(test)]
mod tests;
