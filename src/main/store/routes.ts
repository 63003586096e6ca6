/** The table of routes. A removed route keeps its row: the removal can be undone and its measurements stay named. */
import { Route, type RouteInput, type RoutePatch } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import type { WriteHandle } from './handles.ts';

interface NewRoute {
  demo: boolean;
  /** Listed in lab.yaml; default false. */
  declared?: boolean;
  enabled: boolean;
  /** Default: made of the name. */
  id?: string;
}

export interface RouteTable {
  /** In order of creation. */
  list(): Route[];
  /** Routes that were removed, the last removed first. */
  removed(): Route[];
  /** Throws RL_NOT_FOUND, also for a removed route. */
  get(id: string): Route;
  /** Throws RL_CONFLICT when a route has the name, or any route, even a removed one, the given id. */
  create(input: RouteInput, options: NewRoute): Route;
  /** Throws RL_NOT_FOUND, and RL_CONFLICT when another route has the name. */
  update(id: string, patch: RoutePatch): Route;
  /** Throws RL_NOT_FOUND. */
  setEnabled(id: string, enabled: boolean): Route;
  /** A route of lab.yaml: new, back from removal, or one of this id changed. Throws RL_CONFLICT when another has the name; nothing is changed then. */
  declare(id: string, input: RouteInput): Route;
  /** Throws RL_NOT_FOUND. */
  setDeclared(id: string, declared: boolean): Route;
  /** Throws RL_NOT_FOUND. */
  remove(id: string): void;
  /** Throws RL_NOT_FOUND when no such route was removed, RL_CONFLICT when its name has been taken since. */
  restore(id: string): Route;
}

type Row = {
  id: string;
  name: string;
  host: string;
  port: number;
  server_name: string | null;
  controller: string;
  parameters: string;
  ping_rate: number;
  transfer_every_s: number | null;
  transfer_bytes: number;
  insecure: number;
  tags: string;
  emulation: string | null;
  colour: number;
  demo: number;
  declared: number;
  enabled: number;
  created_at_ms: number;
  removed_at_ms: number | null;
};

const COLUMNS = [
  'id',
  'name',
  'host',
  'port',
  'server_name',
  'controller',
  'parameters',
  'ping_rate',
  'transfer_every_s',
  'transfer_bytes',
  'insecure',
  'tags',
  'emulation',
  'colour',
  'demo',
  'declared',
  'enabled',
  'created_at_ms',
  'removed_at_ms',
] as const satisfies readonly (keyof Row)[];

const toRow = (route: Route): Row => ({
  id: route.id,
  name: route.name,
  host: route.host,
  port: route.port,
  server_name: route.serverName,
  controller: route.controller,
  parameters: JSON.stringify(route.parameters),
  ping_rate: route.pingRate,
  transfer_every_s: route.transferEveryS,
  transfer_bytes: route.transferBytes,
  insecure: Number(route.insecure),
  tags: JSON.stringify(route.tags),
  emulation: route.emulation === null ? null : JSON.stringify(route.emulation),
  colour: route.colour,
  demo: Number(route.demo),
  declared: Number(route.declared),
  enabled: Number(route.enabled),
  created_at_ms: route.createdAtMs,
  removed_at_ms: null,
});

function fromRow(row: Row): Route {
  try {
    return Route.parse({
      id: row.id,
      name: row.name,
      host: row.host,
      port: row.port,
      serverName: row.server_name,
      controller: row.controller,
      parameters: JSON.parse(row.parameters),
      pingRate: row.ping_rate,
      transferEveryS: row.transfer_every_s,
      transferBytes: row.transfer_bytes,
      insecure: row.insecure === 1,
      tags: JSON.parse(row.tags),
      emulation: row.emulation === null ? null : JSON.parse(row.emulation),
      colour: row.colour,
      demo: row.demo === 1,
      declared: row.declared === 1,
      enabled: row.enabled === 1,
      createdAtMs: row.created_at_ms,
    });
  } catch (thrown) {
    throw new LabError('RL_DB_CORRUPT', `Route "${row.id}" is stored with values it cannot have`, {
      cause: thrown,
    });
  }
}

export function routeTable(db: WriteHandle, nowMs: () => number): RouteTable {
  const list = db.query<[], Row>('SELECT * FROM route WHERE removed_at_ms IS NULL ORDER BY rowid');
  const removed = db.query<[], Row>(
    'SELECT * FROM route WHERE removed_at_ms IS NOT NULL ORDER BY removed_at_ms DESC, rowid DESC',
  );
  const find = db.query<[string], Row>('SELECT * FROM route WHERE id = ?');
  const holderOfName = db.column<[string], string>(
    'SELECT id FROM route WHERE name = ? AND removed_at_ms IS NULL',
  );
  const colours = db.column<[], number>('SELECT colour FROM route WHERE removed_at_ms IS NULL');
  const insert = db.command<[Row]>(
    `INSERT INTO route (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map((name) => `@${name}`).join(', ')})`,
  );
  const overwrite = db.command<[Row]>(
    `UPDATE route SET ${COLUMNS.map((name) => `${name} = @${name}`).join(', ')} WHERE id = @id`,
  );
  const markRemoved = db.command<[number, string]>('UPDATE route SET removed_at_ms = ? WHERE id = ?');

  const get = (id: string): Route => {
    const row = find.get(id);
    if (row === undefined || row.removed_at_ms !== null) {
      throw new LabError('RL_NOT_FOUND', `There is no route "${id}"`, { field: 'id' });
    }
    return fromRow(row);
  };

  const requireFreeName = (name: string, id: string | null): void => {
    const holder = holderOfName.get(name);
    if (holder !== undefined && holder !== id) {
      throw new LabError('RL_CONFLICT', `There is already a route named "${name}"`, { field: 'name' });
    }
  };

  const freeColour = (): number => {
    const taken = new Set(colours.all());
    let colour = 0;
    while (taken.has(colour)) colour++;
    return colour;
  };

  const freeId = (name: string): string => {
    const base =
      name
        .normalize('NFKD')
        .replace(/\p{M}/gu, '')
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .slice(0, 56)
        .replace(/^-+|-+$/g, '') || 'route';
    let id = base;
    for (let n = 2; find.get(id) !== undefined; n++) id = `${base}-${n}`;
    return id;
  };

  const change = (id: string, changes: Partial<Route>): Route =>
    db.transaction(() => {
      const route = get(id);
      // A field that is present but undefined is as absent as one that is not there.
      Object.assign(
        route,
        Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)),
      );
      requireFreeName(route.name, id);
      overwrite.run(toRow(route));
      return route;
    });

  const create: RouteTable['create'] = (input, { id, demo, declared = false, enabled }) =>
    db.transaction(() => {
      requireFreeName(input.name, null);
      if (id !== undefined && find.get(id) !== undefined) {
        throw new LabError('RL_CONFLICT', `The route id "${id}" is taken`, { field: 'id' });
      }
      const route: Route = {
        ...input,
        id: id ?? freeId(input.name),
        colour: freeColour(),
        demo,
        declared,
        enabled,
        createdAtMs: nowMs(),
      };
      insert.run(toRow(route));
      return route;
    });

  /** Back on the list in its own colour, unless a route added since has it. */
  const bringBack = (route: Route): Route => {
    requireFreeName(route.name, route.id);
    if (colours.all().includes(route.colour)) route.colour = freeColour();
    overwrite.run(toRow(route));
    return route;
  };

  return {
    list: () => list.all().map(fromRow),
    removed: () => removed.all().map(fromRow),
    get,
    create,
    update: change,
    setEnabled: (id, enabled) => change(id, { enabled }),
    declare: (id, input) =>
      db.transaction(() => {
        const row = find.get(id);
        if (row === undefined) return create(input, { id, demo: false, declared: true, enabled: true });
        if (row.removed_at_ms === null) return change(id, { ...input, declared: true });
        return bringBack({ ...fromRow(row), ...input, declared: true, enabled: true });
      }),
    setDeclared: (id, declared) => change(id, { declared }),
    remove: (id) => {
      get(id);
      markRemoved.run(nowMs(), id);
    },
    restore: (id) =>
      db.transaction(() => {
        const row = find.get(id);
        if (row === undefined || row.removed_at_ms === null) {
          throw new LabError('RL_NOT_FOUND', `There is no removed route "${id}"`, { field: 'id' });
        }
        return bringBack(fromRow(row));
      }),
  };
}
