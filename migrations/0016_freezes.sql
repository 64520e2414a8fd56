-- Freezes: emergency stops of a workspace or of one of its subjects. In the types of 0001.

CREATE TABLE freezes (
    workspace_id TEXT NOT NULL,
    subject_kind INTEGER NOT NULL,
    -- Empty for the workspace itself.
    subject_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    -- Absent: until it is taken back.
    end_time INTEGER,
    actor TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, subject_kind, subject_id)
);

-- When a workspace was archived; absent if it is not.
ALTER TABLE workspaces ADD COLUMN archive_time INTEGER;
