-- What a crash leaves of the holds of a workspace: 0 nothing, as before; 1 and 2: they are stored as
-- they are taken and end.
ALTER TABLE workspaces ADD COLUMN hold_durability INTEGER NOT NULL DEFAULT 0;
