export const settings = `
  CREATE TABLE setting (
    path  TEXT PRIMARY KEY,
    value TEXT NOT NULL -- JSON
  ) STRICT, WITHOUT ROWID;
  -- Routes that lab.yaml lists: they come, change and go with it.
  ALTER TABLE route ADD COLUMN declared INTEGER NOT NULL DEFAULT 0;
`;
