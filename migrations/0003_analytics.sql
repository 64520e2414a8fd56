-- Who uses it, for what, what it costs: finer rollups, the directory, decisions. In the words of
-- 0001; `WITHOUT ROWID` keeps rows in the order of their key, and is SQLite's word alone.

-- The local day of `charge_time`, as `hour` is the hour. Of entries from before this migration it
-- is the day in UTC: reports look at the records of such a day one by one where it matters.
ALTER TABLE usage_records ADD COLUMN day INTEGER NOT NULL DEFAULT 0;
UPDATE usage_records SET day = hour - ((hour % 86400000000) + 86400000000) % 86400000000;

ALTER TABLE workspaces ADD COLUMN usage_retention_days INTEGER;
-- Entries of days that begin before this may have been dropped from the log.
ALTER TABLE workspaces ADD COLUMN dropped_before INTEGER;

-- Sums of the log up to the cursor: by dimension and local hour, by dimension and local day, and
-- by dimension, local day and metered model. Not by several dimensions at once: that would be the
-- log again. Codes of dimensions are those of `src/storage/sql/codec.rs`.
DROP TABLE rollups;
CREATE TABLE rollups_by_hour (
    workspace_id TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    value TEXT NOT NULL,
    record_count INTEGER NOT NULL,
    error_count INTEGER NOT NULL,
    cancelled_count INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    input INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    audio_input INTEGER NOT NULL,
    audio_output INTEGER NOT NULL,
    image_input INTEGER NOT NULL,
    image_output INTEGER NOT NULL,
    latency INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, dimension, hour, value)
) WITHOUT ROWID;
CREATE INDEX rollups_by_hour_value ON rollups_by_hour (workspace_id, dimension, value, hour);

CREATE TABLE rollups_by_day (
    workspace_id TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    day INTEGER NOT NULL,
    value TEXT NOT NULL,
    record_count INTEGER NOT NULL,
    error_count INTEGER NOT NULL,
    cancelled_count INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    input INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    audio_input INTEGER NOT NULL,
    audio_output INTEGER NOT NULL,
    image_input INTEGER NOT NULL,
    image_output INTEGER NOT NULL,
    latency INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, dimension, day, value)
) WITHOUT ROWID;

CREATE TABLE rollups_by_model (
    workspace_id TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    day INTEGER NOT NULL,
    value TEXT NOT NULL,
    model TEXT NOT NULL,
    record_count INTEGER NOT NULL,
    error_count INTEGER NOT NULL,
    cancelled_count INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    input INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    audio_input INTEGER NOT NULL,
    audio_output INTEGER NOT NULL,
    image_input INTEGER NOT NULL,
    image_output INTEGER NOT NULL,
    latency INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, dimension, day, value, model)
) WITHOUT ROWID;
CREATE INDEX rollups_by_model_value ON rollups_by_model (workspace_id, dimension, value, model, day);

-- How latencies of a bucket by day are spread, as text (`src/storage/latency.rs`).
CREATE TABLE rollup_latencies (
    workspace_id TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    day INTEGER NOT NULL,
    value TEXT NOT NULL,
    histogram TEXT NOT NULL,
    PRIMARY KEY (workspace_id, dimension, day, value)
) WITHOUT ROWID;

-- First and last `charge_time` of each local day with entries. It tells whether a bucket by day
-- lies in one day of the zone that the workspace has now.
CREATE TABLE local_days (
    workspace_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    first_time INTEGER NOT NULL,
    last_time INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, day)
) WITHOUT ROWID;

-- What was seen in usage (entries of kind usage): first, last, and first successful, by
-- `charge_time`. An empty text is not a value.
CREATE TABLE seen (
    workspace_id TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    value TEXT NOT NULL,
    first_time INTEGER NOT NULL,
    last_time INTEGER NOT NULL,
    first_success_time INTEGER,
    PRIMARY KEY (workspace_id, dimension, value)
) WITHOUT ROWID;

-- Requests that were blocked or routed, by local hour: once for the request (limit_kind 0), and
-- once for each limit that was in the way. Not derived from the log.
CREATE TABLE refusals (
    workspace_id TEXT NOT NULL,
    hour INTEGER NOT NULL,
    limit_kind INTEGER NOT NULL CHECK (limit_kind IN (0, 1, 2, 3, 4, 5)),
    limit_id TEXT NOT NULL,
    model TEXT NOT NULL,
    user_id TEXT NOT NULL,
    blocked_count INTEGER NOT NULL,
    routed_count INTEGER NOT NULL,
    blocked_nanos INTEGER NOT NULL,
    saved_nanos INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, hour, limit_kind, limit_id, model, user_id)
) WITHOUT ROWID;

-- Counts the transactions of the fold, so that one whose outcome was unknown is not applied twice.
ALTER TABLE fold_cursor ADD COLUMN batch INTEGER NOT NULL DEFAULT 0;
UPDATE fold_cursor SET seq = 0;

-- Whom and what usage is attributed to, as administrators know it.
CREATE TABLE directory (
    workspace_id TEXT NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2, 3, 4, 5, 6)),
    id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    department_id TEXT NOT NULL,
    external_id TEXT NOT NULL,
    sign_up_time INTEGER,
    first_value_time INTEGER,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    archive_time INTEGER,
    PRIMARY KEY (workspace_id, kind, id)
) WITHOUT ROWID;
CREATE INDEX directory_by_department ON directory (workspace_id, kind, department_id, id);
