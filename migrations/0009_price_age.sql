-- When prices were last known to be right, and from which age on a workspace sees them as stale. In
-- the types of 0001.

-- Days; absent for never.
ALTER TABLE workspaces ADD COLUMN price_max_age_days INTEGER;

-- The last import that had the price unchanged. Built-in prices have no rows of their own.
CREATE TABLE price_confirmations (
    price_id TEXT NOT NULL PRIMARY KEY,
    confirm_time INTEGER NOT NULL
);
