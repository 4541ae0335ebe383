//! From the lines of a file to rows of records: the rules, record by record and name by name. Pure.
//!
//! The rules are the API's (`records::rules`). What the API would refuse and is no loss of the record itself is
//! adjusted: a TTL out of range, a comment that is too long, a proxy that its type cannot have.

use std::borrow::{Borrow, Cow};
use std::collections::HashSet;

use serde_json::Map;
use waymark_wire::records::row as type_row;
use waymark_wire::zone_file::Attributes;
use waymark_wire::{Name, Rdata, RecordType};

use super::parse::Line;
use super::problems::Problems;
use crate::error::{Invalid, Refusal};
use crate::records::rules::{self, Neighbours};
use crate::store::{KeyedRow, RecordRow, Sql, ZoneRow};
use crate::{Plan, PublicId, Random, Time};

/// What the rules depend on.
pub(super) struct Rules<'z> {
    pub(super) apex: &'z Name,
    pub(super) plan: Plan,
    /// For records that do not say.
    pub(super) proxied: bool,
    /// Whether types may be imported that the API does not write.
    pub(super) any_type: bool,
    pub(super) rrset_octets_max: u64,
    pub(super) now: Time,
}

/// What becomes of a record beside those that are at its name.
pub(super) enum Verdict {
    Add,
    /// It is there.
    Unchanged,
    Refused(Refusal),
}

/// Records at a name from which on they are looked up and added up, in place of being gone through.
const INDEXED_FROM: usize = 16;

/// What speeds up the judging of records that come to one name, where that has many.
#[derive(Default)]
pub(super) struct AtName(Option<(HashSet<Rdata>, Neighbours)>);

impl AtName {
    /// Of a name with these records.
    pub(super) fn of(there: &[impl Borrow<RecordRow>]) -> Self {
        let indexed = there.len() >= INDEXED_FROM;
        let rows = || there.iter().map(Borrow::borrow);
        Self(indexed.then(|| (rows().map(|row| row.rdata.clone()).collect(), Neighbours::of(rows()))))
    }

    /// Says what becomes of a record beside `there`, the records that this is of.
    pub(super) fn judge(
        &self,
        apex: &Name,
        rrset_octets_max: u64,
        row: &RecordRow,
        there: &[impl Borrow<RecordRow>],
    ) -> Verdict {
        let few;
        let neighbours = match &self.0 {
            Some((data, _)) if data.contains(&row.rdata) => return Verdict::Unchanged,
            Some((_, neighbours)) => neighbours,
            None if there.iter().any(|other| other.borrow().rdata == row.rdata) => return Verdict::Unchanged,
            None => {
                few = Neighbours::of(there.iter().map(Borrow::borrow));
                &few
            }
        };
        let checked = neighbours.check(apex, row).and_then(|()| neighbours.check_size(rrset_octets_max, row));
        checked.map_or_else(Verdict::Refused, |()| Verdict::Add)
    }

    /// Takes note of the last of `there`, which has been added.
    pub(super) fn added(&mut self, there: &[impl Borrow<RecordRow>]) {
        match (&mut self.0, there.last().map(Borrow::borrow)) {
            (Some((data, neighbours)), Some(row)) => {
                data.insert(row.rdata.clone());
                neighbours.add(row);
            }
            _ => *self = Self::of(there),
        }
    }
}

/// The rows of lines, each checked by itself. Those that break a rule become problems.
pub(super) fn candidates(
    rules: &Rules<'_>,
    random: &dyn Random,
    lines: impl ExactSizeIterator<Item = Line>,
    problems: &mut Problems,
) -> Vec<KeyedRow> {
    let ids = PublicId::neighbours(random, rules.now, lines.len());
    let mut candidates = Vec::with_capacity(lines.len());
    for (line, id) in lines.zip(ids) {
        let number = line.line;
        match row(rules, id, line, problems) {
            Ok(row) => candidates.push(row),
            Err(refusal) => problems.refused(number, refusal),
        }
    }
    candidates
}

/// Leaves of candidates for a zone without records those that go together; gives how many say the same as another.
pub(super) fn settle(rules: &Rules<'_>, candidates: Vec<KeyedRow>, problems: &mut Problems) -> (Vec<KeyedRow>, u64) {
    let mut settled: Vec<KeyedRow> = Vec::with_capacity(candidates.len());
    let (mut unchanged, mut name_from, mut at_name) = (0, 0, AtName::default());
    for row in candidates {
        if settled.last().is_none_or(|last| last.key != row.key) {
            name_from = settled.len();
            at_name = AtName::default();
        }
        match at_name.judge(rules.apex, rules.rrset_octets_max, &row.row, &settled[name_from..]) {
            Verdict::Add => {
                settled.push(row);
                at_name.added(&settled[name_from..]);
            }
            Verdict::Unchanged => unchanged += 1,
            Verdict::Refused(refusal) => problems.refused(row.line, refusal),
        }
    }
    (settled, unchanged)
}

/// How many of the rows of a large file would be new in a zone that is there, or in a new one. Nothing is written.
pub(super) fn survey(
    sql: Sql<'_>,
    rules: &Rules<'_>,
    zone: Option<&ZoneRow>,
    candidates: Vec<KeyedRow>,
    problems: &mut Problems,
) -> Result<u64, Refusal> {
    let Some(zone) = zone else { return Ok(settle(rules, candidates, problems).0.len() as u64) };
    let mut added = 0;
    let (mut there, mut at_name): (Vec<RecordRow>, _) = (Vec::new(), AtName::default());
    let mut name: Option<Name> = None;
    for KeyedRow { line, row, .. } in candidates {
        if name.as_ref() != Some(&row.name) {
            there = RecordRow::at_name(sql, zone.number, &row.name)?;
            at_name = AtName::of(&there);
            name = Some(row.name.clone());
        }
        match at_name.judge(rules.apex, rules.rrset_octets_max, &row, &there) {
            Verdict::Add => {
                added += 1;
                there.push(row);
                at_name.added(&there);
            }
            Verdict::Unchanged => {}
            Verdict::Refused(refusal) => problems.refused(line, refusal),
        }
    }
    Ok(added)
}

fn row(rules: &Rules<'_>, id: PublicId, line: Line, problems: &mut Problems) -> Result<KeyedRow, Refusal> {
    check_name(rules.apex, &line.owner)?;
    let record_type = line.rdata.record_type();
    let api = type_row(record_type).and_then(|row| row.api.as_ref());
    if record_type == RecordType::SOA || (api.is_none() && !rules.any_type) {
        return Err(Invalid::RecordType(record_type.to_string()).into());
    }
    let content = line.rdata.content();
    if record_type == RecordType::TXT && content.content.chars().count() > rules::TEXT_CHARACTERS_MAX {
        return Err(Invalid::TextTooLong { limit: rules::TEXT_CHARACTERS_MAX }.into());
    }
    let attributes = match &line.comment {
        None => Attributes::default(),
        Some(text) => attributes(text)?,
    };
    let proxiable = api.is_some_and(|api| api.proxiable);
    if attributes.proxied == Some(true) && !proxiable {
        problems.adjusted(line.line, format!("a {record_type} record cannot be proxied: imported without its proxy"));
    }
    let proxied = proxiable && attributes.proxied.unwrap_or(rules.proxied);
    let ttl = ttl(rules.plan, line.ttl, line.line, problems);
    let comment = comment(rules.plan, attributes.comment, line.line, problems);
    let tags = rules::tags(rules.plan, attributes.tags)?;
    let row = RecordRow {
        id,
        name: line.owner,
        record_type,
        content: content.content,
        priority: content.priority,
        rdata: line.rdata,
        ttl: if proxied { rules::TTL_AUTOMATIC } else { ttl },
        proxied,
        comment_modified: comment.is_some().then_some(rules.now),
        tags_modified: (!tags.is_empty()).then_some(rules.now),
        comment,
        tags,
        settings: match attributes.flatten_cname && record_type == RecordType::CNAME {
            true => Map::from_iter([("flatten_cname".to_owned(), true.into())]),
            false => Map::new(),
        },
        created: rules.now,
        modified: rules.now,
    };
    Ok(KeyedRow { key: line.key, line: line.line, row })
}

fn check_name(apex: &Name, owner: &Name) -> Result<(), Refusal> {
    let refuse = |why: Cow<'static, str>| Invalid::RecordName { name: format!("{owner}."), why: why.into_owned() };
    if !owner.is_at_or_below(apex) {
        let why = format!("it is not inside {apex}; a name without a dot at its end belongs to the origin");
        return Err(refuse(why.into()).into());
    }
    rules::check_labels(owner).map_err(|why| refuse(why.into()).into())
}

fn attributes(text: &str) -> Result<Attributes, Refusal> {
    Attributes::from_comment(text).map_err(|error| Invalid::RecordAttributes(error.to_string()).into())
}

fn ttl(plan: Plan, ttl: Option<u32>, line: u32, problems: &mut Problems) -> u32 {
    let (minimum, maximum) = (plan.terms().ttl_min, rules::TTL_MAX);
    match ttl.unwrap_or(rules::TTL_AUTOMATIC) {
        rules::TTL_AUTOMATIC => rules::TTL_AUTOMATIC,
        ttl if (minimum..=maximum).contains(&ttl) => ttl,
        ttl => {
            let nearest = ttl.clamp(minimum, maximum);
            let range = format!("a TTL has {minimum} to {maximum} seconds, or is 1 for automatic");
            problems.adjusted(line, format!("the TTL {ttl} became {nearest}: {range}"));
            nearest
        }
    }
}

fn comment(plan: Plan, comment: Option<String>, line: u32, problems: &mut Problems) -> Option<String> {
    let limit = plan.terms().comment_characters_max;
    let comment = comment.filter(|comment| !comment.is_empty())?;
    match comment.char_indices().nth(limit) {
        None => Some(comment),
        Some((end, _)) => {
            problems.adjusted(line, format!("the comment was cut: it has at most {limit} characters"));
            Some(comment[..end].to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::{Conflict, Quota};
    use crate::testing::{name, record_row};

    proptest! {
        /// However many records a name has by then: what the API says of a record is what an import does with it.
        #[test]
        fn records_of_one_name_are_judged_as_the_api_judges_them(
            picks in prop::collection::vec((0usize..6, 0u8..40), 1..80),
            first_type in 0usize..6,
        ) {
            const TYPES: [&str; 6] = ["A", "AAAA", "TXT", "MX", "NS", "CNAME"];
            let (apex, octets_max) = (name("example.com"), 500);
            let (mut there, mut at_name): (Vec<RecordRow>, _) = (Vec::new(), AtName::default());
            // Mostly one type, so that a name gets to have many records.
            for (number, (pick, value)) in (0u8..).zip(picks) {
                let record_type = TYPES[if pick == 0 { value as usize % 6 } else { first_type }];
                let content = match record_type {
                    "A" => format!("192.0.2.{value}"),
                    "AAAA" => format!("2001:db8::{value}"),
                    "TXT" => "t".repeat(usize::from(value) * 20 + 1),
                    "MX" => format!("mail{value}.example.net"),
                    _ => format!("host{value}.example.net"),
                };
                let row = record_row(number, record_type, "www", &content);
                let api = rules::check_beside(&apex, octets_max, &row, &there);
                match at_name.judge(&apex, octets_max, &row, &there) {
                    Verdict::Add => {
                        prop_assert_eq!(api, Ok(()));
                        there.push(row);
                        at_name.added(&there);
                    }
                    Verdict::Unchanged => {
                        let same = [Err(Conflict::IdenticalRecord.into()), Err(Conflict::RecordExists.into())];
                        prop_assert!(same.contains(&api));
                    }
                    Verdict::Refused(refusal) => prop_assert_eq!(api, Err(refusal)),
                }
            }
        }
    }

    #[test]
    fn a_name_of_many_records_is_indexed() {
        let rows: Vec<_> = (0..20).map(|number| record_row(number, "A", "www", &format!("192.0.2.{number}"))).collect();
        let at_name = AtName::of(&rows);
        assert!(at_name.0.is_some() && AtName::of(&rows[..3]).0.is_none());
        let alias = record_row(99, "CNAME", "www", "example.net");
        let verdict = at_name.judge(&name("example.com"), 9_999, &alias, &rows);
        assert!(matches!(verdict, Verdict::Refused(refusal) if refusal == Conflict::AddressOrAliasExists.into()));
        let more = record_row(99, "A", "www", "192.0.2.99");
        let verdict = at_name.judge(&name("example.com"), 300, &more, &rows);
        assert!(matches!(verdict, Verdict::Refused(Refusal::Quota(Quota::RRset { .. }))));
    }
}
