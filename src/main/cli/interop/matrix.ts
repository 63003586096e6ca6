/** Runs every case with every peer, in both roles, and lays the results out as a matrix. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '../../quic/tls/authority.ts';
import { CASES, type Case, FILES } from './cases.ts';
import { chromium } from './chromium.ts';
import { Exchange } from './exchange.ts';
import { ngtcp2 } from './ngtcp2.ts';
import { NotApplicable, type Peer, type Workplace } from './peer.ts';
import { quicGo, quiche } from './programs.ts';

export const PEERS: readonly Peer[] = [ngtcp2, quicGo, quiche, chromium];

export interface Result {
  case: string;
  peer: string;
  /** Ours. */
  role: 'client' | 'server';
  outcome: 'pass' | 'fail' | 'n/a';
  /** Of a pass what was measured, if anything; else why. */
  detail: string;
  seconds: number;
}

/** A case that takes longer has failed. */
const PATIENCE_MS = 120_000;
/** Names that make a chain longer than three full datagrams. */
const MANY_NAMES = Array.from({ length: 120 }, (_, i) => `a-rather-long-name-${i}.of-this-server.example`);

export interface MatrixOptions {
  peers: readonly Peer[];
  cases: readonly Case[];
  /** Roles of ours; both by default. */
  roles?: readonly Result['role'][];
  /** Cases at once. */
  concurrency: number;
  signal: AbortSignal;
  onResult: (result: Result) => void;
}

/** Results in the order of peers, roles and cases. Throws what went wrong with the work place; what goes wrong in a case is its result. */
export async function runMatrix(options: MatrixOptions): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'routelab-interop-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    const { place, longChain } = await prepare(folder);
    const waiting = options.peers.flatMap((peer) =>
      (options.roles ?? (['client', 'server'] as const))
        .filter((role) => (role === 'client' ? peer.serve : peer.fetch))
        .flatMap((role) => options.cases.map((entry) => ({ peer, role, entry }))),
    );
    const results: (Result | null)[] = waiting.map(() => null);
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < waiting.length && !options.signal.aborted) {
        const index = next++;
        const result = await runCase(waiting[index]!, place, longChain, options.signal);
        // What was called off has no result.
        if (options.signal.aborted) return;
        results[index] = result;
        options.onResult(result);
      }
    };
    await Promise.all(Array.from({ length: options.concurrency }, work));
    return results.filter((result) => result !== null);
  } finally {
    remove();
    process.off('exit', remove);
  }
}

async function prepare(
  folder: string,
): Promise<{ place: Workplace; longChain: { cert: string; key: string } }> {
  const nowMs = Date.now();
  const authority = await createAuthority(nowMs);
  const names = ['localhost', '127.0.0.1', '::1'];
  const short = await issueCertificate(authority, { names, days: 2, nowMs });
  const long = await issueCertificate(authority, { names: [...names, ...MANY_NAMES], days: 2, nowMs });
  const file = (name: string, content: string | Buffer): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const www = join(folder, 'www');
  mkdirSync(www);
  for (const [path, bytes] of Object.entries(FILES)) {
    // Of no short period, so that bytes out of place are seen.
    const content = Buffer.alloc(bytes);
    for (let at = 0; at < bytes; at++) content[at] = (at * at + at / 251) & 0xff;
    writeFileSync(join(www, path), content);
  }
  let folders = 0;
  return {
    place: {
      ca: file('ca.pem', authority.certPem),
      cert: file('cert.pem', short.certPem),
      key: file('key.pem', short.keyPem),
      www,
      folder: () => {
        const path = join(folder, `out-${folders++}`);
        mkdirSync(path);
        return path;
      },
    },
    longChain: { cert: file('long-cert.pem', long.certPem), key: file('long-key.pem', long.keyPem) },
  };
}

async function runCase(
  job: { peer: Peer; role: 'client' | 'server'; entry: Case },
  place: Workplace,
  longChain: { cert: string; key: string },
  calledOff: AbortSignal,
): Promise<Result> {
  const { peer, role, entry } = job;
  const startedAt = performance.now();
  const signal = AbortSignal.any([calledOff, AbortSignal.timeout(PATIENCE_MS)]);
  const exchange = new Exchange(peer, role, place, longChain, signal);
  const result = (outcome: Result['outcome'], detail: string): Result => ({
    case: entry.name,
    peer: peer.name,
    role,
    outcome,
    detail,
    seconds: Math.round(performance.now() - startedAt) / 1000,
  });
  const missing = peer.missing();
  if (missing !== null) return result('n/a', `not installed: ${missing}`);
  try {
    return result('pass', (await entry.run(exchange)) ?? '');
  } catch (error) {
    if (error instanceof NotApplicable) return result('n/a', error.message);
    return result('fail', error instanceof Error ? error.message : String(error));
  } finally {
    await exchange.close();
  }
}

const ROLE = { client: '→', server: '←' } as const;
const MARK = { pass: '✓', fail: '✗', 'n/a': '–' } as const;

/** A column for each peer and role, a row for each case. */
export function matrixRows(results: readonly Result[]): string[][] {
  const columns = [...new Set(results.map(({ role, peer }) => `${ROLE[role]} ${peer}`))];
  const cases = CASES.filter(({ name }) => results.some((result) => result.case === name));
  return [
    ['', ...columns],
    ...cases.map(({ name }) => [
      name,
      ...columns.map((column) => {
        const found = results.find((r) => r.case === name && `${ROLE[r.role]} ${r.peer}` === column);
        return found ? MARK[found.outcome] : '';
      }),
    ]),
  ];
}

/** The matrix as a page of the documentation: outcomes and reasons, no figure that another run would change. */
export function matrixPage(results: readonly Result[]): string {
  const rows = matrixRows(results).map((row) => `| ${row.join(' | ')} |`);
  const columns = rows[0]!.split('|').length - 2;
  const reasons = new Map<string, string[]>();
  for (const { case: name, peer, role, outcome, detail } of results) {
    if (outcome === 'pass') continue;
    const reason = `${outcome}: ${detail}`;
    reasons.set(reason, [...(reasons.get(reason) ?? []), `${name} ${ROLE[role]} ${peer}`]);
  }
  const order = (a: string, b: string): number => (a < b ? -1 : 1);
  return [
    '# Interoperability',
    '',
    'Written by `routelab interop --page docs/interop.md`; `test/interop/matrix.test.ts` runs the cases and compares.',
    '`→`: our client with the peer’s server; `←`: the peer’s client with our server. ✓ pass, ✗ fail, – not applicable.',
    '',
    rows[0]!,
    `|${' --- |'.repeat(columns)}`,
    ...rows.slice(1),
    '',
    '## Cases',
    '',
    ...CASES.map(({ name, about }) => `* **${name}**: ${about}`),
    '',
    '## What is not a pass',
    '',
    ...[...reasons]
      .sort(([a], [b]) => order(a, b))
      .map(([reason, where]) => `* ${where.sort(order).join(', ')}: ${reason}`),
    '',
  ].join('\n');
}
