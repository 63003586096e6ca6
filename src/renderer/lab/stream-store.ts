/** Streams outside React, one for each thing that is shown, which come and go with what is shown. */
import { FrameStore } from './frame-store.ts';

interface Stream {
  abort: AbortController;
  /** Of the connection's carriers; -1 once it was ended. */
  generation: number;
}

export abstract class StreamStore<Id, Held extends Stream> extends FrameStore {
  protected readonly held = new Map<Id, Held>();

  /** Follows exactly these. Those for which `isKept` holds go on; of others `open` begins one, after what was held of it. */
  protected follow(
    ids: readonly Id[],
    isKept: (held: Held) => boolean,
    open: (id: Id, before: Held | undefined) => Held,
  ): void {
    for (const [id, held] of this.held) {
      if (ids.includes(id)) continue;
      held.abort.abort();
      this.held.delete(id);
    }
    for (const id of ids) {
      const before = this.held.get(id);
      if (before && isKept(before)) continue;
      before?.abort.abort();
      this.held.set(id, open(id, before));
    }
    this.changed();
  }

  /** Ends every stream and keeps what was received. */
  pause(): void {
    for (const held of this.held.values()) {
      held.abort.abort();
      held.generation = -1;
    }
    this.frame.cancel();
  }
}
