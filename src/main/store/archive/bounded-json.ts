/**
 * JSON of files that others may have made. V8 parses it to any depth, and then overflows the stack, or the heap, of whatever
 * walks it: so depth is bounded before it is parsed.
 */

const MAX_DEPTH = 64;

/**
 * Throws SyntaxError for what is no JSON, is nested deeper than 64, or has a number that is not finite, which JSON could not
 * write again. `around`: levels that are not the value's own.
 */
export function parseBounded(text: string, around = 0): unknown {
  if (isDeeperThan(text, MAX_DEPTH + around)) throw new SyntaxError(`is nested deeper than ${MAX_DEPTH}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError('is no JSON, or is cut short', { cause });
  }
  if (!isFiniteThroughout(value)) throw new SyntaxError('has a number too large');
  return value;
}

const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
const OPENING = new Set([...'[{'].map((char) => char.charCodeAt(0)));
const CLOSING = new Set([...']}'].map((char) => char.charCodeAt(0)));

function isDeeperThan(text: string, most: number): boolean {
  let depth = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (isString) {
      if (char === BACKSLASH) at++;
      else if (char === QUOTE) isString = false;
    } else if (char === QUOTE) isString = true;
    else if (OPENING.has(char)) {
      if (++depth > most) return true;
    } else if (CLOSING.has(char)) depth--;
  }
  return false;
}

const isFiniteThroughout = (value: unknown): boolean =>
  typeof value === 'number'
    ? Number.isFinite(value)
    : value === null || typeof value !== 'object' || Object.values(value).every(isFiniteThroughout);
