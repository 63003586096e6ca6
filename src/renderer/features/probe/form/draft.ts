/** What stands in the probe form; it outlives the page, which one leaves to look at the routes. */
import { create } from 'zustand';
import type { ProbeInput } from '../../../../shared/probes.ts';
import { fieldsOf, NEW_PROBE, type ProbeFields } from './values.ts';

export const useDraft = create<{
  fields: ProbeFields;
  /** Counts how often settings were taken over from a run. */
  taken: number;
}>(() => ({ fields: NEW_PROBE, taken: 0 }));

/** Puts the settings of a run into the form. */
export const takeOver = (input: ProbeInput): void =>
  useDraft.setState(({ taken }) => ({ fields: fieldsOf(input), taken: taken + 1 }));
