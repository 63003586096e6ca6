import { parseConfigFile } from '../../src/shared/config/file.ts';
import { effective, fileLayer } from '../../src/shared/config/settings.ts';
import { LabError } from '../../src/shared/errors.ts';
import type { FuzzTarget } from './target.ts';

/** Reads text as lab.yaml; what is accepted has an effective value of every setting. */
function run(data: Buffer): void {
  try {
    effective([fileLayer(parseConfigFile(data.toString(), 'lab.yaml'))]);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
  }
}

export const config: FuzzTarget = {
  name: 'config',
  seeds: [
    'server: { host: 127.0.0.1, port: 8080, cors_origins: ["https://a.example"] }\nauth: { jwt_secret: null }',
    'routes:\n  - id: r1\n    server: "host:4433"\n    tags: [a, b]\nprobes: { interval: 1s, congestion: bbrv3 }',
    'models: &m { gpt-4: { endpoint: "1.2.3.4:80", rate_limit: 60, cost_per_token: 3.0e-5, max_tokens: 8192 } }',
    'lisp: { sites: [{ name: a, key: k, eid_prefixes: ["2001:db8::/32"] }] }\nxds: { clusters: { s: { "10.0.0.1:1": 1 } } }',
  ].map((text) => Buffer.from(text)),
  run,
};
