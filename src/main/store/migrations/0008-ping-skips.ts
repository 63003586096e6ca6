// Slots of the ping schedule in which nothing was sent, as many as were found at that moment.
export const pingSkips = `
  CREATE TABLE ping_skip (
    run_id INTEGER NOT NULL REFERENCES run (id),
    at_us  INTEGER NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (run_id, at_us)
  ) STRICT, WITHOUT ROWID;
`;
