-- Access tokens, and on whose behalf a change was made. In the types of 0001.

-- Secrets are kept as their SHA-256, in lower-case hexadecimal. `workspace_ids` is a list, empty for
-- all workspaces. `revision` counts the changes of a token: their sum tells a server that another
-- process has written.
CREATE TABLE access_tokens (
    id TEXT PRIMARY KEY,
    display_name TEXT NOT NULL,
    role INTEGER NOT NULL CHECK (role >= 0),
    workspace_ids TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    secret_time INTEGER NOT NULL,
    old_secret_hash TEXT,
    old_secret_end INTEGER,
    expire_time INTEGER,
    create_time INTEGER NOT NULL,
    revoke_time INTEGER,
    last_use_time INTEGER,
    revision INTEGER NOT NULL DEFAULT 1
);

-- What a caller said in `tollgate-actor` beside its own identity; empty if nothing.
ALTER TABLE audit_events ADD COLUMN on_behalf_of TEXT NOT NULL DEFAULT '';
