/** The meter tells of every datagram when it left and when it came, by path and number, and which never came. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { kernelTimes, meter } from '../../../src/main/cli/bench/udp-meter.ts';

const load = { packets: 40, bytes: 100, everyUs: 500 };
const settings = { load, quiet: () => Promise.resolve(), cores: null };

describe.skipIf(!kernelTimes())('the UDP meter: Linux with a C compiler', () => {
  it('times datagrams of several paths', async () => {
    const paths = await meter({ ...settings, paths: 3, open: async (ports) => ports });
    expect(paths).toHaveLength(3);
    for (const { sentUs, arrivedUs } of paths) {
      expect(sentUs).toEqual(sentUs.toSorted((a, b) => a - b));
      expect(sentUs).toHaveLength(load.packets);
      expect(arrivedUs.filter((atUs, number) => atUs === null || atUs < sentUs[number]!)).toEqual([]);
    }
  });

  it('knows which never came, and takes the first of two copies', async () => {
    const between = createSocket('udp4');
    between.bind(0, '127.0.0.1');
    await once(between, 'listening');
    const allPassed = Promise.withResolvers<void>();
    let passed = 0;
    try {
      const [path] = await meter({
        ...settings,
        paths: 1,
        quiet: () => allPassed.promise,
        open: async ([port]) => {
          between.on('message', (data) => {
            if (++passed === load.packets) allPassed.resolve();
            if (data.readUInt32LE() % 4 === 1) return;
            between.send(data, port!, '127.0.0.1');
            if (data.readUInt32LE() % 4 === 2) between.send(data, port!, '127.0.0.1');
          });
          return [between.address().port];
        },
      });
      expect(path!.arrivedUs.map((atUs) => atUs === null)).toEqual(path!.sentUs.map((_, n) => n % 4 === 1));
    } finally {
      between.close();
    }
  });

  it('ends its programs when the paths cannot be opened', async () => {
    const refused = meter({ ...settings, paths: 1, open: () => Promise.reject(new Error('no path')) });
    await expect(refused).rejects.toThrow('no path');
  });
});
