/** `routelab doctor`: what this machine offers, and what to do about what it lacks. */
import { getCiphers, getCurves } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates } from 'node:tls';
import type { Command } from 'commander';
import { toLabError } from '../../shared/errors.ts';
import { quantile } from '../../shared/samples.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { defaultDataDir } from '../store/data-dir.ts';
import { RawProbe, rawPeer } from './bench/raw.ts';
import { type Check, storeChecks } from './doctor-store.ts';
import { paint, print, printJson } from './output.ts';

interface DoctorOptions {
  data?: string;
  full?: true;
  config?: string;
  json?: true;
}

export function configure(command: Command): void {
  command
    .option('--data <dir>', 'data folder to check')
    .option('--config <file>', 'lab.yaml of the lab; default ROUTELAB_CONFIG, or the one in the data folder')
    .option('--full', 'check every index of its database too, which takes longer')
    .action(run);
}

async function run(options: DoctorOptions): Promise<void> {
  const checks = [
    node(),
    cryptography(),
    roots(),
    await database(),
    dataFolder(options.data ?? defaultDataDir()),
    ...storeChecks(options.data ?? defaultDataDir(), {
      isFull: options.full === true,
      config: options.config ?? process.env['ROUTELAB_CONFIG'],
      env: process.env,
    }),
    await udpPort(4433, '127.0.0.1', '--listen'),
    await tcpPort(8080, '--port'),
    await ipv6(),
    await timers(),
    await loopback(),
    ...PROGRAMS.map(program),
  ];
  if (checks.some((check) => check.state === 'fail')) process.exitCode = 1;
  if (options.json) return printJson({ checks });
  const colour = { ok: 'green', warn: 'yellow', fail: 'red' } as const;
  const width = Math.max(...checks.map((check) => check.name.length));
  for (const { name, state, value, hint } of checks) {
    print(`${paint(colour[state], state.padEnd(4))}  ${name.padEnd(width)}  ${value}`);
    if (hint !== undefined) print(`${' '.repeat(width + 8)}${paint('dim', hint)}`);
  }
}

function node(): Check {
  const { version } = process;
  return Number(process.versions.node.split('.')[0]) >= 24
    ? { name: 'node', state: 'ok', value: version }
    : { name: 'node', state: 'fail', value: version, hint: 'Run RouteLab with npm: it brings Node 24.' };
}

function cryptography(): Check {
  const ciphers = new Set(getCiphers());
  const curves = new Set(getCurves());
  const missing = ['aes-128-gcm', 'aes-256-gcm', 'aes-128-ecb'].filter((name) => !ciphers.has(name));
  if (!curves.has('prime256v1')) missing.push('P-256');
  if (missing.length > 0) {
    const hint = 'This Node was built without what QUIC needs; use the one npm installs.';
    return { name: 'crypto', state: 'fail', value: `lacks ${missing.join(', ')}`, hint };
  }
  const value = `OpenSSL ${process.versions.openssl}, AES-GCM`;
  return ciphers.has('chacha20-poly1305')
    ? { name: 'crypto', state: 'ok', value: `${value}, ChaCha20-Poly1305` }
    : {
        name: 'crypto',
        state: 'warn',
        value,
        hint: 'Without ChaCha20-Poly1305 the AES suites are offered alone.',
      };
}

function roots(): Check {
  const count = getCACertificates('system').length;
  return count > 0
    ? { name: 'trust', state: 'ok', value: `${count} roots of the system` }
    : {
        name: 'trust',
        state: 'warn',
        value: 'the system has no roots',
        hint: 'Node’s own are used; for others install ca-certificates or pass --ca.',
      };
}

async function database(): Promise<Check> {
  try {
    const { default: Database } = await import('better-sqlite3');
    const db = new Database(':memory:');
    const version = db.prepare('select sqlite_version()').pluck().get();
    db.close();
    return { name: 'database', state: 'ok', value: `SQLite ${version}` };
  } catch (thrown) {
    const hint = 'Run npm install again; the lab cannot store anything without it.';
    return { name: 'database', state: 'fail', value: (thrown as Error).message, hint };
  }
}

function dataFolder(dir: string): Check {
  // A folder that is not there yet is made in the nearest one that is.
  let nearest = dir;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  try {
    // Permissions alone do not tell: some file systems let nobody make anything.
    rmdirSync(mkdtempSync(join(nearest, '.routelab-doctor-')));
    return { name: 'data folder', state: 'ok', value: nearest === dir ? dir : `${dir} (to be made)` };
  } catch {
    return {
      name: 'data folder',
      state: 'fail',
      value: `nothing can be made in ${nearest}`,
      hint: 'Choose another with --data.',
    };
  }
}

async function udpPort(port: number, host: string, setting: string): Promise<Check> {
  const socket = createSocket('udp4');
  socket.bind(port, host);
  return portCheck(`port ${port}/udp`, setting, once(socket, 'listening'), () => socket.close());
}

async function tcpPort(port: number, setting: string): Promise<Check> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  return portCheck(`port ${port}/tcp`, setting, once(server, 'listening'), () => server.close());
}

async function portCheck(
  name: string,
  setting: string,
  bound: Promise<unknown>,
  close: () => void,
): Promise<Check> {
  try {
    await bound;
    close();
    return { name, state: 'ok', value: 'free' };
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    return code === 'EADDRINUSE'
      ? {
          name,
          state: 'warn',
          value: 'in use',
          hint: `Stop what uses it, or choose another with ${setting}.`,
        }
      : { name, state: 'fail', value: (thrown as Error).message, hint: `Choose another with ${setting}.` };
  }
}

async function ipv6(): Promise<Check> {
  const socket = createSocket('udp6');
  socket.bind(0, '::1');
  try {
    await once(socket, 'listening');
    socket.close();
    return { name: 'IPv6', state: 'ok', value: 'on loopback' };
  } catch {
    return {
      name: 'IPv6',
      state: 'warn',
      value: 'not available',
      hint: 'Only IPv4 routes can be measured here.',
    };
  }
}

/** How late timers fire: pings are timed when they are sent, so this costs evenness, not accuracy. */
async function timers(): Promise<Check> {
  const late: number[] = [];
  for (let i = 0; i < 200; i++) {
    const dueUs = nowUs() + 1000;
    await sleep(1);
    late.push(Math.max(0, nowUs() - dueUs) / 1000);
  }
  late.sort((a, b) => a - b);
  const p99 = quantile(late, 0.99);
  const value = `late by p50 ${quantile(late, 0.5).toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`;
  return p99 < 20
    ? { name: 'timers', state: 'ok', value }
    : { name: 'timers', state: 'warn', value, hint: 'The machine is busy; RTTs will carry its delays.' };
}

/** The smallest RTT a probe can show here. */
async function loopback(): Promise<Check> {
  const peer = await rawPeer();
  const probe = await RawProbe.open(peer.port);
  let rtts: number[];
  try {
    rtts = await probe.pingPong(200, 2);
  } catch (error) {
    const { message } = toLabError(error);
    return { name: 'loopback', state: 'fail', value: message, hint: 'Let UDP pass between local programs.' };
  } finally {
    probe.close();
    peer.close();
  }
  const value = `UDP echo p50 ${quantile(rtts, 0.5).toFixed(0)} µs, p99 ${quantile(rtts, 0.99).toFixed(0)} µs`;
  return { name: 'loopback', state: 'ok', value };
}

const PROGRAMS = [
  { command: 'chromium', packageName: 'chromium', use: 'the browser tests' },
  { command: 'gtlsserver', packageName: 'ngtcp2-server', use: 'the interop tests' },
  { command: 'gtlsclient', packageName: 'ngtcp2-client', use: 'the interop tests' },
  { command: 'tshark', packageName: 'tshark', use: 'reading captures with a key log' },
] as const;

function program({ command, packageName, use }: (typeof PROGRAMS)[number]): Check {
  // Debian puts servers into /usr/sbin, which is not on every user's PATH.
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin'];
  const found = folders.map((folder) => join(folder, command)).find((path) => existsSync(path));
  return found
    ? { name: command, state: 'ok', value: found }
    : {
        name: command,
        state: 'warn',
        value: 'not installed',
        hint: `Only ${use} need it: package ${packageName}.`,
      };
}
