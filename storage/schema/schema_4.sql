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
