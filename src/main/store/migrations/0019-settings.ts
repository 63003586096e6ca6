export const settings = `
  CREATE TABLE setting (
    path  TEXT PRIMARY KEY,
    value TEXT NOT NULL -- JSON
  ) STRICT, WITHOUT ROWID;
  -- Routes that lab.yaml lists: they come, change and go with it.
  ALTER TABLE route ADD COLUMN declared INTEGER NOT NULL DEFAULT 0;

  -- What the data sources of lab.yaml had.
  CREATE TABLE collected_series (
    id     INTEGER PRIMARY KEY,
    source TEXT NOT NULL, -- its URL
    metric TEXT NOT NULL,
    labels TEXT NOT NULL, -- JSON, in order of name
    UNIQUE (metric, source, labels)
  ) STRICT;
  CREATE TABLE collected_value (
    series_id INTEGER NOT NULL REFERENCES collected_series (id),
    at_ms     INTEGER NOT NULL,
    value     REAL    NOT NULL,
    PRIMARY KEY (series_id, at_ms)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX collected_value_at ON collected_value (at_ms);
`;
