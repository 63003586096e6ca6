/** What a careless or hostile client of the HTTP server meets. */
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { startHeadless } from '../../src/main/serve/index.ts';
import { silentLog, temporaryDir } from '../lab/open-lab.ts';

async function host(): Promise<string> {
  const headless = await startHeadless({
    dataDir: temporaryDir(),
    host: '127.0.0.1',
    port: 0,
    log: silentLog,
  });
  onTestFinished(() => headless.close());
  return headless.url;
}

test.each(['/%zz', '/%', '/api/v1/%E0%A4%A'])('the path %s is an error of the catalogue', async (path) => {
  const url = await host();
  const response = await fetch(`${url}${path}`);
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({ code: 'RL_INPUT_INVALID', field: 'path' });
});

test('a WebSocket that floods the lab with requests is shut', async () => {
  const url = await host();
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/rpc`);
  await once(socket, 'open');
  for (let id = 0; id < 600; id++) socket.send(JSON.stringify({ i: String(id), p: { u: '/lab/info' } }));
  const [code] = (await once(socket, 'close')) as [number];
  expect(code).toBe(1008);
});
