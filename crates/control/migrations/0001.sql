-- The first schema. Columns are integer, text or bytes (DESIGN, "The store"): names are sort keys, public ids 16 bytes,
-- times microseconds since 1970 UTC, flags 0 or 1. What is SQLite's own here: AUTOINCREMENT (numbers of zones and
-- nameservers are never used again); PostgreSQL says GENERATED ALWAYS AS IDENTITY.

-- One row: the release of this schema.
CREATE TABLE schema_version (
    version INTEGER NOT NULL
);

-- One row: the head of the journal, and from which position on its two parts are kept.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    incarnation BLOB NOT NULL,
    position INTEGER NOT NULL,
    published_from INTEGER NOT NULL,
    intent_from INTEGER NOT NULL
);

-- One row per zone touched by a write; zone 0 stands for what belongs to no zone: the scopes.
CREATE TABLE entries (
    position INTEGER NOT NULL,
    zone_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    serial INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    intent BLOB,
    published BLOB,
    PRIMARY KEY (position, zone_id)
);
CREATE INDEX entries_by_zone ON entries (zone_id, version);

CREATE TABLE nameservers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name BLOB NOT NULL UNIQUE,
    -- 1 or 2: a zone's pair takes one of each.
    list INTEGER NOT NULL,
    scope_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE TABLE tenants (
    id INTEGER PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    brand BLOB NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    tenant_id INTEGER NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- 1: the platform's own, which has the brand zone and no members.
    platform INTEGER NOT NULL,
    -- The default pair of nameservers.
    first_nameserver_id INTEGER NOT NULL REFERENCES nameservers (id),
    second_nameserver_id INTEGER NOT NULL REFERENCES nameservers (id),
    created_at INTEGER NOT NULL
);
CREATE INDEX accounts_by_name ON accounts (name);

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    email TEXT NOT NULL UNIQUE,
    key_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE TABLE memberships (
    user_id INTEGER NOT NULL REFERENCES users (id),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, account_id)
);
CREATE INDEX memberships_by_account ON memberships (account_id);

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    disabled INTEGER NOT NULL,
    not_before INTEGER,
    expires_at INTEGER,
    -- JSON: a list of policies.
    policies TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX tokens_by_user ON tokens (user_id);

-- An address belongs to one scope; nameservers that share an address share its scope.
CREATE TABLE addresses (
    address BLOB PRIMARY KEY,
    scope_id INTEGER NOT NULL
);
CREATE INDEX addresses_by_scope ON addresses (scope_id);

CREATE TABLE nameserver_addresses (
    nameserver_id INTEGER NOT NULL REFERENCES nameservers (id),
    address BLOB NOT NULL REFERENCES addresses (address),
    PRIMARY KEY (nameserver_id, address)
);

CREATE TABLE zones (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    public_id BLOB NOT NULL UNIQUE,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    name BLOB NOT NULL,
    kind TEXT NOT NULL,
    plan TEXT NOT NULL,
    status TEXT NOT NULL,
    proven INTEGER NOT NULL,
    version INTEGER NOT NULL,
    serial INTEGER NOT NULL,
    -- The number of the publish function that made what is published.
    publish_number INTEGER NOT NULL,
    record_count INTEGER NOT NULL,
    -- SOA fields; NULL: the platform's default.
    soa_mname BLOB,
    soa_rname BLOB,
    soa_refresh INTEGER,
    soa_retry INTEGER,
    soa_expire INTEGER,
    soa_minimum INTEGER,
    soa_ttl INTEGER,
    ns_ttl INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    activated_at INTEGER,
    deleted_at INTEGER
);
CREATE UNIQUE INDEX zones_live_in_account ON zones (account_id, name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX zones_active ON zones (name) WHERE status = 'active';
CREATE INDEX zones_by_name ON zones (name);

CREATE TABLE zone_nameservers (
    zone_id INTEGER NOT NULL REFERENCES zones (id),
    ordinal INTEGER NOT NULL,
    nameserver_id INTEGER NOT NULL REFERENCES nameservers (id),
    PRIMARY KEY (zone_id, ordinal)
);
CREATE INDEX zone_nameservers_by_nameserver ON zone_nameservers (nameserver_id);

-- Which zone a name stands for in a scope. At most one: the key holds it.
CREATE TABLE claims (
    scope_id INTEGER NOT NULL,
    name BLOB NOT NULL,
    zone_id INTEGER NOT NULL REFERENCES zones (id),
    PRIMARY KEY (scope_id, name)
);
CREATE INDEX claims_by_zone ON claims (zone_id, scope_id);
CREATE INDEX claims_by_name ON claims (name);

CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    public_id BLOB NOT NULL,
    zone_id INTEGER NOT NULL REFERENCES zones (id),
    name BLOB NOT NULL,
    type TEXT NOT NULL,
    content TEXT NOT NULL,
    priority INTEGER,
    rdata BLOB NOT NULL,
    ttl INTEGER NOT NULL,
    proxied INTEGER NOT NULL,
    comment TEXT,
    -- JSON lists and objects; NULL: empty.
    tags TEXT,
    settings TEXT,
    created_at INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    comment_modified_at INTEGER,
    tags_modified_at INTEGER
);
CREATE UNIQUE INDEX records_by_public_id ON records (zone_id, public_id);
CREATE INDEX records_by_name ON records (zone_id, name);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    account_id INTEGER,
    -- The public id of what was changed, if it was one object.
    object BLOB,
    -- The write's place in the journal, if it has one.
    position INTEGER
);
CREATE INDEX audit_by_account ON audit (account_id, id);
