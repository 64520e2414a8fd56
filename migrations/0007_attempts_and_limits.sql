-- Attempts of requests that were checked again, clocks that were put right, and alerts that know the
-- value of their limit. In the types of 0001.

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
