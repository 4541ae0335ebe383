use super::*;
use crate::Options;

fn any(address: &str) -> SocketAddr {
    format!("{address}:0").parse().unwrap()
}

fn bound(listen: &[SocketAddr], workers: usize) -> Result<Bound, BindError> {
    bind(&Options { listen: listen.to_vec(), ..Options::default() }, workers)
}

#[test]
fn port_zero_is_one_port_for_every_address_and_transport() {
    let bound = bound(&[any("127.0.0.1"), any("127.0.0.2"), any("[::1]")], 3).unwrap();
    let port = bound.udp_addresses()[0].port();
    assert_ne!(port, 0);
    assert_eq!(bound.udp.len(), 3);
    for worker in &bound.udp {
        let ports: Vec<u16> = worker.iter().map(|socket| socket.local_addr().unwrap().port()).collect();
        assert_eq!(ports, [port; 3]);
    }
    for (listener, address) in bound.tcp.iter().zip(bound.tcp_addresses()) {
        assert_eq!(listener.local_addr().unwrap(), *address);
        assert_eq!(address.port(), port);
    }
}

#[test]
fn both_wildcard_addresses_share_a_port() {
    let bound = bound(&[any("0.0.0.0"), any("[::]")], 2).unwrap();
    assert_eq!(bound.udp_addresses()[0].port(), bound.udp_addresses()[1].port());
}

#[test]
fn an_address_that_stands_twice_counts_once() {
    let first = bound(&[any("127.0.0.1"), any("127.0.0.1")], 1).unwrap();
    assert_eq!(first.udp_addresses().len(), 1);
}

#[test]
fn a_second_server_on_the_port_is_refused() {
    let first = bound(&[any("127.0.0.1")], 2).unwrap();
    let address = first.udp_addresses()[0];
    let error = bound(&[address], 2).unwrap_err();
    assert!(matches!(error.cause, BindCause::InUse), "{error}");
    assert_eq!(
        error.to_string(),
        format!("cannot listen on TCP port {} of 127.0.0.1: another process uses it", address.port())
    );
}

#[test]
fn a_udp_port_that_only_a_sharing_socket_holds_is_refused() {
    let first = bound(&[any("127.0.0.1")], 1).unwrap();
    let address = first.udp_addresses()[0];
    let Bound { udp, tcp, .. } = first;
    drop(tcp);
    let error = bound(&[address], 1).unwrap_err();
    assert_eq!((error.transport, error.address), ("UDP", address));
    assert!(matches!(error.cause, BindCause::InUse), "{error}");
    drop(udp);
    bound(&[address], 1).unwrap();
}

#[test]
fn the_wildcard_address_is_in_use_where_one_address_is() {
    let first = bound(&[any("127.0.0.1")], 1).unwrap();
    let wildcard = SocketAddr::from(([0, 0, 0, 0], first.udp_addresses()[0].port()));
    assert!(matches!(bound(&[wildcard], 1).unwrap_err().cause, BindCause::InUse));
}

#[test]
fn each_cause_is_told_apart() {
    let nowhere: SocketAddr = "192.0.2.1:0".parse().unwrap();
    let error = bound(&[nowhere], 1).unwrap_err();
    assert!(matches!(error.cause, BindCause::NoSuchAddress), "{error}");
    assert!(matches!(bound(&[], 1).unwrap_err().cause, BindCause::NothingToListenOn));
    let denied = BindCause::from(io::Error::from_raw_os_error(libc::EACCES));
    assert!(matches!(denied, BindCause::NotPermitted));
    let protocol = BindCause::from(io::Error::from_raw_os_error(libc::EAFNOSUPPORT));
    assert!(matches!(protocol, BindCause::NoSuchProtocol));
}
