-- Files of jobs. docs/decisions/014 says why they look like this.

-- A content, once, however many files name it. It is on the disk before its row and goes after it.
CREATE TABLE blobs (
    sha256 BLOB PRIMARY KEY,
    md5    BLOB NOT NULL,
    bytes  INTEGER NOT NULL,
    refs   INTEGER NOT NULL -- rows of `files` that name it
) WITHOUT ROWID;

CREATE TABLE files (
    job       INTEGER NOT NULL,
    direction INTEGER NOT NULL, -- 0: for the worker; 1: from it
    attempt   INTEGER NOT NULL, -- that made it; 0: none
    name      TEXT NOT NULL,
    sha256    BLOB NOT NULL,
    bytes     INTEGER NOT NULL,
    owner     TEXT NOT NULL,    -- whose quota it fills: the job's owner
    PRIMARY KEY (job, direction, attempt, name)
) WITHOUT ROWID;
CREATE INDEX files_sha256 ON files (sha256);

-- Bytes of all files of an owner: changed with them, never counted by scanning.
CREATE TABLE kept (owner TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
