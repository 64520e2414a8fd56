-- Erasures of users that have begun and not ended: until then entries of the log up to `seq`, and
-- audit events up to `begin_time`, may still have the id.
CREATE TABLE erasures (
    workspace_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    pseudonym TEXT NOT NULL,
    seq INTEGER NOT NULL,
    record_count INTEGER NOT NULL,
    begin_time INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
);
