/** Limits and requests about streams that the peer is to be told: of each only the newest counts (RFC 9000 §13.3). */
import type { Frame } from '../wire/frames.ts';

export type StreamControlFrame = Extract<
  Frame,
  {
    type:
      | 'max_data'
      | 'max_stream_data'
      | 'max_streams'
      | 'stop_sending'
      | 'data_blocked'
      | 'stream_data_blocked'
      | 'streams_blocked';
  }
>;

/** Longest of these frames, bytes: a type and two integers. */
export const STREAM_CONTROL_BYTES = 17;

export class StreamControl {
  readonly #frames = new Map<string, StreamControlFrame>();

  get isEmpty(): boolean {
    return this.#frames.size === 0;
  }

  /** Takes the place of one of the same kind about the same stream. */
  put(frame: StreamControlFrame): void {
    this.#frames.set(keyOf(frame), frame);
  }

  /** Each is handed out once. */
  take(): StreamControlFrame | null {
    for (const [key, frame] of this.#frames) {
      this.#frames.delete(key);
      return frame;
    }
    return null;
  }

  /** Nothing about this stream matters any more. */
  forget(id: number): void {
    if (this.#frames.size === 0) return;
    for (const [key, frame] of this.#frames) if ('id' in frame && frame.id === id) this.#frames.delete(key);
  }
}

function keyOf(frame: StreamControlFrame): string {
  if ('id' in frame) return `${frame.type} ${frame.id}`;
  return 'bidirectional' in frame ? `${frame.type} ${frame.bidirectional}` : frame.type;
}
