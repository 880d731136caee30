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

-- The audit as chains: a row is tied to the one before it of the same writer, and anchors join them
CREATE TABLE audit_carried AS SELECT id, at, author, action, subject, reason, detail, row_number() OVER (ORDER BY id) AS number, lower(hex(randomblob(32))) AS salt, '' AS commitment, (at, author, action, coalesce(reason, '')) IS (lag(at) OVER (ORDER BY id), lag(author) OVER (ORDER BY id), lag(action) OVER (ORDER BY id), coalesce(lag(reason) OVER (ORDER BY id), '')) AS goes_on, 0 AS deed FROM audit;

-- What was done at once, by the same and for the same reason, was one act
UPDATE audit_carried SET deed = found.deed FROM (SELECT number, max(CASE WHEN goes_on THEN 1 ELSE number END) OVER (ORDER BY number) AS deed FROM audit_carried) AS found WHERE found.number = audit_carried.number;

UPDATE audit_carried SET commitment = audit_commitment(salt, author, subject, reason, detail);

CREATE UNIQUE INDEX ix_audit_carried ON audit_carried (number);

DROP TABLE audit;

CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at INTEGER NOT NULL, 
	author TEXT NOT NULL, 
	action TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	reason TEXT, 
	detail TEXT DEFAULT '{}' NOT NULL, 
	writer TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	salt TEXT, 
	commitment TEXT NOT NULL, 
	link TEXT NOT NULL, 
	deed INTEGER NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (id)
)
 STRICT;

INSERT INTO audit WITH RECURSIVE chain (number, link) AS (SELECT number, audit_link('', 'carried', number, deed, at, action, commitment) FROM audit_carried WHERE number = 1 UNION ALL SELECT next.number, audit_link(chain.link, 'carried', next.number, next.deed, next.at, next.action, next.commitment) FROM chain JOIN audit_carried AS next ON next.number = chain.number + 1) SELECT id, at, author, action, subject, reason, detail, 'carried', number, salt, commitment, link, deed FROM chain JOIN audit_carried USING (number) ORDER BY number;

DROP TABLE audit_carried;

CREATE INDEX ix_audit_at ON audit (at);

CREATE INDEX ix_audit_subject ON audit (subject);

CREATE INDEX ix_audit_deed ON audit (writer, deed);

CREATE UNIQUE INDEX ix_audit_writer_number ON audit (writer, number);

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit WHEN NOT (OLD.salt IS NOT NULL AND NEW.salt IS NULL AND NEW.subject = '' AND NEW.reason IS NULL AND NEW.detail = '{}' AND NEW.id = OLD.id AND NEW.at = OLD.at AND NEW.author = OLD.author AND NEW.action = OLD.action AND NEW.writer = OLD.writer AND NEW.number = OLD.number AND NEW.commitment = OLD.commitment AND NEW.link = OLD.link AND NEW.deed = OLD.deed) BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id) OR NEW.number <> 1 + coalesce((SELECT max(number) FROM audit WHERE writer = NEW.writer), 0) BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TABLE audit_anchors (
	id INTEGER NOT NULL, 
	at INTEGER NOT NULL, 
	heads TEXT NOT NULL, 
	link TEXT NOT NULL, 
	CONSTRAINT pk_audit_anchors PRIMARY KEY (id)
)
 STRICT;

CREATE TRIGGER audit_anchors_no_delete BEFORE DELETE ON audit_anchors BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TRIGGER audit_anchors_no_update BEFORE UPDATE ON audit_anchors BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TRIGGER audit_anchors_no_replace BEFORE INSERT ON audit_anchors WHEN EXISTS (SELECT 1 FROM audit_anchors WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TRIGGER consents_no_replace BEFORE INSERT ON consents WHEN EXISTS (SELECT 1 FROM consents WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'consents are append-only'); END;

-- Messages that may have got through
ALTER TABLE messages ADD COLUMN in_doubt INTEGER DEFAULT '0' NOT NULL;

-- The texts of messages as they went out, each packed against what its template says
CREATE TABLE sent_texts (
	message_id INTEGER NOT NULL, 
	made_at INTEGER NOT NULL, 
	base INTEGER NOT NULL, 
	packed BLOB NOT NULL, 
	CONSTRAINT pk_sent_texts PRIMARY KEY (message_id)
)
 STRICT;

CREATE INDEX ix_sent_texts_made_at ON sent_texts (made_at);

CREATE TABLE text_bases (
	id INTEGER NOT NULL, 
	used_at INTEGER NOT NULL, 
	packed BLOB NOT NULL, 
	CONSTRAINT pk_text_bases PRIMARY KEY (id)
)
 STRICT;
