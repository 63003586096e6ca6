/** `--qlog` and `--keylog` of the real commands: files that are whole however the process ends. */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { parseJsonSeq, readQlog } from '../quic/qlog/schema.ts';
import { type Running, run, start, startServer } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelab-qlog-'));
afterAll(() => rmSync(folder, { recursive: true }));
const data = join(folder, 'data');
const path = (name: string): string => join(folder, name);
const read = (name: string): string => readFileSync(path(name), 'utf8');

const running: Running[] = [];
afterEach(async () => {
  for (const { child, finished } of running.splice(0)) {
    child.kill();
    await finished;
  }
});

async function server(...args: string[]): Promise<Running & { port: number }> {
  const started = await startServer(args, data);
  running.push(started);
  return started;
}
const probe = (port: number, args: string[], env: NodeJS.ProcessEnv = {}) =>
  run(['probe', `127.0.0.1:${port}`, '--data', data, ...args], env);

describe('--qlog', () => {
  it('of both ends: two whole files of the same connection', async () => {
    const { port, child, finished } = await server('--qlog', path('both'));
    const args = ['--mode', 'upload', '--bytes', '3mb', '--qlog', path('both'), '--json'];
    const result = await probe(port, args);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    child.kill('SIGINT');
    expect(await finished).toMatchObject({ code: 0 });
    const names = readdirSync(path('both'));
    const [odcid] = names[0]!.split('_');
    expect(names.toSorted()).toEqual([`${odcid}_client.sqlog`, `${odcid}_server.sqlog`]);
    const client = readQlog(read(`both/${odcid}_client.sqlog`));
    const other = readQlog(read(`both/${odcid}_server.sqlog`));
    expect(client.header.trace.common_fields.group_id).toBe(odcid);
    expect(other.header.trace.vantage_point.type).toBe('server');
    const { transport } = JSON.parse(result.stdout);
    const lost = client.all('packet_lost').filter(({ is_mtu_probe_packet }) => !is_mtu_probe_packet);
    expect(lost).toHaveLength(transport.packets_lost);
    // The CONNECTION_CLOSE went out after the figures were taken.
    expect(client.all('packet_sent').length).toBeGreaterThan(transport.packets_sent);
    expect(client.all('connection_closed')).toMatchObject([{ initiator: 'local', trigger: 'application' }]);
    expect(other.all('connection_closed')).toMatchObject([{ initiator: 'remote', trigger: 'application' }]);
  });

  it('FILE, in the words of qvis', async () => {
    const { port } = await server();
    const args = ['--count', '3', '--rate', '100', '--qlog', path('one.sqlog'), '--qlog-format', 'qvis'];
    expect(await probe(port, args)).toMatchObject({ code: 0, stderr: '' });
    const records = parseJsonSeq(read('one.sqlog')) as { qlog_version?: string; name?: string }[];
    expect(records[0]!.qlog_version).toBe('0.3');
    expect(records.filter(({ name }) => name === 'transport:packet_sent').length).toBeGreaterThan(3);
  });

  it('is whole after Ctrl-C in the middle of a transfer', async () => {
    const { port } = await server();
    const args = ['--mode', 'upload', '--duration', '60s', '--qlog', path('stopped.sqlog')];
    const probing = start(['probe', `127.0.0.1:${port}`, '--data', data, ...args]);
    running.push(probing);
    await until(() => has(path('stopped.sqlog'), '"packet_number":500'));
    probing.child.kill('SIGINT');
    await probing.finished;
    const log = readQlog(read('stopped.sqlog'));
    expect(log.all('connection_closed')).toHaveLength(1);
    expect(log.all('packet_sent').length).toBeGreaterThan(500);
  });

  it('is whole when the process ends with records not yet written, and some under way', () => {
    const module = new URL('../../src/main/cli/qlog-files.ts', import.meta.url).href;
    const record = '\u001e{"a":"é"}\n';
    const script = `
      import { qlogTo } from ${JSON.stringify(module)};
      const { qlog } = qlogTo({ qlog: ${JSON.stringify(path('cut.sqlog'))} }, { one: true });
      const sink = qlog.open({ odcid: '00', vantage: 'client' });
      const write = (n) => { for (let i = 0; i < n; i++) sink.write(${JSON.stringify(record)}); };
      write(100_000);
      setImmediate(() => setImmediate(() => { write(50_000); process.exit(0); }));`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
    expect(read('cut.sqlog')).toBe(record.repeat(150_000));
  });

  it('of a server begins with a packet that is authentic: noise leaves no file, and overwrites none', async () => {
    const { port, child, finished } = await server('--qlog', path('noise'));
    expect(await probe(port, ['--mode', 'handshake', '--count', '1'])).toMatchObject({ code: 0 });
    const [name] = readdirSync(path('noise'));
    const noise = Buffer.alloc(1200, 7);
    Buffer.from('c00000000108', 'hex').copy(noise);
    // The id that the finished connection had, and others.
    Buffer.from(name!.split('_')[0]!, 'hex').copy(noise, 6);
    Buffer.from('0000449e', 'hex').copy(noise, 14);
    const socket = createSocket('udp4');
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => socket.send(noise, port, '127.0.0.1', resolve));
      noise[6]!++;
    }
    socket.close();
    expect(await probe(port, ['--mode', 'handshake', '--count', '1'])).toMatchObject({ code: 0 });
    child.kill('SIGINT');
    expect(await finished).toMatchObject({ code: 0 });
    expect(readdirSync(path('noise'))).toHaveLength(2);
    expect(readQlog(read(`noise/${name}`)).all('connection_closed')).toHaveLength(1);
  });

  it('takes one file for each of many handshakes, in a folder', async () => {
    const { port } = await server();
    mkdirSync(path('many'));
    await probe(port, ['--mode', 'handshake', '--count', '3', '--qlog', path('many')]);
    expect(readdirSync(path('many'))).toHaveLength(3);
    for (const name of readdirSync(path('many')))
      expect(readQlog(read(`many/${name}`)).all('packet_sent').length).toBeGreaterThan(1);
  });

  it('goes where QLOGDIR or QLOGFILE say, unless told otherwise', async () => {
    const { port } = await server();
    const ping = ['--count', '1'];
    await probe(port, ping, { QLOGDIR: `${path('fromenv')}/` });
    expect(readdirSync(path('fromenv'))).toEqual([expect.stringMatching(/^[0-9a-f]{16}_client\.sqlog$/)]);
    await probe(port, ping, { QLOGFILE: path('fromenv.sqlog') });
    readQlog(read('fromenv.sqlog'));
    await probe(port, [...ping, '--qlog', path('told.sqlog')], { QLOGDIR: `${path('other')}/` });
    readQlog(read('told.sqlog'));
    expect(has(path('other'), '')).toBe(false);
  });

  it.each([
    ['probe', ['--qlog', join(folder, 'no', 'such', 'folder', 'x.sqlog')]],
    ['probe', ['--qlog', '/dev/null']],
    ['server', ['--qlog', '/dev/null/folder']],
    ['server', ['--qlog', '/proc/nowhere']],
  ])('that cannot be written is an error before anything is measured: %s %j', async (command, args) => {
    const where = command === 'probe' ? ['127.0.0.1:9'] : ['--listen', '127.0.0.1:0'];
    const result = await run([command, ...where, '--data', data, ...args]);
    expect(result.stderr).toMatch(/^error RL_FILE_UNWRITABLE: --qlog: /m);
    expect(result.code).toBe(2);
  });

  it('a format there is not, and one for no file, are errors', async () => {
    const result = await run(['probe', '127.0.0.1:9', '--qlog-format', 'xml']);
    expect(result.stderr).toMatch(/^error RL_INPUT_INVALID: --qlog-format/m);
    const nothing = await run(['probe', '127.0.0.1:9', '--data', data, '--qlog-format', 'qvis']);
    expect(nothing.stderr).toMatch(/^error RL_USAGE: --qlog-format/m);
  });
});

describe('SSLKEYLOGFILE', () => {
  it('counts where --keylog is not given, and is named when it cannot be written', async () => {
    const { port } = await server();
    await probe(port, ['--count', '1'], { SSLKEYLOGFILE: path('keys') });
    expect(read('keys')).toMatch(/^CLIENT_TRAFFIC_SECRET_0 /m);
    writeFileSync(path('told-keys'), '');
    await probe(port, ['--count', '1', '--keylog', path('told-keys')], { SSLKEYLOGFILE: path('unused') });
    expect(read('told-keys')).toMatch(/^CLIENT_TRAFFIC_SECRET_0 /m);
    expect(has(path('unused'), '')).toBe(false);
    const result = await probe(port, ['--count', '1'], { SSLKEYLOGFILE: join(folder, 'no', 'keys') });
    expect(result.stderr).toMatch(/^error RL_FILE_UNWRITABLE: SSLKEYLOGFILE: /m);
  });
});

function has(file: string, text: string): boolean {
  try {
    return readFileSync(file, 'utf8').includes(text);
  } catch {
    return false;
  }
}

/** Polls: what is waited for happens in another process. */
async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 20));
}
