-- The schema. docs/decisions/002 says why it looks like this. Times are epoch milliseconds.
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

-- What a lane number stands for.
CREATE TABLE lanes (
    lane     INTEGER PRIMARY KEY,
    queue    TEXT NOT NULL,
    kind     TEXT NOT NULL,
    requires TEXT NOT NULL,
    share    TEXT NOT NULL,
    priority INTEGER NOT NULL
);

-- How many jobs of a lane are in a state: changed by each batch's sums, never counted by scanning.
CREATE TABLE counts (
    lane  INTEGER NOT NULL,
    state INTEGER NOT NULL,
    jobs  INTEGER NOT NULL,
    PRIMARY KEY (lane, state)
) WITHOUT ROWID;

CREATE TABLE jobs (
    id            INTEGER PRIMARY KEY, -- submit sequence and creation time
    place         INTEGER NOT NULL,    -- order inside the lane
    lane          INTEGER NOT NULL,
    queue         TEXT NOT NULL,
    kind          TEXT NOT NULL,
    state         INTEGER NOT NULL,    -- model.State
    attempt       INTEGER NOT NULL,
    forgiven      INTEGER NOT NULL,
    max_attempts  INTEGER NOT NULL,
    keep_ms       INTEGER NOT NULL,    -- how long it stays after its end
    wake_at       INTEGER,             -- scheduled: due; ready: expires; final: removed
    expires_at    INTEGER,
    holder        TEXT,                -- who has or had the last attempt
    worker        TEXT,                -- what people call it
    lease_seconds REAL,
    lost          INTEGER NOT NULL DEFAULT 0, -- its lease ran out and nobody has it since
    owner         TEXT NOT NULL,
    follow        INTEGER,             -- session that wants to hear the end
    key           TEXT,
    started_at    INTEGER,
    finished_at   INTEGER,
    rules         BLOB,                -- JSON of model.Rules
    progress      BLOB,                -- JSON
    fault         BLOB,                -- JSON of model.Fault
    history       BLOB,                -- JSON list: attempts that ended otherwise than by success
    payload       BLOB NOT NULL,       -- JSON, as it came
    result        BLOB                 -- JSON, as it came
);
CREATE INDEX jobs_ready ON jobs (lane, place) WHERE state = 2;
CREATE INDEX jobs_running ON jobs (state) WHERE state = 3;
CREATE INDEX jobs_wake ON jobs (wake_at) WHERE wake_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_key ON jobs (queue, key) WHERE key IS NOT NULL;
