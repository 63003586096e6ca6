/** What stands in the probe form; it outlives the page, and this browser keeps it as it keeps the appearance. */
import { create } from 'zustand';
import type { ProbeInput } from '../../../../shared/probes.ts';
import { fieldsFrom, fieldsOf, type ProbeFields } from './values.ts';

const KEPT_AS = 'routelab-probe-form';

export const useDraft = create<{
  fields: ProbeFields;
  /** Counts how often settings were taken over from a run. */
  taken: number;
}>(() => ({ fields: fieldsFrom(localStorage.getItem(KEPT_AS)), taken: 0 }));

useDraft.subscribe(({ fields }) => localStorage.setItem(KEPT_AS, JSON.stringify(fields)));

/** Puts the settings of a run into the form. */
export const takeOver = (input: ProbeInput): void =>
  useDraft.setState(({ taken }) => ({ fields: fieldsOf(input), taken: taken + 1 }));
