//! The address that was asked: read from a datagram's control message, written into the answer's.
//!
//! A socket on the wildcard address learns from IP_PKTINFO (ip(7)) or IPV6_PKTINFO (RFC 3542 section 6) where a
//! datagram was sent to, and says by the same message where its answer comes from. The layout of control messages is
//! that of cmsg(3): header, padding, data, padding.

#![allow(unsafe_code)]

use std::mem::offset_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libc::{cmsghdr, in_pktinfo, in6_pktinfo};

/// Room for one control message of either kind (32 and 40 octets), and for one that nobody asked for.
const CONTROL_OCTETS: usize = 64;
/// Where a message's data begins.
const DATA_AT: usize = aligned(size_of::<cmsghdr>());

/// A buffer for control messages, aligned as the kernel wants it.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct Control(pub(super) [u8; CONTROL_OCTETS]);

impl Control {
    pub(super) fn empty() -> Self {
        Self([0; CONTROL_OCTETS])
    }
}

/// Where a datagram was sent to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    /// Its destination address.
    pub(crate) address: IpAddr,
    /// The number of the interface that it came in by.
    pub(crate) interface: u32,
}

/// Reads where a datagram was sent to. None if the messages do not say, or are malformed.
pub(super) fn asked(mut messages: &[u8]) -> Option<Asked> {
    while let Some((length, level, kind)) = header(messages) {
        let data = messages.get(DATA_AT..length)?;
        match (level, kind) {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => return asked_v4(data),
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => return asked_v6(data),
            _ => messages = messages.get(aligned(length)..)?,
        }
    }
    None
}

/// Writes the message that makes an answer come from the asked address; gives its length in octets.
pub(super) fn write_source(asked: Asked, control: &mut Control) -> usize {
    control.0.fill(0);
    match asked.address {
        IpAddr::V4(address) => {
            // The interface stays 0, so that the routing table decides the way back.
            let at = DATA_AT + offset_of!(in_pktinfo, ipi_spec_dst);
            control.0[at..at + 4].copy_from_slice(&address.octets());
            write_header(control, size_of::<in_pktinfo>(), libc::IPPROTO_IP, libc::IP_PKTINFO)
        }
        IpAddr::V6(address) => {
            let at = DATA_AT + offset_of!(in6_pktinfo, ipi6_addr);
            control.0[at..at + 16].copy_from_slice(&address.octets());
            if address.is_unicast_link_local() {
                // Such an address means nothing without its interface (RFC 4007 section 6).
                let at = DATA_AT + offset_of!(in6_pktinfo, ipi6_ifindex);
                control.0[at..at + 4].copy_from_slice(&asked.interface.to_ne_bytes());
            }
            write_header(control, size_of::<in6_pktinfo>(), libc::IPPROTO_IPV6, libc::IPV6_PKTINFO)
        }
    }
}

/// The alignment of control messages: that of `size_t`.
const fn aligned(length: usize) -> usize {
    (length + size_of::<usize>() - 1) & !(size_of::<usize>() - 1)
}

/// Length (header included), level and type of the first message; none if there is no whole header, or a length that
/// cannot be.
fn header(messages: &[u8]) -> Option<(usize, i32, i32)> {
    let bytes = messages.get(..size_of::<cmsghdr>())?;
    // SAFETY: `bytes` holds as many octets as a `cmsghdr`, whose fields are integers: any octets are a value. The read
    // needs no alignment.
    let header = unsafe { bytes.as_ptr().cast::<cmsghdr>().read_unaligned() };
    #[allow(clippy::unnecessary_cast, reason = "the field is u32 with other C libraries")]
    let length = header.cmsg_len as usize;
    (DATA_AT..=messages.len()).contains(&length).then_some((length, header.cmsg_level, header.cmsg_type))
}

fn write_header(control: &mut Control, data_octets: usize, level: i32, kind: i32) -> usize {
    // SAFETY: a `cmsghdr` holds integers only, for which all octets zero is a value.
    let mut header: cmsghdr = unsafe { std::mem::zeroed() };
    header.cmsg_len = (DATA_AT + data_octets) as _;
    header.cmsg_level = level;
    header.cmsg_type = kind;
    const { assert!(CONTROL_OCTETS >= size_of::<cmsghdr>()) };
    // SAFETY: the buffer has room for a header (asserted above); the write needs no alignment.
    unsafe { control.0.as_mut_ptr().cast::<cmsghdr>().write_unaligned(header) };
    aligned(DATA_AT + data_octets)
}

fn asked_v4(data: &[u8]) -> Option<Asked> {
    let interface = array(data, offset_of!(in_pktinfo, ipi_ifindex)).map(u32::from_ne_bytes)?;
    // The header's destination, not `ipi_spec_dst`: that is what the asker sent to.
    let address: [u8; 4] = array(data, offset_of!(in_pktinfo, ipi_addr))?;
    Some(Asked { address: Ipv4Addr::from(address).into(), interface })
}

fn asked_v6(data: &[u8]) -> Option<Asked> {
    let address: [u8; 16] = array(data, offset_of!(in6_pktinfo, ipi6_addr))?;
    let interface = array(data, offset_of!(in6_pktinfo, ipi6_ifindex)).map(u32::from_ne_bytes)?;
    Some(Asked { address: Ipv6Addr::from(address).to_canonical(), interface })
}

fn array<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
        let mut control = Control([0; CONTROL_OCTETS]);
        let length = write_header(&mut control, data.len(), level, kind);
        control.0[DATA_AT..DATA_AT + data.len()].copy_from_slice(data);
        control.0[..length].to_vec()
    }

    fn pktinfo_v4(interface: u32, local: [u8; 4], destination: [u8; 4]) -> Vec<u8> {
        message(libc::IPPROTO_IP, libc::IP_PKTINFO, &[&interface.to_ne_bytes()[..], &local, &destination].concat())
    }

    #[test]
    fn the_destination_is_read_and_not_the_local_address() {
        let bytes = pktinfo_v4(7, [127, 0, 0, 1], [127, 53, 0, 9]);
        assert_eq!(asked(&bytes), Some(Asked { address: [127, 53, 0, 9].into(), interface: 7 }));
    }

    #[test]
    fn a_message_of_another_kind_is_stepped_over() {
        let mut bytes = message(libc::SOL_SOCKET, libc::SO_TIMESTAMP, b"x");
        bytes.extend(pktinfo_v4(1, [0; 4], [192, 0, 2, 1]));
        assert_eq!(asked(&bytes).unwrap().address, IpAddr::from([192, 0, 2, 1]));
    }

    #[test]
    fn what_is_written_for_v6_reads_back() {
        let mut control = Control([0xff; CONTROL_OCTETS]);
        for (address, interface, written) in [("2001:db8::1", 3, 0), ("fe80::1", 3, 3), ("::1", 1, 0)] {
            let address: IpAddr = address.parse().unwrap();
            let length = write_source(Asked { address, interface }, &mut control);
            assert_eq!(asked(&control.0[..length]), Some(Asked { address, interface: written }));
        }
    }

    #[test]
    fn a_mapped_address_is_an_ipv4_address() {
        let mut control = Control([0; CONTROL_OCTETS]);
        let mapped = IpAddr::V6("::ffff:192.0.2.7".parse().unwrap());
        let length = write_source(Asked { address: mapped, interface: 0 }, &mut control);
        assert_eq!(asked(&control.0[..length]).unwrap().address, IpAddr::from([192, 0, 2, 7]));
    }

    #[test]
    fn the_sizes_are_those_of_the_system() {
        // SAFETY: pure arithmetic.
        let spaces = unsafe {
            [libc::CMSG_SPACE(size_of::<in_pktinfo>() as u32), libc::CMSG_SPACE(size_of::<in6_pktinfo>() as u32)]
        };
        let mut control = Control([0; CONTROL_OCTETS]);
        for (address, space) in ["127.0.0.1", "::1"].iter().zip(spaces) {
            let asked = Asked { address: address.parse().unwrap(), interface: 0 };
            assert_eq!(write_source(asked, &mut control), space as usize);
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_refused() {
        let good = pktinfo_v4(1, [0; 4], [192, 0, 2, 1]);
        for length in [0, 1, DATA_AT - 1, good.len() + 1, usize::MAX] {
            let mut bad = good.clone();
            bad[..size_of::<usize>()].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(asked(&bad), None, "length {length}");
        }
        let short = message(libc::IPPROTO_IP, libc::IP_PKTINFO, &[0; 11]);
        assert_eq!(asked(&short), None);
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..=CONTROL_OCTETS), length in 0u8..80) {
            let mut bytes = bytes;
            asked(&bytes);
            // A length that could be right reaches further into the reader than random octets do.
            if let Some(first) = bytes.first_chunk_mut::<{ size_of::<usize>() }>() {
                *first = usize::from(length).to_ne_bytes();
            }
            asked(&bytes);
        }
    }
}
