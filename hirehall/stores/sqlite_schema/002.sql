-- Gates, queues, logs, tags and tokens. docs/decisions/005 says why they look like this. Times are epoch milliseconds.

-- One row per job with `after` or `lock`, until it ends.
CREATE TABLE gates (
    id       INTEGER PRIMARY KEY,
    waits    INTEGER NOT NULL, -- jobs named in `after` that have not succeeded yet
    queue    TEXT NOT NULL,
    lock     TEXT,
    priority INTEGER NOT NULL,
    stage    INTEGER NOT NULL  -- 0: does not want its lock yet; 1: waits for it; 2: holds a place of it
);
CREATE INDEX gates_lock ON gates (queue, lock, stage, priority DESC, id) WHERE lock IS NOT NULL;

-- Who waits for whom.
CREATE TABLE parents (
    parent INTEGER NOT NULL,
    child  INTEGER NOT NULL,
    PRIMARY KEY (parent, child)
) WITHOUT ROWID;
CREATE INDEX parents_child ON parents (child);

-- Parents that have ended and whose children have not all been told.
CREATE TABLE ended_parents (parent INTEGER PRIMARY KEY, state INTEGER NOT NULL);

-- What is set on a queue; absent: all is default.
CREATE TABLE queues (name TEXT PRIMARY KEY, settings BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE tags (
    tag TEXT NOT NULL,
    id  INTEGER NOT NULL,
    PRIMARY KEY (tag, id)
) WITHOUT ROWID;
CREATE INDEX tags_id ON tags (id);

-- An attempt's log: JSON lines; `at_byte` counts what was cut out in the middle too.
CREATE TABLE logs (
    job     INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    at_byte INTEGER NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY (job, attempt, at_byte)
) WITHOUT ROWID;

CREATE TABLE tokens (
    name       TEXT PRIMARY KEY,
    digest     BLOB NOT NULL UNIQUE, -- SHA-256 of the token
    roles      TEXT NOT NULL,        -- JSON list
    queues     TEXT,                 -- JSON list; NULL: all
    kinds      TEXT,                 -- JSON list; NULL: all
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) WITHOUT ROWID;

-- The dead letter is what people look for.
CREATE INDEX jobs_failed ON jobs (state) WHERE state = 5;
