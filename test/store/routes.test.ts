import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Store } from '../../src/main/store/index.ts';
import { type Route, RouteId, RouteInput } from '../../src/shared/domain.ts';
import { routeNamed, tempStore } from './temp.ts';

const add = (store: Store, name: string): Route =>
  store.routes.create(routeNamed(name), { demo: false, enabled: true });

test('an id is made of the name, and is free', () => {
  const store = tempStore();
  expect(add(store, 'Büro – Zürich #1').id).toBe('buro-zurich-1');
  store.routes.remove('buro-zurich-1');
  expect(add(store, 'büro zürich 1').id).toBe('buro-zurich-1-2');
  expect(add(store, '東京').id).toBe('route');
});

test('any name makes a valid id', () => {
  const store = tempStore();
  const named = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 64 })
    .filter((name) => name.trim() !== '' && name.length <= 64);
  fc.assert(
    fc.property(named, (name) => {
      const { id } = store.routes.create({ ...routeNamed('x'), name }, { demo: false, enabled: false });
      expect(RouteId.safeParse(id).success).toBe(true);
      store.routes.remove(id);
    }),
  );
});

test('a name that is taken is a conflict, on creating, renaming and restoring', () => {
  const store = tempStore();
  add(store, 'lan');
  const other = add(store, 'other');
  const conflict = expect.objectContaining({ code: 'RL_CONFLICT', field: 'name' });
  expect(() => add(store, 'lan')).toThrow(conflict);
  expect(() => store.routes.update(other.id, { name: 'lan' })).toThrow(conflict);
  store.routes.remove('lan');
  add(store, 'lan');
  expect(() => store.routes.restore('lan')).toThrow(conflict);
});

test('an id that is given must be free, even of removed routes', () => {
  const store = tempStore();
  const options = { demo: true, enabled: true, id: 'demo-lan' };
  store.routes.create(routeNamed('LAN'), options);
  store.routes.remove('demo-lan');
  expect(() => store.routes.create(routeNamed('LAN'), options)).toThrow(
    expect.objectContaining({ code: 'RL_CONFLICT', field: 'id' }),
  );
});

test('colours are the smallest free ones and stay with their routes', () => {
  const store = tempStore();
  expect(['a', 'b', 'c'].map((name) => add(store, name).colour)).toEqual([0, 1, 2]);
  store.routes.remove('b');
  expect(store.routes.get('c').colour).toBe(2);
  expect(store.routes.restore('b').colour).toBe(1);
  store.routes.remove('b');
  expect(add(store, 'd').colour).toBe(1);
  expect(store.routes.restore('b').colour).toBe(3);
});

test('a removed route is gone from the list and comes back as it was', () => {
  const store = tempStore();
  const route = add(store, 'lan');
  store.routes.remove('lan');
  expect(store.routes.list()).toEqual([]);
  expect(store.routes.removed()).toEqual([route]);
  const missing = expect.objectContaining({ code: 'RL_NOT_FOUND' });
  expect(() => store.routes.get('lan')).toThrow(missing);
  expect(() => store.routes.update('lan', { port: 1 })).toThrow(missing);
  expect(() => store.routes.remove('lan')).toThrow(missing);
  expect(store.routes.restore('lan')).toEqual(route);
  expect(() => store.routes.restore('lan')).toThrow(missing);
  expect(store.routes.list()).toEqual([route]);
});

test('an update changes what it names and nothing else', () => {
  const store = tempStore();
  const route = add(store, 'lan');
  expect(store.routes.update('lan', { port: 9, name: undefined })).toEqual({ ...route, port: 9 });
  expect(store.routes.setEnabled('lan', false)).toEqual({ ...route, port: 9, enabled: false });
  expect(store.routes.get('lan')).toEqual({ ...route, port: 9, enabled: false });
});

test('the list is in order of creation, whatever was changed since', () => {
  const store = tempStore({ nowMs: () => 0 });
  for (const name of ['z', 'y', 'x']) add(store, name);
  store.routes.update('z', { port: 2 });
  store.routes.remove('y');
  store.routes.restore('y');
  expect(store.routes.list().map(({ id }) => id)).toEqual(['z', 'y', 'x']);
});

test('every input a schema accepts comes back equal', () => {
  const store = tempStore();
  const printable = (maxLength: number) =>
    fc.string({ minLength: 1, maxLength }).filter((text) => text.trim() !== '');
  const link = fc.record({
    rateBps: fc.option(fc.double({ min: 1, max: 1e11, noNaN: true })),
    delayMs: fc.double({ min: 0, max: 1e4, noNaN: true }),
    jitterMs: fc.double({ min: 0, max: 5e3, noNaN: true }),
    lossRatio: fc.double({ min: 0, max: 1, noNaN: true }),
    bufferBytes: fc.option(fc.integer({ min: 1, max: 1e9 })),
  });
  const input = fc.record({
    name: printable(64),
    host: fc.domain(),
    port: fc.integer({ min: 1, max: 65535 }),
    pingRate: fc.double({ min: 0.1, max: 100, noNaN: true }),
    insecure: fc.boolean(),
    tags: fc.array(printable(32), { maxLength: 16 }),
    emulation: fc.option(
      fc.record({ profile: fc.constant('lte'), up: link, down: link, flap: fc.constant(null) }),
    ),
  });
  fc.assert(
    fc.property(input, (raw) => {
      const parsed = RouteInput.safeParse(raw);
      fc.pre(parsed.success);
      const route = store.routes.create(parsed.data!, { demo: false, enabled: true });
      expect(store.routes.get(route.id)).toEqual(route);
      expect(route).toMatchObject(parsed.data!);
      store.routes.remove(route.id);
    }),
  );
});
