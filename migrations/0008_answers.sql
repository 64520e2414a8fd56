-- The provider answers that usage was read in, without content, as JSON; what a workspace does with
-- the cost that a provider reports; the cache reads of holds; and records that were written late. In
-- the types of 0001.

-- Empty where the caller counted.
ALTER TABLE usage_records ADD COLUMN answer TEXT NOT NULL DEFAULT '';

-- [providers whose reported cost is charged, percent of a difference that raises an alert]
ALTER TABLE workspaces ADD COLUMN reported_cost TEXT NOT NULL DEFAULT '[[],0]';

-- Records that were written a day or more after the time they are charged to, as corrections are.
CREATE INDEX usage_records_late ON usage_records (workspace_id, record_time)
    WHERE record_time - charge_time >= 86400000000;

-- Of held_tokens.
ALTER TABLE holds ADD COLUMN held_cache_reads INTEGER NOT NULL DEFAULT 0;
