export const transfers = `
  CREATE TABLE transfer (
    run_id      INTEGER NOT NULL REFERENCES run (id),
    direction   TEXT    NOT NULL,
    at_us       INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    duration_us REAL    NOT NULL,
    PRIMARY KEY (run_id, direction, at_us)
  ) STRICT, WITHOUT ROWID;
`;
