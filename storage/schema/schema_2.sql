-- The lease of the one active scheduler, names folded for the search, and indexes for what the console asks. Never changed.

CREATE TABLE leases (
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    term INTEGER NOT NULL,
    since INTEGER NOT NULL,
    renewed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT pk_leases PRIMARY KEY (name)
)
 STRICT;

DROP INDEX ix_customers_email;

DROP INDEX ix_customers_last_name;

ALTER TABLE customers ADD COLUMN folded_name TEXT;

ALTER TABLE customers ADD COLUMN folded_city TEXT;

UPDATE customers SET folded_name = folded_name(last_name, first_name), folded_city = folded_text(city);

CREATE INDEX ix_customers_words ON customers (folded_name, email, folded_city, postal_code, country, phone, "key", merged_into, erased_at);

CREATE INDEX ix_customers_gone ON customers (id) WHERE merged_into IS NOT NULL OR erased_at IS NOT NULL;

DROP INDEX ix_decisions_trigger;

CREATE INDEX ix_decisions_trigger ON decisions ("trigger", at, outcome, reason);

DROP INDEX ix_enrolments_open;

DROP INDEX ix_enrolments_trigger;

CREATE INDEX ix_enrolments_open ON enrolments (customer_id, planned_at) WHERE state = 'open';

CREATE INDEX ix_enrolments_trigger ON enrolments ("trigger", state, due_at, step, planned_at, customer_id);

CREATE INDEX ix_enrolments_entered ON enrolments ("trigger", entered_at);

CREATE INDEX ix_messages_trouble ON messages (state, planned_at) WHERE state IN ('failed', 'uncertain');

CREATE INDEX ix_messages_sent ON messages ("trigger", sent_at, channel) WHERE sent_at IS NOT NULL;

CREATE INDEX ix_messages_landing ON messages (lands_at, customer_id, counts, released_at) WHERE counts = 1 AND released_at IS NULL;

CREATE INDEX ix_audit_subject ON audit (subject);
