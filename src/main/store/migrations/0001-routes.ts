export const routes = `
  CREATE TABLE route (
    id               TEXT    NOT NULL PRIMARY KEY,
    name             TEXT    NOT NULL,
    host             TEXT    NOT NULL,
    port             INTEGER NOT NULL,
    server_name      TEXT,
    controller       TEXT    NOT NULL,
    ping_rate        REAL    NOT NULL,
    transfer_every_s REAL,
    transfer_bytes   INTEGER NOT NULL,
    insecure         INTEGER NOT NULL,
    tags             TEXT    NOT NULL, -- JSON
    emulation        TEXT,             -- JSON
    colour           INTEGER NOT NULL,
    demo             INTEGER NOT NULL,
    enabled          INTEGER NOT NULL,
    created_at_ms    REAL    NOT NULL,
    removed_at_ms    REAL              -- kept, so that a removal can be undone and its measurements keep a name
  ) STRICT;
  CREATE UNIQUE INDEX route_name ON route (name) WHERE removed_at_ms IS NULL;
`;
