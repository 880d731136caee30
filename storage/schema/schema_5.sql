-- The queue of each channel, in which triggers take turns.

CREATE INDEX ix_messages_queue ON messages (channel, state, "trigger", planned_at) WHERE state IN ('planned', 'held', 'due', 'claimed');
