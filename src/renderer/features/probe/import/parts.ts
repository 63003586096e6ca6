/** A file in parts that fit into messages, read as they are needed. */

/**
 * The text of `file` in parts of at most `most` UTF-16 units, at least one. A character is never cut in two, nor is
 * one that two chunks of bytes share.
 */
export async function* partsOf(
  file: Pick<Blob, 'stream'>,
  most: number,
): AsyncGenerator<{ text: string; more: boolean }> {
  const reader = file.stream().getReader();
  const decoder = new TextDecoder();
  let held = '';
  for (let isDone = false; !isDone; ) {
    const { value, done } = await reader.read();
    isDone = done;
    held += done ? decoder.decode() : decoder.decode(value, { stream: true });
    while (held.length > most) {
      // Not between the two halves of a surrogate pair.
      const at = isHighSurrogate(held.charCodeAt(most - 1)) ? most - 1 : most;
      yield { text: held.slice(0, at), more: true };
      held = held.slice(at);
    }
  }
  yield { text: held, more: false };
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
