-- Orders as business objects: by number, and in their own currency. Never changed.

ALTER TABLE events ADD COLUMN order_key TEXT;

ALTER TABLE events ADD COLUMN standing INTEGER DEFAULT '0' NOT NULL;

ALTER TABLE events ADD COLUMN currency TEXT;

ALTER TABLE events ADD COLUMN own_amount INTEGER;

ALTER TABLE events ADD COLUMN rate TEXT;

CREATE INDEX ix_events_order_key ON events (order_key) WHERE order_key IS NOT NULL;

CREATE INDEX ix_events_set_aside ON events (currency) WHERE currency IS NOT NULL AND rate IS NULL;

INSERT INTO facts (name, value) SELECT 'orders_to_build', '1' WHERE EXISTS (SELECT 1 FROM customers);
