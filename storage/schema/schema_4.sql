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
