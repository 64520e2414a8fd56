-- How long checks of a workspace go on while storage takes no writes, and how much they may hold
-- meanwhile: absent for a tenth of the envelope.
ALTER TABLE workspaces ADD COLUMN outage_duration_micros BIGINT NOT NULL DEFAULT 600000000;
ALTER TABLE workspaces ADD COLUMN outage_held_limit_nanos BIGINT;
