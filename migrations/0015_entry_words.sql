-- The words by which entries of the directory are found, registered or seen in usage: of their ids,
-- names and ids in other systems. Derived, and written with what they are derived from. In the types
-- of 0001.
CREATE TABLE entry_words (
    workspace_id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (workspace_id, kind, id, word)
) WITHOUT ROWID;
CREATE INDEX entry_words_by_word ON entry_words (workspace_id, kind, word, id);

-- Whether entries from before this migration have their words: the next server adds them.
CREATE TABLE entry_words_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    is_complete BOOLEAN NOT NULL
);
INSERT INTO entry_words_state VALUES (1, FALSE);

-- Those that are archived are few: a list of them goes through no others.
CREATE INDEX directory_archived ON directory (workspace_id, kind, id) WHERE archive_time IS NOT NULL;
