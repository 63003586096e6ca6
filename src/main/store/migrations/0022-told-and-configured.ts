export const toldAndConfigured = `
  ALTER TABLE alert ADD COLUMN told_at_ms REAL; -- null: nobody was told, as its rule was muted
  UPDATE alert SET told_at_ms = raised_at_ms;
  ALTER TABLE alert_rule ADD COLUMN configured TEXT; -- JSON: the condition that the configuration gave it
  ALTER TABLE webhook ADD COLUMN removed_at_ms REAL;
`;
