//! What can go wrong, by what the caller can do about it. Only `api` knows the API's numeric codes.

use std::path::PathBuf;

use waymark_wire::{RecordError, RecordType};

use crate::identity::Permission;

/// Why a request is not carried out. Nothing of a refused request is kept.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// There is no such object, or none that the caller may know of.
    #[error("{0} not found")]
    NotFound(Noun),
    /// It contradicts what is there.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// A value is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The credential is unknown, expired or switched off.
    #[error("{0}")]
    Unauthenticated(Credential),
    /// The caller may see the object, but not do this.
    #[error("this needs the permission {}", .0.group_name())]
    Denied(Permission),
    /// A limit is reached.
    #[error(transparent)]
    Quota(#[from] Quota),
    /// This installation does not do that.
    #[error("{0}")]
    NotAvailable(String),
    /// It may work later; nothing was changed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Kinds of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Noun {
    /// A tenant of the installation.
    Tenant,
    /// An account.
    Account,
    /// A user.
    User,
    /// An API token.
    Token,
    /// A zone.
    Zone,
    /// A plan.
    Plan,
    /// A DNS record.
    Record,
}

impl std::fmt::Display for Noun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tenant => "tenant",
            Self::Account => "account",
            Self::User => "user",
            Self::Token => "token",
            Self::Zone => "zone",
            Self::Plan => "plan",
            Self::Record => "record",
        })
    }
}

/// Kinds of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A bearer token.
    Token,
    /// An email address and its global key.
    Key,
}

impl std::fmt::Display for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token => "the token is not known here, or not valid now",
            Self::Key => "the email address or its key is not known here",
        })
    }
}

/// What a request contradicts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The account has a zone of this name (1061).
    #[error("{name} already exists")]
    ZoneExists {
        /// The zone's name.
        name: String,
    },
    /// A CNAME beside A, AAAA or CNAME (81053).
    #[error("an A, AAAA, or CNAME record with that host already exists")]
    AddressOrAliasExists,
    /// A or AAAA beside CNAME (81054).
    #[error("a CNAME record with that host already exists")]
    AliasExists,
    /// NS below the apex beside A, AAAA or CNAME (81055).
    #[error("an NS record cannot be beside the A, AAAA or CNAME records of that host")]
    DelegationBesideAddress,
    /// A, AAAA or CNAME at a delegated name (81056).
    #[error("NS records with that host already exist")]
    DelegationExists,
    /// Same type, name and content, other settings (81057).
    #[error("the record already exists")]
    RecordExists,
    /// Equal in everything (81058).
    #[error("an identical record already exists")]
    IdenticalRecord,
    /// A user of this email address exists.
    #[error("a user {email} already exists")]
    UserExists {
        /// The address.
        email: String,
    },
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// No domain that can be a zone (1002).
    #[error("{name:?} is not a domain: {why}")]
    ZoneName {
        /// What was given.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The name belongs to the platform itself (1097).
    #[error("{name} belongs to this platform and cannot be added")]
    ZoneNameReserved {
        /// What was given.
        name: String,
    },
    /// No name inside the zone (9000).
    #[error("{name:?} is not a name of this zone: {why}")]
    RecordName {
        /// What was given.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// No record type that can be written.
    #[error("{0:?} is not a record type that can be written")]
    RecordType(String),
    /// The content does not fit the type (9005, 9006, 9007, 9009...).
    #[error("the content of the {record_type} record is not valid: {why}")]
    Content {
        /// The record's type.
        record_type: RecordType,
        /// What is wrong.
        why: RecordError,
    },
    /// A TXT content over its limit, in characters.
    #[error("the content of a TXT record must have at most {limit} characters")]
    TextTooLong {
        /// The limit.
        limit: usize,
    },
    /// The TXT records of one name are over their limit together, in characters.
    #[error("the TXT records of one name must have at most {limit} characters together")]
    TextsTooLong {
        /// The limit.
        limit: usize,
    },
    /// MX without priority (9100).
    #[error("priority is a required field")]
    PriorityMissing,
    /// Out of range (9021).
    #[error("the TTL must be between {minimum} and {maximum} seconds, or 1 for automatic")]
    Ttl {
        /// The smallest TTL of the zone's plan, in seconds.
        minimum: u32,
        /// The largest, in seconds.
        maximum: u32,
    },
    /// The type cannot be proxied (9004).
    #[error("a {0} record cannot be proxied")]
    NotProxiable(RecordType),
    /// The comment has a line break.
    #[error("a comment cannot have line breaks")]
    CommentLineBreak,
    /// The comment is over the plan's limit, in characters.
    #[error("a comment must have at most {limit} characters")]
    CommentTooLong {
        /// The limit.
        limit: usize,
    },
    /// Not `name:value`, or a name with other characters than letters, digits, `-` and `_`, or too long, or reserved.
    #[error(
        "the tag {tag:?} needs a name of 1 to {limit} letters, digits, - or _ before a colon, not beginning with cf-"
    )]
    TagName {
        /// The tag.
        tag: String,
        /// The longest name.
        limit: usize,
    },
    /// The value has line breaks or is too long.
    #[error("the value of the tag {tag:?} must have at most {limit} characters and no line breaks")]
    TagValue {
        /// The tag.
        tag: String,
        /// The longest value.
        limit: usize,
    },
    /// No email address.
    #[error("{0:?} is not an email address")]
    Email(String),
    /// An account's name is empty, longer than 100 characters, or has control characters.
    #[error("an account's name must have 1 to 100 characters, and no control characters")]
    AccountName,
    /// No plan has this id.
    #[error("{0:?} is not the id of a plan; the zone's available_plans has them")]
    Plan(String),
    /// No plan has this word.
    #[error("{0:?} is not a plan that can be had here: free, pro, business and enterprise are")]
    RatePlan(String),
    /// A status that nobody can give a zone.
    #[error("a zone cannot be given the status {0}")]
    ZoneStatus(&'static str),
    /// The comment of a line in a zone file has tags that cannot be read.
    #[error("the tags in the comment cannot be read: {0}")]
    RecordAttributes(String),
    /// A zone file that cannot be read, from this line on.
    #[error("line {line}: {why}")]
    ZoneFile {
        /// The line, from 1.
        line: u32,
        /// What is wrong and what would be right.
        why: String,
    },
}

/// Which limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Quota {
    /// Records of the zone (81045).
    #[error("the zone has reached its quota of {limit} records")]
    Records {
        /// The most it may have.
        limit: u64,
    },
    /// The same, told before a file is imported (81045).
    #[error("the zone may have {limit} records: it has {present}, and the file adds {added}")]
    RecordsOfFile {
        /// The most it may have.
        limit: u64,
        /// What it has.
        present: u64,
        /// What the file would add.
        added: u64,
    },
    /// Octets of the records of one name and type (81045).
    #[error("the {record_type} records of one name can have at most {limit} octets together in DNS")]
    RRset {
        /// The type.
        record_type: RecordType,
        /// The most octets that they may have in an answer.
        limit: u64,
    },
    /// Tags of the record (9300); `limit` 0: the plan has none.
    #[error("DNS record has {count} tags, exceeding the quota of {limit}")]
    Tags {
        /// How many were given.
        count: usize,
        /// The most it may have.
        limit: usize,
    },
    /// Every pair of nameservers answers for a zone of this name already.
    #[error("no pair of nameservers is left for a further zone of this name")]
    NameserverPairs,
}

/// Why a write or read could not be carried out now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Too many writes wait.
    #[error("too many changes are waiting to be written; try again shortly")]
    Busy,
    /// Too many exports are being read.
    #[error("too many exports are being read; try again shortly")]
    Exports,
    /// There is no room.
    #[error("the disk of the store is full; nothing was changed")]
    DiskFull,
    /// Another process holds the store.
    #[error("the store is locked by another program; nothing was changed")]
    Locked,
    /// It is being closed.
    #[error("the store is being closed; nothing was changed")]
    Closed,
    /// The store reports an error.
    #[error("the store reports an error: {0}; nothing was changed")]
    Store(String),
    /// A fault of this program.
    #[error("an internal error; nothing was changed")]
    Internal,
}

impl Unavailable {
    /// Whether the store's file is at fault, and not the program or its load.
    pub(crate) fn is_of_store(&self) -> bool {
        matches!(self, Self::DiskFull | Self::Locked | Self::Store(_))
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<rusqlite::Error> for Unavailable {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Self::Locked,
            _ => Self::Store(error.to_string()),
        }
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be made or written to.
    #[error("cannot write to the data directory {}: {why}", .directory.display())]
    Unwritable {
        /// The directory.
        directory: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The file is not a store, or not whole.
    #[error("the store {} is damaged: {why}", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What was found.
        why: String,
    },
    /// The file was written by a later release.
    #[error("the store {} has schema {found}, and this release knows {known}: use the release that wrote it", .file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest that this release knows.
        known: i64,
    },
    /// The store was made for another brand domain.
    #[error("the store was made for the brand domain {stored}, and the configuration says {configured}")]
    Brand {
        /// The store's.
        stored: String,
        /// The configuration's.
        configured: String,
    },
    /// Another program holds it.
    #[error("the store {} is in use by another program", .file.display())]
    Locked {
        /// The file.
        file: PathBuf,
    },
    /// Something else, such as a full disk.
    #[error("cannot open the store {}: {why}", .file.display())]
    Failed {
        /// The file.
        file: PathBuf,
        /// What was reported.
        why: String,
    },
}
