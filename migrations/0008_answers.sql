-- The provider answers that usage was read in, without content, as JSON. In the types of 0001.

-- Empty where the caller counted.
ALTER TABLE usage_records ADD COLUMN answer TEXT NOT NULL DEFAULT '';
