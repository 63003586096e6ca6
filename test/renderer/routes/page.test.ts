import { describe, expect, it } from 'vitest';
import { fieldsOf, NEW_ROUTE, parseFields } from '../../../src/renderer/features/routes/form/values.ts';
import { addressOf, layoutMap } from '../../../src/renderer/features/routes/map/layout.ts';
import { absenceReason } from '../../../src/renderer/features/routes/table/absence.ts';
import { readView, viewOf } from '../../../src/renderer/features/routes/view.ts';
import { Route, RouteInput, type RouteStatus } from '../../../src/shared/domain.ts';

const route = (id: string, rest: Partial<Route> = {}): Route =>
  Route.parse({
    ...RouteInput.parse({ name: id.toUpperCase(), host: 'probe.example.net', port: 443 }),
    id,
    colour: 0,
    demo: false,
    declared: false,
    enabled: true,
    createdAtMs: 0,
    ...rest,
  });
const routes = [route('lan'), route('lte'), route('sat')];

describe('the view in the address', () => {
  it('drops what makes no sense', () => {
    expect(readView({ show: 5, window: '7h', log: 'yes', table: true })).toEqual({ table: true });
    expect(readView({ show: 'lan,lte', window: '1h', log: true })).toEqual({
      show: 'lan,lte',
      window: '1h',
      log: true,
    });
  });

  it('shows the first route when none is chosen or the chosen are gone', () => {
    expect(viewOf({}, routes).selected?.id).toBe('lan');
    expect(viewOf({ show: 'gone' }, routes).shown.map(({ id }) => id)).toEqual(['lan']);
    expect(viewOf({}, []).selected).toBeNull();
  });

  it('shows routes in the order of the table and selects the last one put there', () => {
    const view = viewOf({ show: 'sat,gone,lan' }, routes);
    expect(view.shown.map(({ id }) => id)).toEqual(['lan', 'sat']);
    expect(view.selected?.id).toBe('lan');
  });
});

describe('the map', () => {
  const spacing = { least: 40, most: 60 };

  it('puts routes to one endpoint together, so that edges do not cross', () => {
    const layout = layoutMap(
      [route('a'), route('b', { host: 'other.example.net' }), route('c')],
      180,
      spacing,
    );
    expect(layout.lines.map(({ route: { id }, y }) => [id, y])).toEqual([
      ['a', 30],
      ['c', 90],
      ['b', 150],
    ]);
    expect(layout.endpoints).toEqual([
      { address: 'probe.example.net:443', y: 60 },
      { address: 'other.example.net:443', y: 150 },
    ]);
  });

  it('stands in the middle when there is room, and grows when there is not', () => {
    expect(layoutMap(routes, 300, spacing).lines.map(({ y }) => y)).toEqual([90, 150, 210]);
    expect(layoutMap(routes, 60, spacing).height).toBe(120);
    expect(layoutMap([], 60, spacing)).toMatchObject({ height: 60, lines: [], endpoints: [] });
  });

  it('writes IPv6 addresses in brackets', () => {
    expect(addressOf({ host: '::1', port: 4433 })).toBe('[::1]:4433');
    expect(addressOf({ host: '[::1]', port: 4433 })).toBe('[::1]:4433');
  });
});

describe('the route form', () => {
  it('becomes the input of the contract', () => {
    const parsed = parseFields({ ...NEW_ROUTE, name: ' LAN ', host: 'lan.example.net', serverName: ' ' }, []);
    expect(parsed.input).toEqual(RouteInput.parse({ name: 'LAN', host: 'lan.example.net', port: 443 }));
  });

  it('gives back the route it was filled from', () => {
    const { id: _, colour, demo, declared, enabled, createdAtMs, ...input } = routes[0]!;
    expect(parseFields(fieldsOf(routes[0]!), undefined).input).toEqual(input);
  });

  it('sends the parameters that differ from their defaults, and names those out of range', () => {
    const beta = {
      name: 'Beta',
      default: 0.7,
      unit: 'ratio',
      min: 0.5,
      max: 0.95,
      section: '4.6',
      doc: 'Kept of the window.',
    } as const;
    const of = (parameters: Record<string, number | ''>) =>
      parseFields({ ...NEW_ROUTE, name: 'LAN', host: 'lan.example.net', parameters }, [beta]);
    expect(of({ Beta: 0.8, Gone: 1 }).input?.parameters).toEqual({ Beta: 0.8 });
    expect(of({ Beta: 0.7 }).input?.parameters).toEqual({});
    expect(of({ Beta: '' }).input?.parameters).toEqual({});
    expect(of({ Beta: 2 }).errors).toEqual({ 'parameters.Beta': 'from 0.5 to 0.95' });
  });

  it('names each field at fault once, in words', () => {
    const { errors } = parseFields(
      {
        ...NEW_ROUTE,
        name: '',
        host: 'two words',
        port: 70_000,
        pingRate: '',
        emulation: {
          profile: 'custom',
          up: { rateBps: null, delayMs: '', jitterMs: 0, lossRatio: 2, bufferBytes: 1.5 },
          down: { rateBps: null, delayMs: 0, jitterMs: 0, lossRatio: 0, bufferBytes: null },
          flap: null,
        },
      },
      [],
    );
    expect(errors).toEqual({
      name: 'a name is required',
      host: 'not a host name or an IP address',
      port: 'at most 65535',
      pingRate: 'a value is required',
      'emulation.up.delayMs': 'a value is required',
      'emulation.up.lossRatio': 'at most 1',
      'emulation.up.bufferBytes': 'a whole number is required',
    });
  });
});

describe('a number that is not there', () => {
  const status = (rest: Partial<RouteStatus>): RouteStatus => ({
    routeId: 'lan',
    state: 'up',
    error: null,
    runId: null,
    sinceMs: 0,
    ping: null,
    down: null,
    up: null,
    payloadBps: null,
    transferError: null,
    silentSinceMs: null,
    handshakeUs: null,
    transport: null,
    emulated: false,
    insecure: false,
    ...rest,
  });

  it('is explained by the state of the route', () => {
    expect(absenceReason('ping', routes[0]!, undefined)).toMatch('not reported');
    expect(absenceReason('ping', routes[0]!, status({ state: 'stopped' }))).toMatch('start it');
    expect(absenceReason('ping', routes[0]!, status({ state: 'connecting' }))).toMatch('still connecting');
    const error = { code: 'RL_HOST_UNKNOWN', message: '', hint: '' };
    expect(absenceReason('ping', routes[0]!, status({ state: 'down', error }))).toMatch('RL_HOST_UNKNOWN');
  });

  it('is explained by the settings of the route', () => {
    expect(absenceReason('transfer', route('lan', { transferEveryS: null }), status({}))).toMatch(
      'not measured on this route',
    );
    expect(absenceReason('transfer', routes[0]!, status({}))).toBe('No transfer has finished lately.');
  });
});
