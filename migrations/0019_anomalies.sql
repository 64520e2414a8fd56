-- Anomalies of usage, who explains them, and the policy of which are stored. In the types of 0001.

CREATE TABLE anomalies (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    dimension INTEGER NOT NULL,
    -- Empty for the workspace itself.
    member_id TEXT NOT NULL,
    metric INTEGER NOT NULL,
    step INTEGER NOT NULL,
    start_time INTEGER NOT NULL,
    end_time INTEGER NOT NULL,
    is_drop BOOLEAN NOT NULL,
    is_open BOOLEAN NOT NULL,
    detect_time INTEGER NOT NULL,
    -- In the unit of the metric.
    expected INTEGER NOT NULL,
    actual INTEGER NOT NULL,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    impact_nanos INTEGER NOT NULL CHECK (impact_nanos >= 0),
    impact_percent INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    alerts INTEGER NOT NULL,
    -- Absent together.
    feedback INTEGER,
    feedback_time INTEGER,
    feedback_actor TEXT,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX anomalies_once
    ON anomalies (workspace_id, dimension, member_id, metric, step, start_time);
CREATE INDEX anomalies_listed ON anomalies (workspace_id, start_time, id);
CREATE INDEX anomalies_unsettled ON anomalies (workspace_id) WHERE is_open OR alerts IN (1, 2);
CREATE INDEX anomalies_false ON anomalies (workspace_id, feedback_time) WHERE feedback = 2;

CREATE TABLE anomaly_contributors (
    workspace_id TEXT NOT NULL,
    anomaly_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    dimension INTEGER NOT NULL,
    member_id TEXT NOT NULL,
    -- In hundredths of a percent.
    share INTEGER NOT NULL,
    before INTEGER NOT NULL,
    after INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, anomaly_id, position)
);

CREATE TABLE anomaly_policies (
    workspace_id TEXT NOT NULL PRIMARY KEY,
    -- Absent for a share of the plan budget.
    least_impact_nanos INTEGER,
    sensitivity INTEGER NOT NULL
);

CREATE TABLE anomaly_mutes (
    workspace_id TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    member_id TEXT NOT NULL,
    end_time INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, dimension, member_id)
);

-- The anomaly that an alert is about; absent of alerts that are about none. Who explains it is JSON.
ALTER TABLE alerts ADD COLUMN anomaly_id TEXT;
ALTER TABLE alerts ADD COLUMN anomaly_kind INTEGER;
ALTER TABLE alerts ADD COLUMN anomaly_metric INTEGER;
ALTER TABLE alerts ADD COLUMN anomaly_is_over BOOLEAN;
ALTER TABLE alerts ADD COLUMN anomaly_explained_by TEXT;
