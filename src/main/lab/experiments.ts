/** Which experiment a run belongs to: one for as long as its manifest stays the same. */
import type { Manifest } from '../../shared/experiments.ts';
import type { Store } from '../store/index.ts';

/** Returns the experiment's id, made when something is measured in a new way. */
export const experimentWith = (store: Store, name: string, manifest: Manifest): number =>
  store.experiments.find(manifest.kind, manifest)?.id ??
  store.experiments.create({ name, kind: manifest.kind, manifest }).id;
