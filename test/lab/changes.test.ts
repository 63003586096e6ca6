import { expect, test } from 'vitest';
import { Changes } from '../../src/main/lab/changes.ts';

test('a reader who is behind does not wait', async () => {
  const changes = new Changes();
  const seen = changes.version;
  changes.bump();
  await changes.past(seen, new AbortController().signal);
  expect(changes.version).toBe(seen + 1);
});

test('every sleeping reader wakes at the next change', async () => {
  const changes = new Changes();
  const signal = new AbortController().signal;
  const sleeping = Promise.all([changes.past(0, signal), changes.past(0, signal)]);
  expect(changes.waiting).toBe(2);
  changes.bump();
  await sleeping;
  expect(changes.waiting).toBe(0);
});

test('a cancelled reader wakes and leaves nothing behind', async () => {
  const changes = new Changes();
  const cancel = new AbortController();
  const sleeping = changes.past(0, cancel.signal);
  cancel.abort();
  await sleeping;
  expect(changes.waiting).toBe(0);
  await changes.past(0, cancel.signal);
});
