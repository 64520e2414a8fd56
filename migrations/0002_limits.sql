-- What bounds the members of a workspace, who changed it, and alerts. In the words of 0001.

-- How the instance that owned the database before has ended (a code; 0: there was none), and
-- whether the one that owns it now has stopped.
ALTER TABLE owner ADD COLUMN predecessor INTEGER NOT NULL DEFAULT 0
    CHECK (predecessor IN (0, 1, 2));
ALTER TABLE owner ADD COLUMN stopped BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE workspaces ADD COLUMN unknown_keys INTEGER NOT NULL DEFAULT 0
    CHECK (unknown_keys IN (0, 1));
-- Percent at which alerts are raised: of the envelope, then of model limits.
ALTER TABLE workspaces ADD COLUMN alert_policy TEXT NOT NULL DEFAULT '[[50,80,100],[50,80,100]]';

ALTER TABLE usage_records ADD COLUMN key_group_id TEXT NOT NULL DEFAULT '';

ALTER TABLE holds ADD COLUMN held_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE holds ADD COLUMN key_group_id TEXT NOT NULL DEFAULT '';

-- Every bucket is of one metered model too, so that what a member used of a model is a sum of
-- buckets. They are folded anew from the log. The key begins as the sum over a window of every
-- member asks, the index as that of one member.
DROP TABLE rollups;
CREATE TABLE rollups (
    workspace_id TEXT NOT NULL,
    dimension TEXT NOT NULL,
    hour INTEGER NOT NULL,
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
    PRIMARY KEY (workspace_id, dimension, hour, value, model)
);
CREATE INDEX rollups_by_value ON rollups (workspace_id, dimension, value, hour);
UPDATE fold_cursor SET seq = 0;

-- Caps. Without a member: for each member of the kind. Without a model: for all.
CREATE TABLE quotas (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2, 3, 4, 5, 6)),
    member TEXT,
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
CREATE INDEX quotas_by_member ON quotas (workspace_id, member, id);

CREATE TABLE rate_limits (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2, 3, 4, 5, 6)),
    member TEXT,
    model_id TEXT,
    requests_per_minute INTEGER,
    tokens_per_minute INTEGER,
    requests_per_day INTEGER,
    enforcement INTEGER NOT NULL CHECK (enforcement IN (0, 1, 2, 3)),
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX rate_limits_by_member ON rate_limits (workspace_id, member, id);

CREATE TABLE api_keys (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    key_group_id TEXT,
    allowed_model_ids TEXT NOT NULL,
    disabled BOOLEAN NOT NULL,
    expire_time INTEGER,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX api_keys_by_group ON api_keys (workspace_id, key_group_id, id);

CREATE TABLE key_groups (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

-- Without a quota: of the envelope. Without a member: for all members.
CREATE TABLE boosts (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    quota_id TEXT,
    member TEXT,
    amount INTEGER NOT NULL CHECK (amount > 0),
    start_time INTEGER NOT NULL,
    end_time INTEGER NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    cancel_time INTEGER,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX boosts_by_start ON boosts (workspace_id, start_time, id);
CREATE INDEX boosts_by_end ON boosts (workspace_id, end_time);
CREATE INDEX boosts_by_quota ON boosts (workspace_id, quota_id, start_time, id);

-- Counts of rate limits written down at a graceful stop, until the next start takes them up.
CREATE TABLE rate_counts (
    workspace_id TEXT NOT NULL,
    rate_limit_id TEXT NOT NULL,
    member TEXT NOT NULL,
    span INTEGER NOT NULL CHECK (span IN (0, 1)),
    unit INTEGER NOT NULL CHECK (unit IN (0, 1, 2)),
    buckets TEXT NOT NULL,
    PRIMARY KEY (workspace_id, rate_limit_id, member, span, unit)
);

-- Who changed what. Only ever added to. Without a state before: made; without one after: gone.
CREATE TABLE audit_events (
    id TEXT NOT NULL PRIMARY KEY,
    time INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    state_before TEXT,
    state_after TEXT
);
CREATE INDEX audit_events_by_time ON audit_events (workspace_id, time, id);
CREATE INDEX audit_events_by_resource
    ON audit_events (workspace_id, resource_type, resource_id, time, id);

-- Each is raised once: nothing is stored twice under what it is about. `target` is the model or
-- the quota, empty for the workspace; of a quota alone there are kind and name of a member.
CREATE TABLE alerts (
    seq INTEGER PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    subject INTEGER NOT NULL CHECK (subject IN (0, 1, 2)),
    target TEXT NOT NULL,
    member_kind INTEGER NOT NULL CHECK (member_kind IN (0, 1, 2, 3, 4, 5, 6)),
    member TEXT NOT NULL,
    alert_type INTEGER NOT NULL CHECK (alert_type IN (0, 1, 2, 3, 4, 5)),
    window_start INTEGER NOT NULL,
    threshold INTEGER NOT NULL,
    window_end INTEGER,
    unit INTEGER CHECK (unit IN (0, 1, 2)),
    limit_count INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    time INTEGER NOT NULL,
    acknowledge_time INTEGER,
    acknowledge_actor TEXT,
    UNIQUE (workspace_id, window_start, subject, target, member_kind, member, alert_type,
        threshold)
);
CREATE INDEX alerts_by_seq ON alerts (workspace_id, seq);

-- Secrets are in base64.
CREATE TABLE webhooks (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    alert_types TEXT NOT NULL,
    disabled BOOLEAN NOT NULL,
    display_name TEXT NOT NULL,
    secret TEXT NOT NULL,
    old_secret TEXT,
    old_secret_end INTEGER,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE email_receivers (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    address TEXT NOT NULL,
    alert_types TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    alert_seq INTEGER NOT NULL,
    receiver_kind INTEGER NOT NULL CHECK (receiver_kind IN (0, 1)),
    receiver_id TEXT NOT NULL,
    state INTEGER NOT NULL CHECK (state IN (0, 1, 2)),
    attempts INTEGER NOT NULL,
    next_attempt_time INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    finish_time INTEGER
);
-- Those that are finished are not in it (state 0 is pending).
CREATE INDEX deliveries_due
    ON deliveries (workspace_id, receiver_kind, receiver_id, next_attempt_time, id)
    WHERE state = 0;
CREATE INDEX deliveries_by_time ON deliveries (workspace_id, create_time, id);
CREATE INDEX deliveries_by_alert ON deliveries (workspace_id, alert_seq, create_time, id);
