-- The log of usage, what is derived from it, the catalogue and the workspaces.
--
-- One text for both databases, in the words of SQLite. For Postgres `src/storage/sql/schema.rs`
-- puts BIGINT for INTEGER and TEXT COLLATE "C" for TEXT, so that whole numbers have 64 bits and
-- texts are compared by their bytes in both. Only these two types and BOOLEAN are used.
--
-- Times are microseconds since 1970-01-01T00:00:00Z. Amounts are nano-units of a currency.
-- Codes of enums are those of `src/storage/sql/codec.rs`. Lists and maps are JSON.

-- Who may write: the instance that claimed last, at the epoch it got then.
CREATE TABLE owner (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    instance TEXT NOT NULL
);
INSERT INTO owner (id, epoch, instance) VALUES (1, 0, '');

CREATE TABLE models (
    id TEXT NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    display_name TEXT NOT NULL,
    context_window INTEGER,
    max_output INTEGER,
    capabilities TEXT NOT NULL,
    aliases TEXT NOT NULL,
    source INTEGER NOT NULL CHECK (source IN (0, 1, 2)),
    update_time INTEGER NOT NULL
);

CREATE TABLE prices (
    id TEXT NOT NULL PRIMARY KEY,
    model_id TEXT NOT NULL,
    workspace_id TEXT,
    currency TEXT NOT NULL,
    effective_time INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    source INTEGER NOT NULL CHECK (source IN (0, 1, 2)),
    base_rates TEXT NOT NULL,
    variants TEXT NOT NULL
);

CREATE TABLE exchange_rates (
    from_currency TEXT NOT NULL,
    to_currency TEXT NOT NULL,
    effective_time INTEGER NOT NULL,
    rate_nanos INTEGER NOT NULL CHECK (rate_nanos > 0),
    create_time INTEGER NOT NULL,
    PRIMARY KEY (from_currency, to_currency, effective_time)
);

-- The three columns of the plan are absent together until one is set.
CREATE TABLE workspaces (
    id TEXT NOT NULL PRIMARY KEY,
    display_name TEXT NOT NULL,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    automatic_fallback BOOLEAN NOT NULL,
    unpriced_models INTEGER NOT NULL CHECK (unpriced_models IN (0, 1)),
    hold_expiry INTEGER NOT NULL CHECK (hold_expiry IN (0, 1)),
    may_have_expiry_charges BOOLEAN NOT NULL,
    plan_budget_nanos INTEGER,
    plan_overage_nanos INTEGER,
    plan_start_date TEXT,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL
);

CREATE TABLE workspace_models (
    workspace_id TEXT NOT NULL,
    model_id TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    limit_nanos INTEGER,
    limit_enabled BOOLEAN NOT NULL,
    fallback_model_ids TEXT NOT NULL,
    PRIMARY KEY (workspace_id, model_id)
);

-- The truth. Only ever added to. An empty text is "not said"; an empty price_id is "at zero".
CREATE TABLE usage_records (
    seq INTEGER PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    attempt INTEGER NOT NULL CHECK (attempt >= -1),
    revision INTEGER NOT NULL CHECK (revision >= 0),
    kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),
    model_id TEXT NOT NULL,
    metered_model_id TEXT NOT NULL,
    tier INTEGER NOT NULL CHECK (tier IN (0, 1, 2, 3)),
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
    outcome INTEGER NOT NULL CHECK (outcome IN (0, 1, 2)),
    source INTEGER NOT NULL CHECK (source IN (0, 1)),
    cost_nanos INTEGER NOT NULL,
    unpriced BOOLEAN NOT NULL,
    price_id TEXT NOT NULL,
    exchange_rate_nanos INTEGER NOT NULL CHECK (exchange_rate_nanos > 0),
    charge_time INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    start_time INTEGER NOT NULL,
    record_time INTEGER NOT NULL,
    latency INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    department_id TEXT NOT NULL,
    api_key_id TEXT NOT NULL,
    assistant_id TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    feature_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    investigation_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    tags TEXT NOT NULL,
    UNIQUE (workspace_id, request_id, attempt, revision),
    CHECK (input >= 0 AND cache_read >= 0 AND cache_write_5m >= 0 AND cache_write_1h >= 0
        AND output >= 0 AND reasoning >= 0 AND audio_input >= 0 AND audio_output >= 0
        AND image_input >= 0 AND image_output >= 0),
    -- What the sums over windows rest on: a record lies in the hour it is folded into.
    CHECK (hour <= charge_time AND charge_time - hour < 3600000000)
);
CREATE INDEX usage_records_by_time ON usage_records (workspace_id, charge_time, seq);

-- Holds written down at a graceful stop, until the next start takes them up.
CREATE TABLE holds (
    workspace_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    model_id TEXT NOT NULL,
    routed BOOLEAN NOT NULL,
    held_nanos INTEGER NOT NULL,
    check_time INTEGER NOT NULL,
    expire_time INTEGER NOT NULL,
    price_id TEXT NOT NULL,
    exchange_rate_nanos INTEGER NOT NULL,
    tier INTEGER NOT NULL CHECK (tier IN (0, 1, 2, 3)),
    fingerprint INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    department_id TEXT NOT NULL,
    api_key_id TEXT NOT NULL,
    assistant_id TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    feature_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    investigation_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (workspace_id, request_id)
);

-- Sums of the log up to the cursor, by local hour and dimension. The key begins as the sum over
-- a window asks: all values of one dimension in a range of hours.
CREATE TABLE rollups (
    workspace_id TEXT NOT NULL,
    dimension TEXT NOT NULL,
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
);

-- The seq up to which the log is folded into the rollups.
CREATE TABLE fold_cursor (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL
);
INSERT INTO fold_cursor (id, seq) VALUES (1, 0);
