import { describe, expect, it } from 'vitest';
import { compareTransports, type TurnFigures } from '../../src/main/probe/comparison.ts';
import { quicTurn, tcpTurn } from '../../src/main/probe/transport-turns.ts';
import { LabError } from '../../src/shared/errors.ts';
import { startLoopback } from './loopback.ts';
import { startTcpLoopback } from './tcp-loopback.ts';

const figures = (goodputBps: number | null): TurnFigures => ({
  goodputBps,
  handshakeUs: 10_000,
  rttP95Us: null,
});
const signal = new AbortController().signal;

describe('a comparison of transports', () => {
  it('measures each pair in an order that the seed draws', async () => {
    const run = async (seed: number) => {
      const turns: string[] = [];
      const side = (name: string) => async () => {
        turns.push(name);
        return figures(1);
      };
      const { pairs } = await compareTransports({ pairs: 20, seed, a: side('a'), b: side('b'), signal });
      expect(turns).toHaveLength(40);
      expect(pairs.map(({ first }) => first)).toEqual(turns.filter((_, i) => i % 2 === 0));
      return turns.join('');
    };
    const order = await run(1);
    expect(await run(1)).toBe(order);
    expect(await run(2)).not.toBe(order);
    expect(order).toContain('abab');
    expect(order).toContain('ba');
  });

  it('finds the difference that there is under what both suffer', async () => {
    let weather = 0;
    const side = (extra: number) => async () => figures(1e6 * (1 + (weather++ % 8)) + extra);
    const result = await compareTransports({ pairs: 8, seed: 3, a: side(4e6), b: side(0), signal });
    expect(result.metrics.goodputBps).toMatchObject({ n: 8, verdict: 'better' });
    expect(result.metrics.handshakeUs).toMatchObject({ n: 8, verdict: 'inconclusive' });
    expect(result.metrics.rttP95Us).toBeNull();
  });

  it('takes a lower handshake time for better', async () => {
    const side = (us: number) => async () => ({ ...figures(1), handshakeUs: us });
    const { metrics } = await compareTransports({ pairs: 6, seed: 3, a: side(9), b: side(20), signal });
    expect(metrics.handshakeUs!.verdict).toBe('better');
  });

  it('leaves a pair out of both sides when either fails, and says so', async () => {
    let made = 0;
    const failing = async () => {
      if (++made === 3) throw new LabError('RL_CONNECTION_LOST', 'gone');
      return figures(2);
    };
    const options = { pairs: 7, seed: 1, a: failing, b: async () => figures(1), signal };
    const result = await compareTransports(options);
    expect(result).toMatchObject({ failed: 1, lastFailure: { code: 'RL_CONNECTION_LOST' } });
    expect(result.metrics.goodputBps).toMatchObject({ n: 6, verdict: 'better' });
    made = 2;
    await expect(compareTransports(options)).rejects.toMatchObject({ code: 'RL_CONNECTION_LOST' });
  });

  it('keeps whole pairs only when it is ended early', async () => {
    const stop = new AbortController();
    let made = 0;
    const side = async () => {
      if (++made === 5) stop.abort();
      return figures(1);
    };
    const result = await compareTransports({ pairs: 9, seed: 1, a: side, b: side, signal: stop.signal });
    expect(result.pairs).toHaveLength(2);
    expect(result.metrics.goodputBps).toMatchObject({ n: 2, verdict: 'too_few', difference: null });
  });

  it('measures real QUIC and real TCP', async () => {
    await using quic = await startLoopback();
    await using tcp = await startTcpLoopback();
    const connect = (port: number, trust: typeof quic.options.trust) => ({
      ...quic.options,
      port,
      trust,
      controller: { name: 'cubic' as const },
    });
    for (const mode of ['download', 'upload', 'handshake'] as const) {
      const plan = { mode, durationMs: 500, pingsPerS: 100, wish: null };
      const result = await compareTransports({
        pairs: 1,
        seed: 1,
        a: () => quicTurn(connect(quic.listener.port, quic.options.trust), plan, signal),
        b: () => tcpTurn(connect(tcp.listener.port, tcp.options.trust), plan, signal),
        signal,
      });
      const [{ a, b }] = result.pairs as [(typeof result.pairs)[number]];
      for (const turn of [a, b]) {
        expect(turn.handshakeUs).toBeGreaterThan(0);
        if (mode === 'handshake')
          expect(turn).toMatchObject({ goodputBps: null, rttP95Us: null, pings: null });
        else {
          expect(turn.goodputBps).toBeGreaterThan(0);
          expect(turn.pings!.answered).toBe(turn.pings!.sent);
        }
      }
      if (mode === 'upload') expect(a.congestion).toBe('cubic');
    }
  });
});
