// The counters are cumulative over the run: all connections of its monitor together.
export const transport = `
  CREATE TABLE transport (
    run_id           INTEGER NOT NULL REFERENCES run (id),
    at_us            INTEGER NOT NULL,
    controller       TEXT    NOT NULL,
    cwnd_bytes       REAL    NOT NULL,
    pacing_bps       REAL,
    bytes_in_flight  INTEGER NOT NULL,
    smoothed_rtt_us  REAL,
    rtt_var_us       REAL,
    min_rtt_us       REAL,
    packets_sent     INTEGER NOT NULL,
    packets_received INTEGER NOT NULL,
    packets_lost     INTEGER NOT NULL,
    bytes_sent       INTEGER NOT NULL,
    bytes_received   INTEGER NOT NULL,
    PRIMARY KEY (run_id, at_us)
  ) STRICT, WITHOUT ROWID;
`;
