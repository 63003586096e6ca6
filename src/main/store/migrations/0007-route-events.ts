export const routeEvents = `
  CREATE TABLE route_event (
    id       INTEGER PRIMARY KEY,
    route_id TEXT    NOT NULL REFERENCES route (id),
    at_us    INTEGER NOT NULL,
    state    TEXT    NOT NULL,
    error    TEXT              -- JSON
  ) STRICT;
  CREATE INDEX route_event_time ON route_event (route_id, at_us);
`;
