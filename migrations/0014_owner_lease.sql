-- The lease of the server that owns the database. In the types of 0001.

-- When the owner last renewed it, by the clock of the database, and for how long, in microseconds;
-- no lease with 0.
ALTER TABLE owner ADD COLUMN renew_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE owner ADD COLUMN lease INTEGER NOT NULL DEFAULT 0;

-- Which node the owner runs on, if it was told, and where callers reach it.
ALTER TABLE owner ADD COLUMN node TEXT NOT NULL DEFAULT '';
ALTER TABLE owner ADD COLUMN address TEXT NOT NULL DEFAULT '';
