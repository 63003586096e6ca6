// The key is the row: about 20 bytes a ping, in time order within its run. Microseconds, unix time.
export const pings = `
  CREATE TABLE ping (
    run_id INTEGER NOT NULL REFERENCES run (id),
    at_us  INTEGER NOT NULL,
    rtt_us INTEGER,          -- NULL: lost
    loaded INTEGER NOT NULL,
    PRIMARY KEY (run_id, at_us)
  ) STRICT, WITHOUT ROWID;
`;
