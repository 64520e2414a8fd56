-- Recommendations, each once for what it is about, and when they were made last. In the types of
-- 0001.

CREATE TABLE recommendations (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    subject_kind INTEGER NOT NULL,
    -- Empty for the workspace itself.
    subject_id TEXT NOT NULL,
    -- Empty for none, as is the target: a model, a quota or a price.
    model_id TEXT NOT NULL,
    target TEXT NOT NULL,
    evidence_start INTEGER NOT NULL,
    evidence_end INTEGER NOT NULL,
    evidence_requests INTEGER NOT NULL,
    evidence_tokens INTEGER NOT NULL,
    evidence_nanos INTEGER NOT NULL,
    -- Absent together, where nothing is saved in money.
    saving_low INTEGER,
    saving_expected INTEGER,
    saving_high INTEGER,
    baseline_requests INTEGER NOT NULL,
    baseline_nanos INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    find_time INTEGER NOT NULL,
    expire_time INTEGER NOT NULL,
    -- The expected saving, or 0: what lists are ordered by.
    rank_nanos INTEGER NOT NULL,
    state INTEGER NOT NULL,
    -- Who has changed the state: absent together.
    change_time INTEGER,
    change_actor TEXT,
    change_reason TEXT,
    -- Absent together, until something is measured.
    measured_start INTEGER,
    measured_end INTEGER,
    measured_requests INTEGER,
    measured_nanos INTEGER,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX recommendations_once
    ON recommendations (workspace_id, kind, subject_kind, subject_id, model_id, target);
CREATE INDEX recommendations_listed ON recommendations (workspace_id, rank_nanos, id);

CREATE TABLE recommendation_nights (
    workspace_id TEXT NOT NULL PRIMARY KEY,
    -- When the recommendations of the workspace were made last.
    make_time INTEGER NOT NULL
);
