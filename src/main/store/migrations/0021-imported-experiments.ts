export const importedExperiments = `
  ALTER TABLE experiment ADD COLUMN imported INTEGER NOT NULL DEFAULT 0; -- 1: taken from a file
  UPDATE experiment SET imported = 1 WHERE kind = 'import';
  -- Runs whose samples are to be added up once they are over.
  CREATE INDEX run_without_result ON run (id) WHERE result IS NULL;
`;
