-- What is set aside because working on it failed
CREATE TABLE quarantine (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	what TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	trace TEXT NOT NULL, 
	failures INTEGER DEFAULT '0' NOT NULL, 
	crashes INTEGER DEFAULT '0' NOT NULL, 
	first_at INTEGER NOT NULL, 
	since INTEGER, 
	dropped_at INTEGER, 
	version INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_quarantine PRIMARY KEY (id), 
	CONSTRAINT uq_quarantine_kind_subject UNIQUE (kind, subject)
)
 STRICT;

CREATE INDEX ix_quarantine_since ON quarantine (since) WHERE since IS NOT NULL AND dropped_at IS NULL;

-- The queue of each channel, in which triggers take turns
CREATE INDEX ix_messages_queue ON messages (channel, state, "trigger", planned_at) WHERE state IN ('planned', 'held', 'due', 'claimed');
