//! The audit trail: one row per write that changed something.

/// What a write does; every write has to name one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The first start of an installation.
    Bootstrap,
    /// An account is made.
    AccountCreate,
    /// A user is made.
    UserCreate,
    /// A token is made.
    TokenCreate,
    /// A zone is made.
    ZoneCreate,
    /// A zone is changed (PATCH, or its subscription).
    ZoneEdit,
    /// A zone is deleted.
    ZoneDelete,
    /// An account is renamed.
    AccountEdit,
    /// An API token is deleted.
    TokenDelete,
    /// An API token gets a new secret.
    TokenRoll,
    /// A zone is given a status.
    ZoneStatus,
    /// A record is made.
    RecordCreate,
    /// A record is replaced (PUT).
    RecordUpdate,
    /// A record is changed (PATCH).
    RecordEdit,
    /// A record is deleted.
    RecordDelete,
    /// Several changes of records at once.
    RecordBatch,
    /// Records are imported into a zone from a zone file.
    RecordImport,
    /// A zone is imported from a zone file, and made if there was none.
    ZoneImport,
    /// The platform's nameservers or their addresses change.
    NameserverChange,
    /// The journal begins a new life.
    JournalRenew,
}

impl Action {
    /// The word in the trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::AccountCreate => "account.create",
            Self::AccountEdit => "account.edit",
            Self::TokenDelete => "token.delete",
            Self::TokenRoll => "token.roll",
            Self::UserCreate => "user.create",
            Self::TokenCreate => "token.create",
            Self::ZoneCreate => "zone.create",
            Self::ZoneEdit => "zone.edit",
            Self::ZoneDelete => "zone.delete",
            Self::ZoneStatus => "zone.status",
            Self::RecordCreate => "record.create",
            Self::RecordUpdate => "record.update",
            Self::RecordEdit => "record.edit",
            Self::RecordDelete => "record.delete",
            Self::RecordBatch => "record.batch",
            Self::RecordImport => "record.import",
            Self::ZoneImport => "zone.import",
            Self::NameserverChange => "nameserver.change",
            Self::JournalRenew => "journal.renew",
        }
    }
}
