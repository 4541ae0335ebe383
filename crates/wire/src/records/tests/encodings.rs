//! The table of texts and their wire form that other servers' tools are held against too (`tests/data/records.txt`).

use super::*;

const TABLE: &str = include_str!("../../../../../tests/data/records.txt");

/// A line: its type, its text, and its wire form, none if it is refused.
struct Line {
    record_type: RecordType,
    text: String,
    wire: Option<Vec<u8>>,
}

/// `{TAB}` is a tab, `{x*3}` is xxx.
fn expand(text: &str) -> String {
    let text = text.replace("{TAB}", "\t");
    let mut expanded = String::new();
    let mut rest = text.as_str();
    while let Some((before, inside)) = rest.split_once('{') {
        expanded += before;
        let repeated = inside.split_once('}').and_then(|(inside, after)| {
            let (part, times) = inside.rsplit_once('*')?;
            Some((part.repeat(times.parse().ok()?), after))
        });
        match repeated {
            Some((repeated, after)) => {
                expanded += &repeated;
                rest = after;
            }
            None => {
                expanded.push('{');
                rest = inside;
            }
        }
    }
    expanded + rest
}

fn lines() -> Vec<Line> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let of = |line: &str| {
        let parts: Vec<&str> = line.split('\t').collect();
        let hex = data_encoding::HEXUPPER_PERMISSIVE;
        Line {
            record_type: RecordType::from_mnemonic(parts[0]).unwrap(),
            text: expand(parts[1]),
            wire: (parts[2] != "REFUSED").then(|| hex.decode(expand(parts[2]).as_bytes()).unwrap()),
        }
    };
    lines.map(of).collect()
}

#[test]
fn texts_have_the_wire_form_that_others_give_them() {
    let mut wrong = Vec::new();
    for Line { record_type, text, wire } in lines() {
        let read = Rdata::from_text(record_type, &text, &apex());
        match (&read, &wire) {
            (Ok(rdata), Some(wire)) if rdata.wire() == wire => {}
            (Err(_), None) => {}
            _ => wrong.push(format!("{record_type} {text:.100}: {read:.200?}, wanted {wire:02X?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_type_has_texts_that_are_taken_and_texts_that_are_refused() {
    let lines = lines();
    for row in ROWS {
        let of_row = || lines.iter().filter(|line| line.record_type == row.record_type);
        assert!(of_row().any(|line| line.wire.is_some()), "{} is never taken", row.mnemonic);
        let is_any_name = row.fields == [("target", Field::WHOLE_HOST)] || row.record_type == RecordType::PTR;
        assert!(is_any_name || of_row().any(|line| line.wire.is_none()), "{} is never refused", row.mnemonic);
    }
}

#[test]
fn what_is_taken_comes_back_from_text_wire_and_generic_form() {
    for Line { record_type, wire, .. } in lines() {
        let Some(wire) = wire else { continue };
        let rdata = Rdata::from_wire(record_type, &wire).unwrap();
        assert_eq!(rdata.wire(), wire);
        assert_eq!(Rdata::from_text(record_type, &rdata.to_string(), &apex()).as_ref(), Ok(&rdata), "{rdata}");
        let generic = binary::generic_text(&wire);
        assert_eq!(Rdata::from_text(record_type, &generic, &apex()).as_ref(), Ok(&rdata), "{generic}");
    }
}

#[test]
fn no_wire_form_can_be_cut_or_end_in_more_unless_its_last_field_is_open() {
    for Line { record_type, wire, .. } in lines() {
        let (Some(wire), Some(row)) = (wire, row(record_type)) else { continue };
        let of_its_own_length = match row.fields.last().unwrap().1 {
            Field::Text | Field::Hex | Field::Base64 | Field::Strings | Field::Types | Field::Parameters => continue,
            _ => Rdata::from_wire(record_type, &wire).unwrap(),
        };
        let longer = [of_its_own_length.wire(), &[0]].concat();
        assert_eq!(Rdata::from_wire(record_type, &longer), Err(RecordError::Wire), "{record_type} {longer:02X?}");
        for length in 0..wire.len() {
            assert_eq!(
                Rdata::from_wire(record_type, &wire[..length]),
                Err(RecordError::Wire),
                "{record_type} {length}"
            );
        }
    }
}
