//! The table itself: one [`Row`] per record type that is more than opaque data.

use super::rules::{self, Rule};
use super::{Field, RecordError};
use crate::record_type::RecordType;

/// One record type.
#[derive(Debug)]
pub struct Row {
    /// Its number.
    pub record_type: RecordType,
    /// Its mnemonic.
    pub mnemonic: &'static str,
    /// The fields of its data in wire order, with the names that the API's `data` and the documents use.
    pub fields: &'static [(&'static str, Field)],
    /// How users may write it through the API; none for types that cannot be written there.
    pub api: Option<Api>,
    /// What its fields must satisfy together.
    rule: Option<Rule>,
    /// How many of `fields` there are up to the last name that may be compressed; 0: there is none.
    compressible: usize,
}

/// How the API shows a type (`dns-api.json`, `records`).
#[derive(Debug)]
pub struct Api {
    /// Whether traffic for it can be proxied.
    pub proxiable: bool,
    /// Where its priority is.
    pub priority: Priority,
    /// Whether it is described by `data`, of which `content` is derived; else by `content` alone.
    pub data: bool,
    /// Whether names keep the dot at the end that they are written with, and have one where nobody wrote them: clients
    /// that read these types (octoDNS) expect it back. Names of the other types are shown without.
    pub dot: bool,
}

/// Where the API has the priority of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Nowhere, or in `data` as any other field.
    None,
    /// At the top level, where it must be; `content` holds the rest.
    TopLevel,
    /// In `data`, and at the top level as a copy; `content` holds the rest.
    Copied,
}

impl Row {
    const fn new(record_type: RecordType, mnemonic: &'static str, fields: &'static [(&'static str, Field)]) -> Self {
        let (mut compressible, mut at) = (0, 0);
        while at < fields.len() {
            if matches!(fields[at].1, Field::Name { compress: true }) {
                compressible = at + 1;
            }
            at += 1;
        }
        Self { record_type, mnemonic, fields, api: None, rule: None, compressible }
    }

    const fn with_api(self, api: Api) -> Self {
        Self { api: Some(api), ..self }
    }

    const fn rule(self, rule: Rule) -> Self {
        Self { rule: Some(rule), ..self }
    }

    /// Whether the data holds a name that may be compressed (RFC 3597 section 4).
    pub fn has_compressible_name(&self) -> bool {
        self.compressible > 0
    }

    /// The fields up to the last name that may be compressed; what follows them is written as it is.
    pub fn compressible_fields(&self) -> &'static [(&'static str, Field)] {
        &self.fields[..self.compressible]
    }

    /// Whether `wire`, whose fields are well formed one by one, is data of this type.
    pub(super) fn check(&self, wire: &[u8]) -> Result<(), RecordError> {
        self.rule.map_or(Ok(()), |rule| rule(wire).map_err(RecordError::Rule))
    }
}

/// Described by `content`.
const CONTENT: Api = Api { proxiable: false, priority: Priority::None, data: false, dot: false };
/// Described by `content`, and a way to servers that can stand behind a proxy.
const ADDRESSING: Api = Api { proxiable: true, ..CONTENT };
/// Described by `data`.
const DATA: Api = Api { data: true, ..CONTENT };
/// Described by `data`, with a name that keeps its dot.
const DATA_WITH_DOT: Api = Api { dot: true, ..DATA };

/// DS and CDS (RFC 4034 section 5.1, RFC 7344 section 3.1).
const DIGEST_OF_KEY: &[(&str, Field)] =
    &[("key_tag", Field::U16), ("algorithm", Field::Algorithm), ("digest_type", Field::U8), ("digest", Field::Hex)];

/// DNSKEY and CDNSKEY (RFC 4034 section 2.1, RFC 7344 section 3.2).
const KEY: &[(&str, Field)] =
    &[("flags", Field::U16), ("protocol", Field::U8), ("algorithm", Field::Algorithm), ("public_key", Field::Base64)];

/// TLSA and SMIMEA (RFC 6698 section 2.1, RFC 8162 section 2).
const ASSOCIATION: &[(&str, Field)] =
    &[("usage", Field::U8), ("selector", Field::U8), ("matching_type", Field::U8), ("certificate", Field::Hex)];

/// SVCB and HTTPS (RFC 9460 section 2.2).
const SERVICE: &[(&str, Field)] =
    &[("priority", Field::U16), ("target", Field::ExactName), ("value", Field::Parameters)];

/// The table. Sorted by number.
///
/// A name is compressed only where RFC 3597 section 4 allows it: in the types of RFC 1035.
pub static ROWS: &[Row] = &[
    Row::new(RecordType::A, "A", &[("address", Field::Ipv4)]).with_api(ADDRESSING),
    Row::new(RecordType::NS, "NS", &[("nsdname", Field::HOST)]).with_api(CONTENT),
    Row::new(RecordType::CNAME, "CNAME", &[("target", Field::HOST)]).with_api(ADDRESSING),
    Row::new(
        RecordType::SOA,
        "SOA",
        &[
            ("mname", Field::HOST),
            ("rname", Field::HOST),
            ("serial", Field::U32),
            ("refresh", Field::Period),
            ("retry", Field::Period),
            ("expire", Field::Period),
            ("minimum", Field::Period),
        ],
    ),
    Row::new(RecordType::PTR, "PTR", &[("target", Field::HOST)]).with_api(CONTENT),
    Row::new(RecordType::HINFO, "HINFO", &[("cpu", Field::String), ("os", Field::String)]),
    Row::new(RecordType::MX, "MX", &[("priority", Field::U16), ("target", Field::HOST)])
        .with_api(Api { priority: Priority::TopLevel, ..CONTENT }),
    Row::new(RecordType::TXT, "TXT", &[("text", Field::Strings)]).with_api(CONTENT),
    Row::new(RecordType::RP, "RP", &[("mailbox", Field::WHOLE_HOST), ("text", Field::WHOLE_HOST)]),
    Row::new(RecordType::AFSDB, "AFSDB", &[("subtype", Field::U16), ("hostname", Field::WHOLE_HOST)]),
    Row::new(RecordType::AAAA, "AAAA", &[("address", Field::Ipv6)]).with_api(ADDRESSING),
    Row::new(RecordType::LOC, "LOC", &[("location", Field::Location)]).with_api(DATA),
    Row::new(
        RecordType::SRV,
        "SRV",
        &[("priority", Field::U16), ("weight", Field::U16), ("port", Field::U16), ("target", Field::WHOLE_HOST)],
    )
    .with_api(Api { priority: Priority::Copied, ..DATA }),
    Row::new(
        RecordType::NAPTR,
        "NAPTR",
        &[
            ("order", Field::U16),
            ("preference", Field::U16),
            ("flags", Field::String),
            ("service", Field::String),
            ("regex", Field::String),
            ("replacement", Field::WHOLE_HOST),
        ],
    )
    .with_api(DATA_WITH_DOT),
    Row::new(
        RecordType::CERT,
        "CERT",
        &[
            ("type", Field::CertificateType),
            ("key_tag", Field::U16),
            ("algorithm", Field::Algorithm),
            ("certificate", Field::Base64),
        ],
    )
    .with_api(DATA),
    Row::new(RecordType::DNAME, "DNAME", &[("target", Field::WHOLE_HOST)]),
    Row::new(RecordType::DS, "DS", DIGEST_OF_KEY).rule(rules::ds).with_api(DATA),
    Row::new(RecordType::SSHFP, "SSHFP", &[("algorithm", Field::U8), ("type", Field::U8), ("fingerprint", Field::Hex)])
        .rule(rules::sshfp)
        .with_api(DATA),
    Row::new(
        RecordType::RRSIG,
        "RRSIG",
        &[
            ("type_covered", Field::Type),
            ("algorithm", Field::Algorithm),
            ("labels", Field::U8),
            ("original_ttl", Field::U32),
            ("expiration", Field::Time),
            ("inception", Field::Time),
            ("key_tag", Field::U16),
            ("signer", Field::WHOLE_HOST),
            ("signature", Field::Base64),
        ],
    ),
    Row::new(RecordType::NSEC, "NSEC", &[("next_name", Field::ExactName), ("types", Field::Types)]).rule(rules::nsec),
    Row::new(RecordType::DNSKEY, "DNSKEY", KEY).with_api(DATA),
    Row::new(
        RecordType::NSEC3,
        "NSEC3",
        &[
            ("algorithm", Field::U8),
            ("flags", Field::U8),
            ("iterations", Field::U16),
            ("salt", Field::Salt),
            ("next_hashed_owner", Field::Hash),
            ("types", Field::Types),
        ],
    ),
    Row::new(
        RecordType::NSEC3PARAM,
        "NSEC3PARAM",
        &[("algorithm", Field::U8), ("flags", Field::U8), ("iterations", Field::U16), ("salt", Field::Salt)],
    ),
    Row::new(RecordType::TLSA, "TLSA", ASSOCIATION).with_api(DATA),
    Row::new(RecordType::SMIMEA, "SMIMEA", ASSOCIATION).with_api(DATA),
    Row::new(RecordType::CDS, "CDS", DIGEST_OF_KEY).rule(rules::cds),
    Row::new(RecordType::CDNSKEY, "CDNSKEY", KEY).rule(rules::cdnskey),
    Row::new(RecordType::OPENPGPKEY, "OPENPGPKEY", &[("public_key", Field::Base64)]).with_api(CONTENT),
    Row::new(RecordType::SVCB, "SVCB", SERVICE).with_api(DATA_WITH_DOT),
    Row::new(RecordType::HTTPS, "HTTPS", SERVICE).with_api(DATA_WITH_DOT),
    Row::new(RecordType::SPF, "SPF", &[("text", Field::Strings)]),
    Row::new(RecordType::URI, "URI", &[("priority", Field::U16), ("weight", Field::U16), ("target", Field::Text)])
        .rule(rules::uri)
        .with_api(Api { priority: Priority::TopLevel, ..DATA }),
    Row::new(RecordType::CAA, "CAA", &[("flags", Field::U8), ("tag", Field::Tag), ("value", Field::Text)])
        .with_api(DATA),
];

/// No row, in [`INDEX`].
const NONE: u8 = u8::MAX;

/// Where in [`ROWS`] the row of a number is. All types of the table have small numbers; an answer asks for the row of
/// each of its records.
static INDEX: [u8; 258] = {
    let mut index = [NONE; 258];
    let mut at = 0;
    while at < ROWS.len() {
        index[ROWS[at].record_type.0 as usize] = at as u8;
        at += 1;
    }
    index
};

/// The row of a type, if the table has one.
pub fn row(record_type: RecordType) -> Option<&'static Row> {
    let at = INDEX.get(usize::from(record_type.0))?;
    ROWS.get(usize::from(*at))
}

/// The row of a mnemonic, in any case.
pub fn row_by_mnemonic(mnemonic: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.mnemonic.eq_ignore_ascii_case(mnemonic))
}
