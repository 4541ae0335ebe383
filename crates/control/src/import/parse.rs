//! A zone file as its records, sorted by owner name. Pure.
//!
//! Sorted, because everything behind keeps records by name: the rules look at the records of a name together, and the
//! indexes of the store, the catalog and the edge's file are written in their own order.

use waymark_wire::zone_file::{Reader, ReaderOptions};
use waymark_wire::{Name, Rdata, RecordType};

use super::problems::Problems;

/// A record as the file has it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The sort key of the owner.
    pub(super) key: Vec<u8>,
    pub(super) owner: Name,
    /// From 1.
    pub(super) line: u32,
    pub(super) ttl: Option<u32>,
    pub(super) rdata: Rdata,
    pub(super) comment: Option<String>,
}

/// What a file has.
pub(super) struct Parsed {
    /// The owner of its SOA record, else what the caller says; none if neither does.
    pub(super) apex: Option<Name>,
    /// Its records by owner, and in the order of the file for one owner; what is the platform's own is left out.
    pub(super) lines: Vec<Line>,
    /// Where its SOA record is.
    pub(super) soa_line: Option<u32>,
    /// Records read, those that were left out among them.
    pub(super) parsed: u64,
}

/// Types that say how a zone was signed, which is done anew here.
const OF_SIGNING: [RecordType; 4] = [RecordType::RRSIG, RecordType::NSEC, RecordType::NSEC3, RecordType::NSEC3PARAM];

/// Reads a whole file. Lines that cannot be read become problems.
pub(super) fn parse(text: &[u8], origin: Option<Name>, options: ReaderOptions, problems: &mut Problems) -> Parsed {
    let mut reader = Reader::new(text, origin.clone(), options);
    let (mut lines, mut parsed, mut soa, mut signed) = (Vec::new(), 0, None, None);
    for entry in reader.by_ref() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(problem) => {
                problems.unreadable(problem.line, problem.what.to_string());
                continue;
            }
        };
        parsed += 1;
        let record_type = entry.rdata.record_type();
        if record_type == RecordType::SOA && soa.is_none() {
            soa = Some((entry.owner, entry.line));
        } else if OF_SIGNING.contains(&record_type) {
            signed.get_or_insert((record_type, entry.line));
        } else {
            let key = entry.owner.sort_key();
            let (owner, line, ttl, rdata, comment) = (entry.owner, entry.line, entry.ttl, entry.rdata, entry.comment);
            lines.push(Line { key, owner, line, ttl, rdata, comment });
        }
    }
    if let Some((record_type, line)) = signed {
        problems.skipped(line, format!("{record_type} records are left out: the platform signs zones itself"));
    }
    let soa_line = soa.as_ref().map(|(_, line)| *line);
    let apex = soa.map(|(owner, _)| owner).or(origin);
    let nameservers = apex.as_ref().and_then(|apex| without_nameservers(&mut lines, apex));
    if let Some(line) = soa_line.into_iter().chain(nameservers).min() {
        let why = "SOA and NS records of the zone itself are left out: the platform has its own nameservers";
        problems.skipped(line, why.to_owned());
    }
    // Stable, so that of two records that say the same the first is kept.
    lines.sort_by(|one, other| one.key.cmp(&other.key));
    Parsed { apex, lines, soa_line, parsed }
}

/// Takes the NS records of the apex out; gives the line of the first.
fn without_nameservers(lines: &mut Vec<Line>, apex: &Name) -> Option<u32> {
    let mut first = None;
    lines.retain(|line| {
        let own = line.rdata.record_type() == RecordType::NS && line.owner == *apex;
        if own {
            first.get_or_insert(line.line);
        }
        !own
    });
    first
}
