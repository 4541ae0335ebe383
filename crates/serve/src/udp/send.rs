//! One datagram, sent outside of a batch: the answer to a question that was parked.

#![allow(unsafe_code)]

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::{iovec, msghdr};
use socket2::SockAddr;

use super::control_message::{Asked, Control, write_source};

/// Sends `message` to `client` from the address that was asked. Never waits.
pub(crate) fn send(socket: BorrowedFd<'_>, client: SocketAddr, asked: Asked, message: &[u8]) -> io::Result<()> {
    let client = SockAddr::from(client);
    let mut control = Control::empty();
    let control_length = write_source(asked, &mut control);
    let mut vector = iovec { iov_base: message.as_ptr().cast_mut().cast(), iov_len: message.len() };
    // SAFETY: a `msghdr` holds integers and pointers only, for which all octets zero is a value.
    let mut header: msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = client.as_ptr().cast_mut().cast();
    header.msg_namelen = client.len();
    header.msg_iov = &raw mut vector;
    header.msg_iovlen = 1;
    header.msg_control = (&raw mut control).cast();
    header.msg_controllen = control_length as _;
    // SAFETY: every pointer in the header is to a local that outlives the call, with its length; the kernel reads them
    // only.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, libc::MSG_DONTWAIT) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
