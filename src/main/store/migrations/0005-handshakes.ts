export const handshakes = `
  CREATE TABLE handshake (
    run_id      INTEGER NOT NULL REFERENCES run (id),
    at_us       INTEGER NOT NULL,
    duration_us REAL,             -- NULL: failed
    error_code  TEXT,
    PRIMARY KEY (run_id, at_us)
  ) STRICT, WITHOUT ROWID;
`;
