//! What holds for all data: any octets and any text are data or an error, and data survives every form it takes.

use super::*;

/// A type of the table, or one that is opaque.
fn any_type() -> impl Strategy<Value = RecordType> {
    prop_oneof![
        20 => (0..ROWS.len()).prop_map(|at| ROWS[at].record_type),
        1 => Just(RecordType(65280)),
        1 => Just(RecordType(11)),
    ]
}

fn name_wire() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 1..12), 0..5).prop_map(|labels| {
        let labels = labels.into_iter().flat_map(|label| [vec![label.len() as u8], label].concat());
        labels.chain([0]).collect()
    })
}

fn behind_length(octets: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    octets.prop_map(|octets| [vec![octets.len() as u8], octets].concat())
}

/// Octets that a field takes.
fn field_wire(field: Field) -> BoxedStrategy<Vec<u8>> {
    let octets = |range: std::ops::Range<usize>| prop::collection::vec(any::<u8>(), range);
    match field {
        Field::U8 | Field::Algorithm => octets(1..2).boxed(),
        Field::U16 | Field::CertificateType | Field::Type => octets(2..3).boxed(),
        Field::Ipv4 | Field::U32 | Field::Period | Field::Time => octets(4..5).boxed(),
        Field::Ipv6 => octets(16..17).boxed(),
        Field::Name { .. } | Field::ExactName => name_wire().boxed(),
        Field::String | Field::Salt => behind_length(octets(0..256)).boxed(),
        Field::Hash => behind_length(octets(1..256)).boxed(),
        Field::Tag => "[a-zA-Z0-9]{1,20}".prop_map(|tag| [vec![tag.len() as u8], tag.into_bytes()].concat()).boxed(),
        Field::Strings => {
            prop::collection::vec(behind_length(octets(0..256)), 1..4).prop_map(|strings| strings.concat()).boxed()
        }
        Field::Text | Field::Opaque => octets(0..300).boxed(),
        Field::Hex | Field::Base64 => octets(1..100).boxed(),
        Field::Types => {
            prop::collection::vec(any::<u16>(), 0..9).prop_map(|of| list_of(of.into_iter().map(RecordType))).boxed()
        }
        Field::Location => {
            let size = (0..=9u8, 0..=9u8).prop_map(|(digit, power)| if digit == 0 { 0 } else { digit << 4 | power });
            let angle = |most: u32| (1u32 << 31) - most * 3_600_000..=(1u32 << 31) + most * 3_600_000;
            let sizes = prop::collection::vec(size, 3);
            (sizes, angle(90), angle(180), any::<u32>())
                .prop_map(|(sizes, a, b, c)| {
                    [vec![0], sizes, [a, b, c].into_iter().flat_map(u32::to_be_bytes).collect()].concat()
                })
                .boxed()
        }
        Field::Parameters => prop::collection::btree_map(0..12u16, octets(0..20), 0..4)
            .prop_map(|parameters| {
                let one = |(key, value): (u16, Vec<u8>)| {
                    let head = [key.to_be_bytes(), (value.len() as u16).to_be_bytes()].concat();
                    [head, value].concat()
                };
                parameters.into_iter().flat_map(one).collect()
            })
            .boxed(),
    }
}

/// A type and octets that its fields take one by one; a rule may refuse them still.
fn likely_wire() -> impl Strategy<Value = (RecordType, Vec<u8>)> {
    any_type().prop_flat_map(|record_type| {
        let fields: Vec<_> = row(record_type).map_or_else(
            || vec![field_wire(Field::Opaque)],
            |row| row.fields.iter().map(|(_, field)| field_wire(*field)).collect(),
        );
        fields.prop_map(move |values| (record_type, values.concat()))
    })
}

/// Data of any type.
pub(crate) fn any_rdata() -> impl Strategy<Value = Rdata> {
    let of = |(record_type, wire): (RecordType, Vec<u8>)| Rdata::from_wire(record_type, &wire).ok();
    likely_wire().prop_filter_map("breaks a rule", of)
}

fn survives(rdata: &Rdata) {
    let text = rdata.to_string();
    assert!(text.bytes().all(|octet| (0x20..0x7f).contains(&octet)), "{text}");
    let back = Rdata::from_text(rdata.record_type(), &text, &apex());
    assert_eq!(back.as_ref(), Ok(rdata), "through {text}");
    assert_eq!(Rdata::from_wire(rdata.record_type(), rdata.wire()).as_ref(), Ok(rdata), "through wire form");
    assert_eq!(rdata.fields().iter().map(|(_, _, value)| value.len()).sum::<usize>(), rdata.wire().len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_octets_are_data_that_survives_or_an_error(record_type in any_type(), wire: Vec<u8>) {
        if let Ok(rdata) = Rdata::from_wire(record_type, &wire) {
            prop_assert!(rdata.wire().eq_ignore_ascii_case(&wire));
            survives(&rdata);
        }
    }

    #[test]
    fn octets_that_the_fields_take_are_data_that_survives_or_break_a_rule((record_type, wire) in likely_wire()) {
        match Rdata::from_wire(record_type, &wire) {
            Ok(rdata) => survives(&rdata),
            Err(RecordError::Rule(_)) => {}
            // What parameters ask of each other is a matter of their field.
            Err(RecordError::Wire) => prop_assert!(matches!(record_type, RecordType::SVCB | RecordType::HTTPS)),
            Err(other) => prop_assert!(false, "{record_type} {wire:02X?}: {other}"),
        }
    }

    #[test]
    fn any_text_is_data_that_survives_or_an_error(
        record_type in any_type(),
        text in "([0-9]{1,3} ){0,4}([ -~\t]{0,20}|[a-z=\", \\\\0-9#.]{0,30}|\\PC{0,8})",
    ) {
        if let Ok(rdata) = Rdata::from_text(record_type, &text, &apex()) {
            survives(&rdata);
        }
    }

    #[test]
    fn times_are_those_of_the_calendar(seconds: u32) {
        let text = number::time_text(seconds);
        prop_assert_eq!(number::time(&text).unwrap(), seconds);
        let reference = domain::rdata::dnssec::Timestamp::from(seconds);
        let read: domain::rdata::dnssec::Timestamp = text.parse().unwrap();
        prop_assert_eq!(read, reference);
    }

    #[test]
    fn lists_of_types_are_those_types(numbers in prop::collection::btree_set(any::<u16>(), 0..40)) {
        let types: Vec<RecordType> = numbers.into_iter().map(RecordType).collect();
        let wire = list_of(types.iter().rev().copied());
        prop_assert!(super::super::types::is_list(&wire));
        prop_assert_eq!(types_of(&wire), types);
    }
}
