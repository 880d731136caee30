-- Consents of lists, feedback of providers
ALTER TABLE consents ADD COLUMN basis TEXT;

CREATE TABLE listed_consents (
    identity_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    channel TEXT NOT NULL,
    purpose TEXT NOT NULL,
    address TEXT NOT NULL,
    state TEXT NOT NULL,
    said_at INTEGER NOT NULL,
    dated_at INTEGER,
    arrived_at INTEGER NOT NULL,
    previous TEXT,
    word TEXT,
    CONSTRAINT pk_listed_consents PRIMARY KEY (identity_id, source, channel, purpose, address)
)
 WITHOUT ROWID,
 STRICT;

ALTER TABLE suppressions RENAME TO former_suppressions;

CREATE TABLE suppressions (
    id INTEGER NOT NULL,
    medium TEXT NOT NULL,
    address TEXT NOT NULL,
    reason TEXT NOT NULL,
    arrived_at INTEGER NOT NULL,
    source TEXT NOT NULL,
    occurred_at INTEGER,
    lifted_at INTEGER,
    CONSTRAINT pk_suppressions PRIMARY KEY (id)
)
 STRICT;

INSERT INTO suppressions (id, medium, address, reason, arrived_at, source) SELECT id, medium, address, reason, arrived_at, source FROM former_suppressions;

DROP TABLE former_suppressions;

CREATE INDEX ix_suppressions_address ON suppressions (address);

CREATE UNIQUE INDEX ix_suppressions_open ON suppressions (medium, address, reason) WHERE lifted_at IS NULL;

CREATE TABLE soft_bounces (
    medium TEXT NOT NULL,
    address TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    source TEXT NOT NULL,
    CONSTRAINT pk_soft_bounces PRIMARY KEY (medium, address, occurred_at)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE unread (
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    word TEXT NOT NULL,
    number INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    CONSTRAINT pk_unread PRIMARY KEY (kind, source, word)
)
 WITHOUT ROWID,
 STRICT;
