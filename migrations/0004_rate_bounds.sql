-- Rate limits as lists of bounds, the time of a crash as a column, and one name for what a limit
-- applies to: its subject. In the types of 0001.
--
-- Codes are those of the enums in `src/domain/`. Which kinds of subjects, of directory entries and
-- of windows there are is checked by the program alone from here on: a new one needs no new table.

-- When a crash lost what the rate limits of a workspace had counted: saved at a graceful stop
-- until the workspace is loaded again.
ALTER TABLE workspaces ADD COLUMN crash_time INTEGER;

-- It was kept among the counts, as one of no rate limit, before. The buckets of that row are
-- "[[number,time]]".
UPDATE workspaces SET crash_time = (
    SELECT MAX(CAST(LTRIM(LTRIM(RTRIM(buckets, ']'), '[-0123456789'), ',') AS INTEGER))
    FROM rate_counts WHERE workspace_id = workspaces.id AND rate_limit_id = '');
DELETE FROM rate_counts WHERE rate_limit_id = '';

ALTER TABLE rate_counts RENAME TO rate_counts_before;
CREATE TABLE rate_counts (
    workspace_id TEXT NOT NULL,
    rate_limit_id TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    span INTEGER NOT NULL CHECK (span >= 0),
    unit INTEGER NOT NULL CHECK (unit IN (0, 1, 2)),
    buckets TEXT NOT NULL,
    PRIMARY KEY (workspace_id, rate_limit_id, subject_id, span, unit)
);
INSERT INTO rate_counts
    SELECT workspace_id, rate_limit_id, member, span, unit, buckets FROM rate_counts_before;
DROP TABLE rate_counts_before;

-- Without a subject id: for each subject of the kind. Without a model: for all.
ALTER TABLE quotas RENAME TO quotas_before;
CREATE TABLE quotas (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    subject_kind INTEGER NOT NULL CHECK (subject_kind >= 0),
    subject_id TEXT,
    model_id TEXT,
    unit INTEGER NOT NULL CHECK (unit IN (0, 1, 2)),
    period INTEGER NOT NULL CHECK (period IN (0, 1, 2, 3, 4)),
    limit_count INTEGER,
    enforcement INTEGER NOT NULL CHECK (enforcement IN (0, 1, 2, 3)),
    thresholds TEXT NOT NULL,
    window_start INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
INSERT INTO quotas
    SELECT workspace_id, id, display_name, kind, member, model_id, unit, period, limit_count,
        enforcement, thresholds, window_start, create_time, update_time FROM quotas_before;
DROP TABLE quotas_before;
CREATE INDEX quotas_by_subject ON quotas (workspace_id, subject_id, id);

-- Bounds are a list of [unit, window, amount].
ALTER TABLE rate_limits RENAME TO rate_limits_before;
CREATE TABLE rate_limits (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    subject_kind INTEGER NOT NULL CHECK (subject_kind >= 0),
    subject_id TEXT,
    model_id TEXT,
    bounds TEXT NOT NULL,
    enforcement INTEGER NOT NULL CHECK (enforcement IN (0, 1, 2, 3)),
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
INSERT INTO rate_limits
    SELECT workspace_id, id, display_name, kind, member, model_id,
        '[' || SUBSTR(COALESCE(',[2,0,' || requests_per_minute || ']', '')
            || COALESCE(',[1,0,' || tokens_per_minute || ']', '')
            || COALESCE(',[2,1,' || requests_per_day || ']', ''), 2) || ']',
        enforcement, create_time, update_time FROM rate_limits_before;
DROP TABLE rate_limits_before;
CREATE INDEX rate_limits_by_subject ON rate_limits (workspace_id, subject_id, id);

ALTER TABLE boosts RENAME COLUMN member TO subject_id;

-- `target` is the model or the quota, empty for the workspace; of a quota alone there is a subject.
ALTER TABLE alerts RENAME TO alerts_before;
CREATE TABLE alerts (
    seq INTEGER PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    subject INTEGER NOT NULL CHECK (subject IN (0, 1, 2)),
    target TEXT NOT NULL,
    subject_kind INTEGER NOT NULL CHECK (subject_kind >= 0),
    subject_id TEXT NOT NULL,
    alert_type INTEGER NOT NULL CHECK (alert_type >= 0),
    window_start INTEGER NOT NULL,
    threshold INTEGER NOT NULL,
    window_end INTEGER,
    unit INTEGER CHECK (unit IN (0, 1, 2)),
    limit_count INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    time INTEGER NOT NULL,
    acknowledge_time INTEGER,
    acknowledge_actor TEXT,
    UNIQUE (workspace_id, window_start, subject, target, subject_kind, subject_id, alert_type,
        threshold)
);
INSERT INTO alerts
    SELECT seq, workspace_id, subject, target, member_kind, member, alert_type, window_start,
        threshold, window_end, unit, limit_count, spent, time, acknowledge_time, acknowledge_actor
    FROM alerts_before;
DROP TABLE alerts_before;
CREATE INDEX alerts_of_workspace ON alerts (workspace_id, seq);

ALTER TABLE directory RENAME TO directory_before;
CREATE TABLE directory (
    workspace_id TEXT NOT NULL,
    kind INTEGER NOT NULL CHECK (kind >= 0),
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
INSERT INTO directory
    SELECT workspace_id, kind, id, display_name, department_id, external_id, sign_up_time,
        first_value_time, create_time, update_time, archive_time FROM directory_before;
DROP TABLE directory_before;
CREATE INDEX directory_of_department ON directory (workspace_id, kind, department_id, id);
