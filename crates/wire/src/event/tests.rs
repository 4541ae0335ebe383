use proptest::prelude::*;

use super::*;

fn plain(name: &[u8]) -> Event<'_> {
    Event {
        at_micros: 1_700_000_000_123_456,
        sample_interval: 1,
        name,
        record_type: RecordType::A,
        class: 1,
        opcode: Opcode::QUERY,
        rcode: Rcode::NOERROR,
        flags: Flags::EDNS | Flags::AUTHORITATIVE,
        transport: Transport::Udp,
        origin: Origin::Zone,
        scope: Some(3),
        zone: Some(40_000),
        client: IpAddr::from([192, 0, 2, 7]),
        client_port: 5353,
        request_octets: 40,
        response_octets: 56,
        duration_micros: 11,
    }
}

fn encoded(event: &Event<'_>) -> Vec<u8> {
    let mut out = [0; EVENT_OCTETS_MAX];
    let length = event.encode(&mut out).unwrap();
    out[..length].to_vec()
}

#[test]
fn an_ordinary_answer_takes_about_thirty_octets_and_its_name() {
    let name = b"\x03WwW\x07example\0";
    let octets = encoded(&plain(name));
    assert!(octets.len() < 34 + name.len(), "{}", octets.len());
    assert!(octets.ends_with(name), "in the case that was asked");
}

#[test]
fn the_byte_form_does_not_change_without_its_format() {
    let event = Event { at_micros: 300, zone: Some(0x4000), sample_interval: 16, ..plain(b"\x01A\0") };
    let expected =
        b"\x01\x08\x70\x00\x44\xac\x02\x10\x01\x01\x00\x03\x80\x80\x01\x28\x38\x0b\x14\xe9\xc0\x00\x02\x07\x01A\0";
    assert_eq!(encoded(&event), expected);
    assert_eq!(Event::decode(expected), Ok((event, expected.len())));
}

#[test]
fn the_longest_event_fits() {
    let mut name = Vec::new();
    for length in [63, 63, 63, 61] {
        name.push(length);
        name.resize(name.len() + usize::from(length), b'x');
    }
    name.push(0);
    let event = Event {
        at_micros: u64::MAX,
        sample_interval: u32::MAX,
        record_type: RecordType(u16::MAX),
        class: u16::MAX,
        opcode: Opcode(15),
        rcode: Rcode(u16::MAX),
        flags: Flags(u16::MAX),
        transport: Transport::Quic,
        origin: Origin::Server,
        scope: Some(u32::MAX),
        zone: Some(u64::MAX),
        client: IpAddr::from([0xff; 16]),
        client_port: u16::MAX,
        request_octets: u16::MAX,
        response_octets: u16::MAX,
        duration_micros: u32::MAX,
        ..plain(&name)
    };
    let octets = encoded(&event);
    assert_eq!(octets.len(), EVENT_OCTETS_MAX);
    assert_eq!(Event::decode(&octets), Ok((event, EVENT_OCTETS_MAX)));
}

#[test]
fn what_is_no_name_is_not_written() {
    let mut out = [0; EVENT_OCTETS_MAX];
    for wrong in [&b"\x03ww"[..], b"\xc0\x0c", b"\x01a\0\0", &[1; 300]] {
        assert_eq!(plain(wrong).encode(&mut out), None, "{wrong:02x?}");
    }
    assert!(plain(b"").encode(&mut out).is_some() && plain(b"\0").encode(&mut out).is_some());
}

#[test]
fn other_formats_are_told_from_damage() {
    let octets = encoded(&plain(b"\0"));
    assert_eq!(Event::decode(&[]), Err(EventError::Damaged));
    assert_eq!(Event::decode(&[&[2], &octets[1..]].concat()), Err(EventError::Format(2)));
    for cut in 1..octets.len() {
        assert_eq!(Event::decode(&octets[..cut]), Err(EventError::Damaged), "{cut} octets");
    }
}

#[test]
fn numbers_have_one_form() {
    let number = |octets: &[u8]| In(octets).number();
    assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Some(u64::MAX));
    for wrong in [&b"\x80\x00"[..], b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", b"\x80", &[0x80; 11], b""] {
        assert_eq!(number(wrong), None, "{wrong:02x?}");
    }
}

#[test]
fn flags_are_sets() {
    let both = Flags::EDNS | Flags::DNSSEC_OK.when(true) | Flags::TRUNCATED.when(false);
    assert!(both.contains(Flags::EDNS) && both.contains(Flags::EDNS | Flags::DNSSEC_OK));
    assert!(!both.contains(Flags::TRUNCATED) && !both.contains(Flags::EDNS | Flags::TRUNCATED));
}

fn names() -> impl Strategy<Value = Vec<u8>> {
    let label = prop::collection::vec(any::<u8>(), 1..=20);
    let labels = prop::collection::vec(label, 0..=12);
    let name = labels.prop_map(|labels| {
        let mut wire: Vec<u8> = labels.iter().flat_map(|label| [&[label.len() as u8], &label[..]].concat()).collect();
        wire.push(0);
        wire
    });
    prop_oneof![Just(Vec::new()), name]
}

prop_compose! {
    /// Every field but the name, which is borrowed.
    fn events()(
        (at_micros, sample_interval, flags, opcode) in (any::<u64>(), 1u32.., any::<u16>(), 0u8..16),
        (record_type, class, rcode) in any::<(u16, u16, u16)>(),
        (transport, origin) in (0u8..5, 0u8..4),
        (scope, zone, client, client_port) in any::<(Option<u32>, Option<u64>, IpAddr, u16)>(),
        (request_octets, response_octets, duration_micros) in any::<(u16, u16, u32)>(),
    ) -> Event<'static> {
        Event {
            at_micros,
            sample_interval,
            name: &[],
            record_type: RecordType(record_type),
            class,
            opcode: Opcode(opcode),
            rcode: Rcode(rcode),
            flags: Flags(flags),
            transport: super::transport(transport).unwrap(),
            origin: super::origin(origin).unwrap(),
            scope,
            zone,
            client,
            client_port,
            request_octets,
            response_octets,
            duration_micros,
        }
    }
}

proptest! {
    #[test]
    fn events_survive_their_byte_form(
        event in events(),
        name in names(),
        after in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let event = Event { name: &name, ..event };
        let octets = encoded(&event);
        let length = octets.len();
        let followed = [octets, after].concat();
        prop_assert_eq!(Event::decode(&followed), Ok((event, length)), "what follows does not matter");
    }

    #[test]
    fn any_octets_are_an_event_in_its_one_form_or_none(
        event in events(),
        name in names(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut octets = encoded(&Event { name: &name, ..event });
        for (at, octet) in changes {
            *at.get_mut(&mut octets[..]) = octet;
        }
        if let Ok((event, length)) = Event::decode(&octets) {
            prop_assert_eq!(&encoded(&event), &octets[..length]);
        }
    }
}
