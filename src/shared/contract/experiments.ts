/** Experiments and their runs: what was measured, again, compared, out of the lab and into it. */
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { RunState } from '../domain.ts';
import {
  Comparison,
  Experiment,
  ExperimentKind,
  ExperimentOrder,
  ExperimentPatch,
  ExportFile,
  ExportFormat,
  ExportTable,
  ImportStep,
  Run,
  SampleSummary,
} from '../experiments.ts';
import { queryNumber } from './query.ts';

/** Base64 characters of one part of an imported file: a message over any carrier has at most 1 MB. */
const IMPORT_PART_BASE64 = 700_000;
/** Bytes that fill such a part. */
export const IMPORT_PART_BYTES = (IMPORT_PART_BASE64 / 4) * 3;

const ref = z.strictObject({ id: queryNumber });
/** Of a path, where REST has text. */
const id = queryNumber;
const number = z.number().int();
const tags = ['experiments'];

/** Asked of a run anew. */
const again = {
  /** Seconds; needed of monitors, which have no end of their own. */
  durationS: z.number().min(1).max(86_400).optional(),
  repetitions: z.number().int().min(1).max(1000).default(1),
};

export const experiments = {
  /** 50 unless told otherwise. */
  list: oc
    .route({ method: 'GET', path: '/experiments', summary: 'Experiments, filtered and in order', tags })
    .input(
      z
        .strictObject({
          kind: ExperimentKind.optional(),
          tag: z.string().min(1).max(32).optional(),
          /** In name or notes, whatever the letter case. */
          text: z.string().max(200).optional(),
          /** Those with a run in this state. */
          state: RunState.optional(),
          order: ExperimentOrder.default('newest'),
          /** Those removed instead of those present. */
          removed: z.stringbool().or(z.boolean()).optional(),
          limit: queryNumber.optional(),
          offset: queryNumber.optional(),
        })
        .prefault({}),
    )
    .output(z.object({ experiments: z.array(Experiment), total: z.number().int() })),
  get: oc
    .route({ method: 'GET', path: '/experiments/{id}', summary: 'One experiment and its manifest', tags })
    .input(ref)
    .output(Experiment),
  /** In order of creation, 200 unless told otherwise. */
  runs: oc
    .route({ method: 'GET', path: '/experiments/{id}/runs', summary: 'The runs of an experiment', tags })
    .input(z.strictObject({ id: queryNumber, limit: queryNumber.optional(), offset: queryNumber.optional() }))
    .output(z.object({ runs: z.array(Run), total: z.number().int() })),
  samples: oc
    .route({
      method: 'GET',
      path: '/experiments/{id}/samples',
      summary: 'How many raw samples there are',
      tags,
    })
    .input(ref)
    .output(z.array(SampleSummary)),
  update: oc
    .route({
      method: 'PATCH',
      path: '/experiments/{id}',
      summary: 'Change name, notes and tags',
      tags,
    })
    .input(ExperimentPatch.extend({ id }))
    .output(Experiment),
  pin: oc
    .route({
      method: 'POST',
      path: '/experiments/{id}/pin',
      summary: 'Make it the baseline of its kind, or not',
      tags,
    })
    .input(z.strictObject({ id, pinned: z.boolean() }))
    .output(Experiment),
  /** Refused with RL_CONFLICT while a monitor of it runs; other runs are cancelled first. */
  remove: oc
    .route({
      method: 'DELETE',
      path: '/experiments/{id}',
      summary: 'Remove an experiment; final after seven days',
      tags,
    })
    .input(ref)
    .output(z.object({ removed: z.literal(true) })),
  restore: oc
    .route({ method: 'POST', path: '/experiments/{id}/restore', summary: 'Undo a removal', tags })
    .input(ref)
    .output(Experiment),
  /**
   * Without `baselineId` the pinned one of their kind is the baseline, and comes first where `ids` does not name it; else the first.
   * Parameters that agree are left out unless `all`.
   */
  compare: oc
    .route({ method: 'POST', path: '/experiments/compare', summary: 'Experiments side by side', tags })
    .input(
      z.strictObject({
        ids: z.array(number).min(2).max(8),
        baselineId: number.optional(),
        all: z.boolean().default(false),
      }),
    )
    .output(Comparison),
  /** The experiment as begun: its runs follow. Refused where a manifest was made by other settings than this lab knows. */
  run: oc
    .route({
      method: 'POST',
      path: '/experiments/run',
      summary: 'Reproduce a manifest',
      tags,
      successStatus: 201,
    })
    .input(z.strictObject({ manifest: z.record(z.string(), z.unknown()), ...again }))
    .output(Experiment),
  again: oc
    .route({
      method: 'POST',
      path: '/experiments/{id}/again',
      summary: 'Measure an experiment again',
      tags,
      successStatus: 201,
    })
    .input(z.strictObject({ id, ...again }))
    .output(Experiment),
  /** Yields at once, then whenever its runs changed, at most twice a second, and ends when nothing of it is under way. */
  watch: oc
    .route({
      method: 'GET',
      path: '/experiments/{id}/watch',
      summary: 'How far an experiment is (SSE)',
      tags,
    })
    .input(ref)
    .output(eventIterator(Experiment)),
  cancel: oc
    .route({
      method: 'POST',
      path: '/experiments/{id}/cancel',
      summary: 'End what is under way of an experiment',
      tags,
    })
    .input(ref)
    .output(Experiment),
  /**
   * `redact` masks host names, addresses and notes; it is for reports (html, md, json). `table`: that table alone, as CSV or
   * Parquet, which cannot be imported.
   */
  export: oc
    .route({
      method: 'POST',
      path: '/experiments/{id}/export',
      summary: 'Write an experiment to a file to download',
      tags,
      successStatus: 201,
    })
    .input(
      z.strictObject({
        id,
        format: ExportFormat,
        redact: z.boolean().default(false),
        table: ExportTable.optional(),
      }),
    )
    .output(ExportFile),
  /**
   * Reads an archive of ours, iperf3 JSON or qlog. A file comes in parts: the first answers with what the others name as
   * `continues`; all but the last have `more`. Nothing of it is there until all of it is.
   */
  importFile: oc
    .route({
      method: 'POST',
      path: '/experiments/import',
      summary: 'Take a file as experiments',
      tags,
      successStatus: 201,
    })
    .input(
      z.strictObject({
        /** The file's name. */
        name: z.string().trim().min(1).max(256),
        data: z.base64().max(IMPORT_PART_BASE64),
        continues: number.optional(),
        more: z.boolean().default(false),
      }),
    )
    .output(ImportStep),
};
