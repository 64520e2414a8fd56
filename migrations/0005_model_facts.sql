-- The largest input of a model beside its context window, and names of models in one workspace. In
-- the types of 0001.

-- Absent where it is not known.
ALTER TABLE models ADD COLUMN max_input INTEGER;

-- Price lists and the built-in catalog gave it as the window before. Sources: 0 is built in, 2 a
-- list.
UPDATE models SET max_input = context_window WHERE source IN (0, 2);

-- `id` is the alias.
CREATE TABLE model_aliases (
    workspace_id TEXT NOT NULL,
    id TEXT NOT NULL,
    model_id TEXT NOT NULL,
    update_time INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
