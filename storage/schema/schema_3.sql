-- Journeys with branches, waits, goals and splits; messages of several steps; what a new playbook does to who is under way. Never changed.

ALTER TABLE customers ADD COLUMN joins TEXT;

ALTER TABLE enrolments ADD COLUMN variant TEXT;

ALTER TABLE enrolments ADD COLUMN goal_at INTEGER;

ALTER TABLE enrolments ADD COLUMN waited TEXT;

ALTER TABLE enrolments ADD COLUMN held_by TEXT;

ALTER TABLE enrolments ADD COLUMN shared TEXT;

ALTER TABLE pauses ADD COLUMN customer_id INTEGER;

ALTER TABLE messages ADD COLUMN digest TEXT;

ALTER TABLE decisions ADD COLUMN variant TEXT;

ALTER TABLE decisions ADD COLUMN note TEXT;

ALTER TABLE playbooks ADD COLUMN under_way TEXT;

CREATE INDEX ix_events_orders ON events (occurred_at) WHERE name = 'Order Completed';

CREATE INDEX ix_playbooks_under_way ON playbooks (version, applied_at, under_way) WHERE under_way IS NOT NULL;

CREATE INDEX ix_enrolments_version ON enrolments ("trigger", version) WHERE state = 'open' AND version > 0;

UPDATE customers SET planned_version = 9007199254740992 WHERE merged_into IS NOT NULL;
