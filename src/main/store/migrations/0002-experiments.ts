export const experiments = `
  CREATE TABLE experiment (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    created_at_ms REAL    NOT NULL,
    manifest      TEXT    NOT NULL -- JSON
  ) STRICT;
  CREATE TABLE run (
    id            INTEGER PRIMARY KEY,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id),
    route_id      TEXT    REFERENCES route (id),
    state         TEXT    NOT NULL,
    started_at_ms REAL    NOT NULL,
    ended_at_ms   REAL,
    samples       INTEGER NOT NULL DEFAULT 0 -- pings, transfers and handshakes, counted in their own transaction
  ) STRICT;
  CREATE INDEX run_of_experiment ON run (experiment_id);
  CREATE INDEX run_of_route ON run (route_id);
`;
