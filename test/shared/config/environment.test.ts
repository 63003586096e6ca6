import { expect, test } from 'vitest';
import { environmentLayer, misspelt } from '../../../src/shared/config/environment.ts';
import { effective } from '../../../src/shared/config/settings.ts';

const from = (env: Record<string, string>) => effective([environmentLayer(env)]);

test('every setting has a variable of its own, in the words of lab.yaml', () => {
  const { values } = from({
    ROUTELAB_SERVER_PORT: '9000',
    ROUTELAB_SERVER_DEBUG: 'true',
    ROUTELAB_SERVER_CORS_ORIGINS: 'https://a.example, https://b.example',
    ROUTELAB_PROBES_INTERVAL: '250ms',
    ROUTELAB_ROUTES: '[{ id: r1, server: "h:1" }]',
    ROUTELAB_HAPROXY_SOCKET: '/run/haproxy.sock',
  });
  expect(values.server).toMatchObject({
    port: 9000,
    debug: true,
    cors_origins: ['https://a.example', 'https://b.example'],
  });
  expect(values.probes.interval).toBe(250);
  expect(values.routes[0]).toMatchObject({ id: 'r1', server: 'h:1' });
  expect(values.haproxy.socket).toBe('/run/haproxy.sock');
});

test('the bare names count too, after ours', () => {
  const secret = 'b'.repeat(32);
  const { values, list } = from({
    JWT_SECRET: 'a'.repeat(32),
    ROUTELAB_AUTH_JWT_SECRET: secret,
    TELEMETRY_URL: 'http://localhost:9000/',
    MODEL_STORE_PATH: '/models',
    MIN_TRAINING_DATA_POINTS: '100',
    MAX_TRAINING_DATA_AGE_DAYS: '30',
    CONFIDENCE_THRESHOLD: '0.7',
    FALLBACK_TO_RULE_BASED: 'false',
    OPTIMIZATION_INTERVAL_SECONDS: '60',
  });
  expect(values.auth.jwt_secret).toBe(secret);
  expect(values.learning).toEqual({
    telemetry_url: 'http://localhost:9000/',
    model_store_path: '/models',
    min_training_data_points: 100,
    max_training_data_age_days: 30,
    confidence_threshold: 0.7,
    fallback_to_rule_based: false,
    optimization_interval_seconds: 60,
  });
  const told = list.find(({ path }) => path === 'auth.jwt_secret')!;
  expect(told).toMatchObject({ value: null, secret: true, source: { name: 'ROUTELAB_AUTH_JWT_SECRET' } });
  expect(JSON.stringify(list)).not.toContain(secret);
});

test('an empty variable sets nothing; a wrong one is named', () => {
  expect(from({ JWT_SECRET: '' }).values.auth.jwt_secret).toBeNull();
  expect(() => from({ ROUTELAB_SERVER_PORT: 'x' })).toThrow(
    /^ROUTELAB_SERVER_PORT in the environment: is "x"/,
  );
  expect(() => from({ JWT_SECRET: 'hunter2' })).toThrow(
    /^JWT_SECRET in the environment: expected at least 32 characters$/,
  );
  expect(() => from({ ROUTELAB_ROUTES: '[[[[' })).toThrow(/^ROUTELAB_ROUTES/);
});

test('a variable that looks like one of ours is pointed out', () => {
  expect(misspelt({ ROUTELAB_SERVER_PROT: '1', ROUTELAB_DATA: 'x', PATH: 'y' })).toEqual([
    { name: 'ROUTELAB_SERVER_PROT', meant: 'ROUTELAB_SERVER_PORT' },
  ]);
});
