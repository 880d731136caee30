-- The first schema as it was released; later ones come by migrations. Never changed.

CREATE TABLE arrivals (
    customer_id INTEGER NOT NULL,
    event_id INTEGER NOT NULL,
    CONSTRAINT pk_arrivals PRIMARY KEY (customer_id, event_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE audit (
    id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT,
    detail TEXT DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_audit_at ON audit (at);

CREATE TABLE consents (
    id INTEGER NOT NULL,
    customer_id INTEGER NOT NULL,
    channel TEXT NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    address TEXT,
    occurred_at INTEGER NOT NULL,
    arrived_at INTEGER NOT NULL,
    source TEXT NOT NULL,
    wording TEXT,
    proof TEXT,
    event_id INTEGER,
    CONSTRAINT pk_consents PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_consents_customer_id ON consents (customer_id);

CREATE TABLE customers (
    id INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    email TEXT,
    phone TEXT,
    first_name TEXT,
    last_name TEXT,
    gender TEXT,
    locale TEXT,
    timezone TEXT,
    country TEXT,
    city TEXT,
    postal_code TEXT,
    birthday TEXT,
    registered_at INTEGER,
    orders INTEGER DEFAULT '0' NOT NULL,
    revenue INTEGER DEFAULT '0' NOT NULL,
    revenue_gross INTEGER DEFAULT '0' NOT NULL,
    returned INTEGER DEFAULT '0' NOT NULL,
    returns INTEGER DEFAULT '0' NOT NULL,
    units INTEGER DEFAULT '0' NOT NULL,
    first_order_at INTEGER,
    last_order_at INTEGER,
    last_activity_at INTEGER,
    traits TEXT DEFAULT '{}' NOT NULL,
    detail TEXT DEFAULT '{}' NOT NULL,
    settled TEXT,
    settled_until INTEGER,
    next_due_at INTEGER,
    planned_version INTEGER DEFAULT '0' NOT NULL,
    entries TEXT DEFAULT '{}' NOT NULL,
    merged_into INTEGER,
    erased_at INTEGER,
    CONSTRAINT pk_customers PRIMARY KEY (id),
    CONSTRAINT uq_customers_key UNIQUE ("key"),
    CONSTRAINT fk_customers_merged_into FOREIGN KEY(merged_into) REFERENCES customers (id)
)
 STRICT;

CREATE INDEX ix_customers_email ON customers (email);

CREATE INDEX ix_customers_last_name ON customers (last_name);

CREATE INDEX ix_customers_next_due_at ON customers (next_due_at) WHERE next_due_at IS NOT NULL;

CREATE INDEX ix_customers_planned_version ON customers (planned_version);

CREATE TABLE decisions (
    id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    customer_id INTEGER NOT NULL,
    enrolment_id INTEGER,
    "trigger" TEXT NOT NULL,
    step INTEGER NOT NULL,
    channel TEXT,
    outcome TEXT NOT NULL,
    reason TEXT,
    until INTEGER,
    late INTEGER DEFAULT '0' NOT NULL,
    planned_at INTEGER NOT NULL,
    rules TEXT,
    objections TEXT,
    message_id INTEGER,
    version INTEGER NOT NULL,
    CONSTRAINT pk_decisions PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_decisions_at ON decisions (at);

CREATE INDEX ix_decisions_customer_id ON decisions (customer_id, at);

CREATE INDEX ix_decisions_trigger ON decisions ("trigger", at);

CREATE TABLE enrolments (
    id INTEGER NOT NULL,
    customer_id INTEGER NOT NULL,
    "trigger" TEXT NOT NULL,
    cause_key TEXT NOT NULL,
    cause_at INTEGER NOT NULL,
    cause_event INTEGER,
    key_value TEXT,
    entered_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    step INTEGER NOT NULL,
    planned_at INTEGER NOT NULL,
    due_at INTEGER,
    waits_for TEXT,
    waits_until INTEGER,
    last_message_at INTEGER,
    resumed_at INTEGER,
    ended_at INTEGER,
    CONSTRAINT pk_enrolments PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_enrolments_open ON enrolments (customer_id) WHERE state = 'open';

CREATE INDEX ix_enrolments_trigger ON enrolments ("trigger", state);

CREATE UNIQUE INDEX uq_enrolments_cause ON enrolments (customer_id, "trigger", cause_key);

CREATE TABLE events (
    id INTEGER NOT NULL,
    dedup BLOB NOT NULL,
    customer_id INTEGER,
    identity_id INTEGER,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    arrived_at INTEGER NOT NULL,
    history INTEGER DEFAULT '0' NOT NULL,
    source TEXT NOT NULL,
    channel TEXT,
    amount INTEGER,
    properties TEXT DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_events_timeline ON events (customer_id, occurred_at, id);

CREATE UNIQUE INDEX uq_events_dedup ON events (dedup);

CREATE TABLE facts (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_facts PRIMARY KEY (name)
)
 STRICT;

CREATE TABLE imports (
    id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    path TEXT NOT NULL,
    profile TEXT,
    lines INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    duplicate INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    CONSTRAINT pk_imports PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE merges (
    id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    customer_id INTEGER NOT NULL,
    merged_id INTEGER NOT NULL,
    cause TEXT NOT NULL,
    moved TEXT NOT NULL,
    undone_at INTEGER,
    CONSTRAINT pk_merges PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_merges_customer_id ON merges (customer_id);

CREATE TABLE messages (
    id INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    customer_id INTEGER NOT NULL,
    enrolment_id INTEGER NOT NULL,
    "trigger" TEXT NOT NULL,
    step INTEGER NOT NULL,
    channel TEXT NOT NULL,
    template TEXT NOT NULL,
    address TEXT,
    state TEXT NOT NULL,
    reason TEXT,
    planned_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    sent_at INTEGER,
    subject TEXT,
    error TEXT,
    attempts INTEGER DEFAULT '0' NOT NULL,
    claimed_by TEXT,
    claimed_until INTEGER,
    provider_id TEXT,
    lands_at INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    tags TEXT DEFAULT '' NOT NULL,
    weight INTEGER NOT NULL,
    counts INTEGER NOT NULL,
    released_at INTEGER,
    CONSTRAINT pk_messages PRIMARY KEY (id),
    CONSTRAINT uq_messages_key UNIQUE ("key")
)
 STRICT;

CREATE INDEX ix_messages_contacts ON messages (customer_id, lands_at);

CREATE INDEX ix_messages_trigger ON messages ("trigger", planned_at);

CREATE INDEX ix_messages_waiting ON messages (state, planned_at) WHERE state IN ('planned', 'held', 'due', 'claimed');

CREATE TABLE pauses (
    id INTEGER NOT NULL,
    "trigger" TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    policy TEXT NOT NULL,
    transactional INTEGER DEFAULT '0' NOT NULL,
    reason TEXT,
    author TEXT NOT NULL,
    CONSTRAINT pk_pauses PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_pauses_trigger ON pauses ("trigger");

CREATE TABLE playbooks (
    version INTEGER NOT NULL,
    applied_at INTEGER NOT NULL,
    author TEXT NOT NULL,
    files TEXT NOT NULL,
    summary TEXT NOT NULL,
    CONSTRAINT pk_playbooks PRIMARY KEY (version)
)
 STRICT;

CREATE TABLE suppressions (
    id INTEGER NOT NULL,
    medium TEXT NOT NULL,
    address TEXT NOT NULL,
    reason TEXT NOT NULL,
    arrived_at INTEGER NOT NULL,
    source TEXT NOT NULL,
    CONSTRAINT pk_suppressions PRIMARY KEY (id),
    CONSTRAINT uq_suppressions_medium_address_reason UNIQUE (medium, address, reason)
)
 STRICT;

CREATE TABLE triggers (
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    activated_at INTEGER,
    version INTEGER NOT NULL,
    CONSTRAINT pk_triggers PRIMARY KEY (name)
)
 STRICT;

CREATE TABLE identities (
    id INTEGER NOT NULL,
    customer_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    CONSTRAINT pk_identities PRIMARY KEY (id),
    CONSTRAINT uq_identities_kind_value UNIQUE (kind, value),
    CONSTRAINT fk_identities_customer_id FOREIGN KEY(customer_id) REFERENCES customers (id)
)
 STRICT;

CREATE INDEX ix_identities_customer_id ON identities (customer_id);

CREATE TRIGGER consents_no_delete BEFORE DELETE ON consents BEGIN SELECT RAISE(ABORT, 'consents are append-only'); END;

CREATE TRIGGER consents_no_update BEFORE UPDATE ON consents WHEN NEW.id IS NOT OLD.id OR NEW.channel IS NOT OLD.channel OR NEW.purpose IS NOT OLD.purpose OR NEW.state IS NOT OLD.state OR NEW.address IS NOT OLD.address OR NEW.occurred_at IS NOT OLD.occurred_at OR NEW.arrived_at IS NOT OLD.arrived_at OR NEW.source IS NOT OLD.source OR NEW.wording IS NOT OLD.wording OR NEW.proof IS NOT OLD.proof OR NEW.event_id IS NOT OLD.event_id BEGIN SELECT RAISE(ABORT, 'consents are append-only'); END;

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
