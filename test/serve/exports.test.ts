import { expect, test } from 'vitest';
import { openHost } from './open-host.ts';

test('an export is downloaded as a file, and nothing else of the data folder is', async () => {
  const host = await openHost();
  const { experiments } = await host.lab.client.experiments.importFile({
    name: 'i.json',
    data: Buffer.from(
      JSON.stringify({
        start: {},
        intervals: [],
        end: { sum_received: { bytes: 1, bits_per_second: 8, seconds: 1 } },
      }),
    ).toString('base64'),
  });
  const file = await host.lab.client.experiments.export({ id: experiments[0]!.id, format: 'html' });
  const response = await fetch(`${host.url}${file.url}`);
  expect(response.headers.get('content-disposition')).toBe(`attachment; filename="${file.name}"`);
  expect((await response.arrayBuffer()).byteLength).toBe(file.bytes);
  for (const name of ['absent.html', '..%2Flab.db', 'lab.db', `${file.name}%00`])
    expect((await fetch(`${host.url}/exports/${name}`)).status).toBe(404);
});
