-- The user or API key of an access token with the role holder. In the types of 0001.
ALTER TABLE access_tokens ADD COLUMN subject_kind INTEGER CHECK (subject_kind >= 0);
ALTER TABLE access_tokens ADD COLUMN subject_id TEXT;
