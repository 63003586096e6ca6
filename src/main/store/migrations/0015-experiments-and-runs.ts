// Every probe run gets an experiment of its own: what else was like it when it was measured nobody kept.
export const experimentsAndRuns = `
  ALTER TABLE experiment ADD COLUMN notes         TEXT    NOT NULL DEFAULT '';
  ALTER TABLE experiment ADD COLUMN tags          TEXT    NOT NULL DEFAULT '[]'; -- JSON
  ALTER TABLE experiment ADD COLUMN pinned        INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE experiment ADD COLUMN removed_at_ms REAL;                          -- kept for a while, so that it can be undone
  ALTER TABLE experiment ADD COLUMN importing     INTEGER NOT NULL DEFAULT 0;    -- 1 until the last row of a file is there
  CREATE UNIQUE INDEX experiment_baseline ON experiment (kind) WHERE pinned = 1;

  ALTER TABLE run RENAME COLUMN started_at_ms TO created_at_ms;
  ALTER TABLE run ADD COLUMN started_at_ms REAL;
  ALTER TABLE run ADD COLUMN key           TEXT    NOT NULL DEFAULT '';
  ALTER TABLE run ADD COLUMN repetition    INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE run ADD COLUMN parameters    TEXT    NOT NULL DEFAULT '{}'; -- JSON
  ALTER TABLE run ADD COLUMN result        TEXT;                          -- JSON
  ALTER TABLE run ADD COLUMN error         TEXT;                          -- JSON
  UPDATE run SET started_at_ms = created_at_ms, key = coalesce(route_id, ''), repetition = (
    SELECT count(*) FROM run AS other
    WHERE other.experiment_id = run.experiment_id AND other.route_id IS run.route_id AND other.id < run.id);
  CREATE UNIQUE INDEX run_repetition ON run (experiment_id, key, repetition);
  DROP INDEX run_of_experiment;

  ALTER TABLE probe_run ADD COLUMN experiment_id INTEGER REFERENCES experiment (id) DEFERRABLE INITIALLY DEFERRED;
  ALTER TABLE probe_run ADD COLUMN repetition INTEGER NOT NULL DEFAULT 0;
  UPDATE probe_run SET experiment_id = id + (SELECT coalesce(max(id), 0) FROM experiment);
  INSERT INTO experiment (id, name, kind, created_at_ms, manifest, removed_at_ms)
    SELECT experiment_id, name, iif(input IS NULL, 'import', 'probe'), created_at_ms,
      json_object('manifest', 2, 'kind', iif(input IS NULL, 'import', 'probe'), 'schema', NULL, 'app', NULL, 'os', NULL,
        'node', NULL, 'seed', NULL, 'routes', json('[]'), 'parameters', json(coalesce(input, json_object('file', target)))),
      removed_at_ms
    FROM probe_run;
  CREATE INDEX probe_run_of_experiment ON probe_run (experiment_id);

  -- All runs of all experiments. Ids of probe runs are their own.
  CREATE VIEW experiment_run AS
    SELECT 'run' AS source, id, experiment_id, key, repetition, route_id, state, created_at_ms, started_at_ms, ended_at_ms,
      parameters, result, error, samples
    FROM run
    UNION ALL
    SELECT 'probe', id, experiment_id, '', repetition, NULL, state, created_at_ms, started_at_ms, ended_at_ms,
      coalesce(input, '{}'), result, error, NULL
    FROM probe_run WHERE removed_at_ms IS NULL
      OR removed_at_ms IS (SELECT removed_at_ms FROM experiment WHERE experiment.id = probe_run.experiment_id);
`;
