export const probeRuns = `
  CREATE TABLE probe_run (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    input         TEXT,             -- JSON; NULL for an import
    target        TEXT    NOT NULL,
    controller    TEXT,
    created_at_ms REAL    NOT NULL,
    started_at_ms REAL,
    ended_at_ms   REAL,
    emulated      INTEGER NOT NULL,
    insecure      INTEGER NOT NULL,
    error         TEXT,             -- JSON
    result        TEXT,             -- JSON
    removed_at_ms REAL              -- kept for a while, so that a removal can be undone
  ) STRICT;
  -- Appended to as the run goes on: after a crash all but the newest second is there.
  CREATE TABLE probe_series (
    run_id  INTEGER NOT NULL REFERENCES probe_run (id) ON DELETE CASCADE,
    vantage TEXT    NOT NULL,
    part    INTEGER NOT NULL,
    points  INTEGER NOT NULL,
    to_us   INTEGER NOT NULL,
    data    BLOB    NOT NULL, -- shared/series-codec.ts
    PRIMARY KEY (run_id, vantage, part)
  ) STRICT, WITHOUT ROWID;
`;
