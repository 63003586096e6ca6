export const routeParameters = `
  ALTER TABLE route ADD COLUMN parameters TEXT NOT NULL DEFAULT '{}'; -- JSON
`;
