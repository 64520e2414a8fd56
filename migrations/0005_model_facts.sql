-- The largest input of a model beside its context window, in the types of 0001.

-- Absent where it is not known.
ALTER TABLE models ADD COLUMN max_input INTEGER;

-- Price lists and the built-in catalog gave it as the window before. Sources: 0 is built in, 2 a
-- list.
UPDATE models SET max_input = context_window WHERE source IN (0, 2);
