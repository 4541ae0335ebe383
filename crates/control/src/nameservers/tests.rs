//! Addresses of the pools, and the choice of pairs.

use std::collections::BTreeSet;

use super::*;

#[test]
fn addresses_come_in_order_and_leave_out_the_ends_of_every_256() {
    let pools = Pools::default();
    let text = |index| pools.ipv4_address(index).unwrap().to_string();
    assert_eq!([text(0), text(1), text(253), text(254)], ["127.53.0.1", "127.53.0.2", "127.53.0.254", "127.53.1.1"]);
    assert_eq!(pools.ipv6_address(0).to_string(), "fd53::1");
    let all: BTreeSet<Ipv4Addr> = (0..1000).filter_map(|index| pools.ipv4_address(index)).collect();
    assert_eq!(all.len(), 1000);
    assert!(all.iter().all(|address| !matches!(address.octets()[3], 0 | 255)));
}

#[test]
fn a_pool_ends() {
    let pools = Pools { ipv4: Ipv4Addr::new(192, 0, 2, 8), ipv4_prefix: 29, ..Pools::default() };
    let addresses: Vec<_> = (0..300).map_while(|index| pools.ipv4_address(index)).collect();
    assert_eq!(addresses.len(), 6, "without the network's and the broadcast address");
    assert_eq!(addresses[5], Ipv4Addr::new(192, 0, 2, 14));
    assert_eq!(Pools::default().ipv4_address(254 * 256), None);
}

#[test]
fn given_names_are_host_labels_and_all_different() {
    let names: BTreeSet<&str> = FIRST_LIST.iter().chain(&SECOND_LIST).copied().collect();
    assert_eq!(names.len(), FIRST_LIST.len() + SECOND_LIST.len());
    assert!(FIRST_LIST.len() >= 50 && SECOND_LIST.len() >= 50);
    assert!(names.iter().all(|name| name.bytes().all(|octet| octet.is_ascii_lowercase())));
}

#[test]
fn another_pair_shares_no_nameserver_if_it_can_be() {
    assert_eq!(choose(&[1, 3], &[2, 4], (0, 0), &[(1, 2)], &[]), Some((3, 4)));
    assert_eq!(choose(&[1, 3, 5], &[2, 4, 6], (2, 1), &[(1, 2)], &[]), Some((5, 4)), "in a circle from the start");
    // Every second nameserver is taken by some pair: then one that is not taken as a pair.
    assert_eq!(choose(&[1, 3], &[2, 4], (0, 0), &[(1, 2), (3, 4)], &[]), Some((1, 4)));
    assert_eq!(choose(&[1], &[2], (0, 0), &[(1, 2)], &[]), None);
    assert_eq!(choose(&[], &[], (0, 0), &[], &[]), None);
    // Nothing is shared with a zone of another account above or below, even if nothing is left then.
    assert_eq!(choose(&[1, 3, 5], &[2, 4, 6], (0, 0), &[(1, 2)], &[(3, 4)]), Some((5, 6)));
    assert_eq!(choose(&[1, 3], &[2, 4], (0, 0), &[(1, 2)], &[(3, 4)]), None);
}
