-- What an import brought, so that it can be taken back; orders by number and in their own currency. Never changed.

ALTER TABLE imports ADD COLUMN undone_at INTEGER;

CREATE TABLE import_spans (
	import_id INTEGER NOT NULL, 
	first_event INTEGER NOT NULL, 
	last_event INTEGER NOT NULL, 
	last_customer INTEGER NOT NULL, 
	last_identity INTEGER NOT NULL, 
	CONSTRAINT pk_import_spans PRIMARY KEY (import_id, first_event)
)
 WITHOUT ROWID, STRICT;

ALTER TABLE events ADD COLUMN order_key TEXT;

ALTER TABLE events ADD COLUMN standing INTEGER DEFAULT '0' NOT NULL;

ALTER TABLE events ADD COLUMN currency TEXT;

ALTER TABLE events ADD COLUMN own_amount INTEGER;

ALTER TABLE events ADD COLUMN rate TEXT;

CREATE INDEX ix_events_order_key ON events (order_key) WHERE order_key IS NOT NULL;

CREATE INDEX ix_events_set_aside ON events (currency) WHERE currency IS NOT NULL AND rate IS NULL;

INSERT INTO facts (name, value) SELECT 'orders_to_build', '1' WHERE EXISTS (SELECT 1 FROM customers);

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

INSERT OR REPLACE INTO listed_consents (identity_id, source, channel, purpose, address, state, said_at, dated_at, arrived_at, word) SELECT events.identity_id, events.source, consents.channel, consents.purpose, coalesce(consents.address, CASE consents.channel WHEN 'email' THEN json_extract(events.properties, '$.email') WHEN 'sms' THEN json_extract(events.properties, '$.phone') WHEN 'whatsapp' THEN json_extract(events.properties, '$.phone') END, ''), consents.state, events.occurred_at, nullif(consents.occurred_at, events.occurred_at), consents.arrived_at, consents.state FROM consents JOIN events ON events.id = consents.event_id WHERE events.kind = 'identify' AND events.identity_id IS NOT NULL ORDER BY consents.id;

DROP TRIGGER consents_no_update;

CREATE TRIGGER consents_no_update BEFORE UPDATE ON consents WHEN NEW.id IS NOT OLD.id OR NEW.channel IS NOT OLD.channel OR NEW.purpose IS NOT OLD.purpose OR NEW.state IS NOT OLD.state OR NEW.address IS NOT OLD.address OR NEW.occurred_at IS NOT OLD.occurred_at OR NEW.arrived_at IS NOT OLD.arrived_at OR NEW.source IS NOT OLD.source OR NEW.wording IS NOT OLD.wording OR NEW.proof IS NOT OLD.proof OR NEW.event_id IS NOT OLD.event_id OR NEW.basis IS NOT OLD.basis BEGIN SELECT RAISE(ABORT, 'consents are append-only'); END;

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

-- Who is one person.

ALTER TABLE identities ADD COLUMN contested INTEGER DEFAULT '0' NOT NULL;

ALTER TABLE identities ADD COLUMN said_at INTEGER;

ALTER TABLE identities ADD COLUMN said_by INTEGER;

ALTER TABLE events ADD COLUMN others TEXT;

ALTER TABLE events ADD COLUMN traits TEXT;

ALTER TABLE merges ADD COLUMN undone_cause TEXT;

CREATE TABLE links (
	strong_id INTEGER NOT NULL, 
	other_id INTEGER NOT NULL, 
	first_event INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_links PRIMARY KEY (strong_id, other_id)
)
 WITHOUT ROWID, STRICT;

CREATE INDEX ix_links_other_id ON links (other_id);

CREATE TABLE aliases (
	previous TEXT NOT NULL, 
	identity_id INTEGER NOT NULL, 
	first_event INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_aliases PRIMARY KEY (previous, identity_id)
)
 WITHOUT ROWID, STRICT;

CREATE INDEX ix_aliases_identity_id ON aliases (identity_id);

CREATE TABLE identity_decisions (
	first_id INTEGER NOT NULL, 
	second_id INTEGER NOT NULL, 
	verdict TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	CONSTRAINT pk_identity_decisions PRIMARY KEY (first_id, second_id)
)
 WITHOUT ROWID, STRICT;

CREATE INDEX ix_identity_decisions_second_id ON identity_decisions (second_id);

INSERT INTO links (strong_id, other_id) SELECT hub.id, other.id FROM identities AS other JOIN identities AS hub ON hub.id = (SELECT strongest.id FROM identities AS strongest WHERE strongest.customer_id = other.customer_id ORDER BY instr('user  email phone loyalty anonymous push', strongest.kind), strongest.id LIMIT 1) WHERE hub.id <> other.id AND other.kind <> 'user';

INSERT INTO identity_decisions SELECT hub.id, other.id, 'kept', other.first_seen_at FROM identities AS other JOIN customers ON customers.id = other.customer_id JOIN identities AS hub ON hub.id = coalesce((SELECT named.id FROM identities AS named WHERE named.customer_id = customers.id AND named.kind = 'user' AND named.value = customers."key"), (SELECT min(named.id) FROM identities AS named WHERE named.customer_id = customers.id AND named.kind = 'user')) WHERE other.kind = 'user' AND hub.id <> other.id;

-- What an import said of lists and addresses, so that it can be taken back.

ALTER TABLE events ADD COLUMN listed TEXT;

UPDATE events SET listed = said.listed FROM (SELECT consents.event_id AS event_id, json_group_array(json_array(consents.channel, consents.purpose, coalesce(consents.address, CASE consents.channel WHEN 'email' THEN json_extract(told.properties, '$.email') WHEN 'sms' THEN json_extract(told.properties, '$.phone') WHEN 'whatsapp' THEN json_extract(told.properties, '$.phone') END, ''), consents.state, nullif(consents.occurred_at, told.occurred_at), json('false'))) AS listed FROM consents JOIN events AS told ON told.id = consents.event_id WHERE told.kind = 'identify' AND told.identity_id IS NOT NULL GROUP BY consents.event_id) AS said WHERE said.event_id = events.id;

CREATE TABLE address_reports (
	event_id INTEGER NOT NULL, 
	medium TEXT NOT NULL, 
	address TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	occurred_at INTEGER NOT NULL, 
	arrived_at INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	CONSTRAINT pk_address_reports PRIMARY KEY (event_id)
)
 STRICT;

CREATE INDEX ix_address_reports_address ON address_reports (address);

-- Events that are stamped later than they were taken in.

CREATE TABLE future_events (
	event_id INTEGER NOT NULL, 
	occurred_at INTEGER NOT NULL, 
	CONSTRAINT pk_future_events PRIMARY KEY (event_id)
)
 STRICT;

CREATE INDEX ix_future_events_occurred_at ON future_events (occurred_at);

INSERT INTO future_events SELECT id, occurred_at FROM events WHERE occurred_at >= arrived_at;
