-- Attempts of requests that were checked again, clocks that were put right, alerts that know the
-- value of their limit, required attribution, the first day of the week, and more periods of quotas.
-- In the types of 0001.

-- The attempt that a hold is for.
ALTER TABLE holds ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;

-- Whether the clock of the caller was out of range, so that start_time was put right.
ALTER TABLE usage_records ADD COLUMN start_time_adjusted BOOLEAN NOT NULL DEFAULT FALSE;

-- A limit with another value raises its thresholds again. `base_limit` is the limit without boosts,
-- 0 for alerts that are not about one; of alerts that were raised before, what was shown.
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
    base_limit INTEGER NOT NULL,
    window_end INTEGER,
    unit INTEGER CHECK (unit IN (0, 1, 2)),
    limit_count INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    time INTEGER NOT NULL,
    acknowledge_time INTEGER,
    acknowledge_actor TEXT,
    UNIQUE (workspace_id, window_start, subject, target, subject_kind, subject_id, alert_type,
        threshold, base_limit)
);
INSERT INTO alerts
    SELECT seq, workspace_id, subject, target, subject_kind, subject_id, alert_type, window_start,
        threshold, limit_count, window_end, unit, limit_count, spent, time, acknowledge_time,
        acknowledge_actor
    FROM alerts_before;
DROP TABLE alerts_before;
CREATE INDEX alerts_of_workspace ON alerts (workspace_id, seq);

-- Fields of the attribution that a check must have, as a list of their numbers; and the day on which
-- weeks begin, from Monday.
ALTER TABLE workspaces ADD COLUMN required_fields TEXT NOT NULL DEFAULT '[]';
ALTER TABLE workspaces ADD COLUMN week_start INTEGER NOT NULL DEFAULT 0 CHECK (week_start >= 0);

-- Which periods there are is checked by the program alone from here on.
ALTER TABLE quotas RENAME TO quotas_before;
CREATE TABLE quotas (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    subject_kind INTEGER NOT NULL CHECK (subject_kind >= 0),
    subject_id TEXT,
    model_id TEXT,
    unit INTEGER NOT NULL CHECK (unit IN (0, 1, 2)),
    period INTEGER NOT NULL CHECK (period >= 0),
    limit_count INTEGER,
    enforcement INTEGER NOT NULL CHECK (enforcement IN (0, 1, 2, 3)),
    thresholds TEXT NOT NULL,
    window_start INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
INSERT INTO quotas
    SELECT workspace_id, id, display_name, subject_kind, subject_id, model_id, unit, period,
        limit_count, enforcement, thresholds, window_start, create_time, update_time
    FROM quotas_before;
DROP TABLE quotas_before;
CREATE INDEX quotas_by_subject ON quotas (workspace_id, subject_id, id);
