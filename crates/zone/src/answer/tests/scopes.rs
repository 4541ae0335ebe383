//! Which zone is asked: the address that was asked decides.

use super::*;

#[test]
fn the_address_asked_decides_between_zones_of_one_name() {
    // Two accounts claim `shop.test`; each has its own scope. The first is the oldest claim.
    let server = Server::new(
        vec![
            delta(1, 1, Some(header("shop.test", 1, &[1, 2])), &[], &["www.shop.test A 192.0.2.1"]),
            delta(2, 1, Some(header("shop.test", 2, &[3])), &[], &["www.shop.test A 192.0.2.2"]),
        ],
        vec![addresses(2, &["127.53.0.2", "fd53::2"]), addresses(3, &["127.53.0.3"])],
    );
    for (address, data) in [
        ("127.53.0.2", "192.0.2.1"),
        ("fd53::2", "192.0.2.1"),
        ("127.53.0.3", "192.0.2.2"),
        ("198.51.100.1", "192.0.2.1"),
    ] {
        let reply = server.ask_at("www.shop.test A", address, Transport::Udp);
        assert_eq!(reply, positive(&[&format!("www.shop.test 300 A {data}")]), "at {address}");
    }
}

#[test]
fn active_zones_answer_everywhere_and_pending_ones_at_home() {
    let active = proven(header("active.test", 1, &[0, 1, 2]));
    let server = Server::new(
        vec![
            delta(1, 1, Some(active), &[], &["www.active.test A 192.0.2.1"]),
            delta(2, 1, Some(header("www.active.test", 2, &[1, 3])), &[], &["www.active.test A 192.0.2.66"]),
            delta(3, 1, Some(header("pending.test", 2, &[1, 3])), &[], &["www.pending.test A 192.0.2.3"]),
        ],
        vec![addresses(2, &["127.53.0.2"]), addresses(3, &["127.53.0.3"]), addresses(4, &["127.53.0.4"])],
    );
    let data = |question: &str, address: &str| server.ask_at(question, address, Transport::Udp).answer.concat();
    for address in ["127.53.0.2", "127.53.0.4", "198.51.100.1"] {
        assert_eq!(data("www.active.test A", address), "www.active.test 300 A 192.0.2.1", "at {address}");
    }
    assert_eq!(server.ask_at("www.pending.test A", "127.53.0.4", Transport::Udp).rcode, 5);
    assert_eq!(data("www.pending.test A", "127.53.0.3"), "www.pending.test 300 A 192.0.2.3");
    assert_eq!(data("www.pending.test A", "198.51.100.1"), "www.pending.test 300 A 192.0.2.3");
    // The claim on a name below somebody's active zone answers in its own scope only.
    assert_eq!(data("www.active.test A", "127.53.0.3"), "www.active.test 300 A 192.0.2.66");
}

#[test]
fn a_claim_on_a_name_above_an_active_zone_of_somebody_else_does_not_answer_for_its_ds() {
    let ds = "sub.shop.test DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let asked = |parent: ZoneHeader| {
        let child = proven(header("sub.shop.test", 1, &[0, 1]));
        let entries = vec![delta(1, 1, Some(child), &[], &[]), delta(2, 1, Some(parent), &[], &[ds])];
        Server::new(entries, vec![]).ask("sub.shop.test DS")
    };
    let claim = asked(header("shop.test", 2, &[1]));
    assert_eq!((claim.answer.len(), &claim.authority[0][..14]), (0, "sub.shop.test "));
    assert_eq!(asked(header("shop.test", 1, &[1])).answer.len(), 1, "of the same account");
    assert_eq!(asked(proven(header("shop.test", 2, &[0, 1]))).answer.len(), 1, "active");
}
