-- Records that cost more than an amount that their workspace names, and the alerts about them. In the
-- types of 0001.

-- Absent for none.
ALTER TABLE workspaces ADD COLUMN large_record_cost_nanos INTEGER;

-- What was named when the record was written and cost more than that; 0 for all others.
ALTER TABLE usage_records ADD COLUMN large_above_nanos INTEGER NOT NULL DEFAULT 0
    CHECK (large_above_nanos >= 0);

-- They are few. In the order of lists, and of the days in which they are counted.
CREATE INDEX usage_records_large ON usage_records (workspace_id, charge_time, seq)
    WHERE large_above_nanos > 0;
CREATE INDEX usage_records_large_written ON usage_records (workspace_id, record_time)
    WHERE large_above_nanos > 0;

-- The record that an alert is about; absent of alerts that are about none.
ALTER TABLE alerts ADD COLUMN record_seq INTEGER;
ALTER TABLE alerts ADD COLUMN record_request_id TEXT;
ALTER TABLE alerts ADD COLUMN record_attempt INTEGER;
ALTER TABLE alerts ADD COLUMN record_model_id TEXT;
ALTER TABLE alerts ADD COLUMN record_user_id TEXT;
ALTER TABLE alerts ADD COLUMN record_api_key_id TEXT;
CREATE INDEX alerts_of_large_records ON alerts (workspace_id, window_start)
    WHERE record_seq IS NOT NULL;
