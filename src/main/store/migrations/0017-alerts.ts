export const alerts = `
  CREATE TABLE alert_rule (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    built_in       TEXT    UNIQUE,   -- never deleted, so that a removed one does not come back
    rule           TEXT    NOT NULL, -- JSON of its fields
    muted_until_ms REAL,
    created_at_ms  REAL    NOT NULL,
    removed_at_ms  REAL
  ) STRICT;
  CREATE TABLE alert (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    rule_id            INTEGER NOT NULL,
    rule               TEXT    NOT NULL, -- JSON, as it was at the raise
    route_id           TEXT,
    route_name         TEXT,
    emulated           INTEGER NOT NULL,
    raised_at_ms       REAL    NOT NULL,
    value              REAL    NOT NULL,
    ended_at_ms        REAL,
    end_reason         TEXT,
    end_value          REAL,
    acknowledged_at_ms REAL
  ) STRICT;
  CREATE INDEX alert_firing ON alert (id) WHERE ended_at_ms IS NULL;
  CREATE TABLE webhook (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    name           TEXT    NOT NULL,
    url            TEXT    NOT NULL,
    enabled        INTEGER NOT NULL,
    least_severity TEXT    NOT NULL,
    timeout_s      REAL    NOT NULL,
    secret         TEXT
  ) STRICT;
  CREATE TABLE delivery (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id    INTEGER NOT NULL,
    alert_id      INTEGER,
    event         TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    attempts      INTEGER NOT NULL,
    status        INTEGER,
    error         TEXT,
    created_at_ms REAL    NOT NULL,
    ended_at_ms   REAL
  ) STRICT;
  CREATE TABLE system_sample (
    at_ms REAL NOT NULL PRIMARY KEY,
    process_cpu REAL, rss_bytes REAL, heap_used_bytes REAL, heap_total_bytes REAL, external_bytes REAL,
    loop_lag_p50_us REAL, loop_lag_p99_us REAL, loop_lag_max_us REAL, machine_cpu REAL, load1 REAL,
    memory_total_bytes REAL, memory_free_bytes REAL, disk_free_bytes REAL, disk_total_bytes REAL,
    probe_sent_bps REAL, probe_received_bps REAL, dropped_samples REAL
  ) STRICT, WITHOUT ROWID;
`;
