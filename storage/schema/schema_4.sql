-- What an import brought, so that it can be taken back. Never changed.

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
	CONSTRAINT pk_links PRIMARY KEY (strong_id, other_id)
)
 WITHOUT ROWID, STRICT;

CREATE INDEX ix_links_other_id ON links (other_id);

CREATE TABLE aliases (
	previous TEXT NOT NULL, 
	identity_id INTEGER NOT NULL, 
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

INSERT INTO links SELECT hub.id, other.id FROM identities AS other JOIN identities AS hub ON hub.id = (SELECT strongest.id FROM identities AS strongest WHERE strongest.customer_id = other.customer_id ORDER BY instr('user  email phone loyalty anonymous push', strongest.kind), strongest.id LIMIT 1) WHERE hub.id <> other.id AND other.kind <> 'user';

INSERT INTO identity_decisions SELECT hub.id, other.id, 'kept', other.first_seen_at FROM identities AS other JOIN customers ON customers.id = other.customer_id JOIN identities AS hub ON hub.id = coalesce((SELECT named.id FROM identities AS named WHERE named.customer_id = customers.id AND named.kind = 'user' AND named.value = customers."key"), (SELECT min(named.id) FROM identities AS named WHERE named.customer_id = customers.id AND named.kind = 'user')) WHERE other.kind = 'user' AND hub.id <> other.id;
