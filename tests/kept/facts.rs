//! What is true, in a form in which API, journal and DNS can be compared: sets of facts.

use std::collections::BTreeSet;

use waymark_wire::{Name, Rdata, RecordType, records};

/// Something that is true of the served data. Names are lower case without a dot at the end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Fact {
    /// The zone exists.
    Zone(String),
    /// The zone has this record.
    Record(RecordFact),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct RecordFact {
    pub(crate) zone: String,
    pub(crate) owner: String,
    /// Mnemonic.
    pub(crate) kind: &'static str,
    /// TTL, priority if the type has one, content as the API writes it.
    pub(crate) text: String,
    /// Only the API knows it.
    pub(crate) comment: Option<String>,
}

pub(crate) type Facts = BTreeSet<Fact>;

/// What a write makes of the facts.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Change {
    pub(crate) removed: Vec<Fact>,
    pub(crate) added: Vec<Fact>,
}

impl RecordFact {
    pub(crate) fn new(zone: &str, owner: &str, ttl: u32, rdata: &Rdata) -> Self {
        let content = rdata.content();
        let priority = content.priority.map(|priority| format!("{priority} ")).unwrap_or_default();
        Self {
            zone: zone.to_owned(),
            owner: owner.to_owned(),
            kind: mnemonic(rdata.record_type()),
            text: format!("{ttl} {priority}{}", content.content),
            comment: None,
        }
    }

    pub(crate) fn record_type(&self) -> RecordType {
        records::row_by_mnemonic(self.kind).expect("a type of the table").record_type
    }
}

impl Fact {
    /// Without what only the API knows.
    pub(crate) fn published(&self) -> Self {
        match self {
            Self::Zone(name) => Self::Zone(name.clone()),
            Self::Record(record) => Self::Record(RecordFact { comment: None, ..record.clone() }),
        }
    }

    /// The writer whose fact it is: the one that a label `w<number>` names.
    pub(crate) fn writer(&self) -> Option<usize> {
        let name = match self {
            Self::Zone(name) => name,
            Self::Record(record) => &record.owner,
        };
        name.split('.').find_map(|label| label.strip_prefix('w')?.parse().ok())
    }
}

impl Change {
    pub(crate) fn apply(&self, facts: &mut Facts) {
        for fact in &self.removed {
            facts.remove(fact);
        }
        facts.extend(self.added.iter().cloned());
    }

    /// What of it is published, sorted; none if nothing is.
    pub(crate) fn published(&self) -> Option<Self> {
        let removed: Facts = self.removed.iter().map(Fact::published).collect();
        let added: Facts = self.added.iter().map(Fact::published).collect();
        let change = Self {
            removed: removed.difference(&added).cloned().collect(),
            added: added.difference(&removed).cloned().collect(),
        };
        (change != Self::default()).then_some(change)
    }
}

pub(crate) fn published(facts: &Facts) -> Facts {
    facts.iter().map(Fact::published).collect()
}

/// The first few differences between two sets of facts, in words; none if there are none.
pub(crate) fn difference(expected: &Facts, found: &Facts) -> Option<String> {
    let few = |facts: Vec<&Fact>| {
        let texts = facts.iter().take(4).map(|fact| format!("{fact:?}").chars().take(300).collect::<String>());
        format!("{} ({})", facts.len(), texts.collect::<Vec<_>>().join(", "))
    };
    let missing: Vec<&Fact> = expected.difference(found).collect();
    let unexpected: Vec<&Fact> = found.difference(expected).collect();
    (missing.len() + unexpected.len() > 0).then(|| format!("missing {}, unexpected {}", few(missing), few(unexpected)))
}

pub(crate) fn mnemonic(record_type: RecordType) -> &'static str {
    records::row(record_type).map_or("?", |row| row.mnemonic)
}

/// A name as the API writes it.
pub(crate) fn text(name: &Name) -> String {
    name.to_string()
}
