/**
 * What is known of each minute and hour of a route (docs/store.md). Rows with `frozen` 1 hold what finer data no longer does;
 * those with 0 can be made again. A minute or an hour is `due` when its row with 0 no longer says all; `rollup_backfill` has the
 * runs whose minutes were stored before there was that mark.
 */
export const rollups = `
  CREATE TABLE rollup (
    route_id          TEXT    NOT NULL REFERENCES route (id),
    span_s            INTEGER NOT NULL, -- 60 or 3600
    frozen            INTEGER NOT NULL,
    at_us             INTEGER NOT NULL, -- its start
    sent              INTEGER NOT NULL,
    lost              INTEGER NOT NULL,
    skipped           INTEGER NOT NULL,
    rtt_sum           INTEGER NOT NULL, -- microseconds, as all that follows
    rtt_min           INTEGER,          -- NULL: no echo
    rtt_max           INTEGER,
    rtt_first         INTEGER,
    rtt_last          INTEGER,
    jitter            REAL,
    rtt_sketch        BLOB,             -- store/rollups/sketch.ts
    down_bytes        INTEGER NOT NULL,
    down_us           REAL    NOT NULL,
    up_bytes          INTEGER NOT NULL,
    up_us             REAL    NOT NULL,
    handshakes        INTEGER NOT NULL,
    handshakes_failed INTEGER NOT NULL,
    handshake_sum     REAL    NOT NULL,
    PRIMARY KEY (route_id, span_s, frozen, at_us)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE rollup_due (
    route_id TEXT    NOT NULL REFERENCES route (id),
    span_s   INTEGER NOT NULL,
    at_us    INTEGER NOT NULL,
    PRIMARY KEY (route_id, span_s, at_us)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE rollup_backfill (
    run_id  INTEGER NOT NULL PRIMARY KEY REFERENCES run (id),
    from_us INTEGER NOT NULL -- minutes before are marked
  ) STRICT;
  INSERT INTO rollup_backfill SELECT id, 0 FROM run WHERE route_id IS NOT NULL;
`;
