import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Stand, standAfter } from '../../../src/renderer/features/probe/congestion/keys.ts';
import { layoutOf } from '../../../src/renderer/features/probe/congestion/panels.ts';
import { CongestionTrace } from '../../../src/renderer/features/probe/congestion/trace.ts';
import {
  panned,
  type Viewport,
  WHOLE,
  windowOf,
  within,
  zoomed,
} from '../../../src/renderer/features/probe/congestion/viewport.ts';
import { Detail } from '../../../src/renderer/features/probe/run/detail.ts';
import { traceOf } from './fixtures.ts';

const SECOND = 1e6;

describe('the window on a flow', () => {
  it('shows all of it and grows with it until somebody zooms', () => {
    expect(windowOf(WHOLE, 5 * SECOND)).toEqual({ fromUs: 0, toUs: 5 * SECOND });
    expect(windowOf(WHOLE, 0).toUs).toBeGreaterThan(0);
  });

  it('zooms about the moment that is pointed at', () => {
    expect(zoomed(WHOLE, 8 * SECOND, 0.5, 2 * SECOND)).toEqual({ fromUs: 1 * SECOND, toUs: 5 * SECOND });
  });

  it('becomes the whole again when it is as long', () => {
    expect(zoomed({ fromUs: 1 * SECOND, toUs: 5 * SECOND }, 8 * SECOND, 2, 0)).toBe(WHOLE);
    expect(panned(WHOLE, 8 * SECOND, 0.5)).toBe(WHOLE);
  });

  it('never leaves the flow, whatever is done', () => {
    const step = fc.oneof(
      fc.record({
        zoom: fc.double({ min: 0.01, max: 100, noNaN: true }),
        at: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      fc.record({ pan: fc.double({ min: -3, max: 3, noNaN: true }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const wholeUs = 10 * SECOND;
        let viewport: Viewport = WHOLE;
        for (const each of steps) {
          const { fromUs, toUs } = windowOf(viewport, wholeUs);
          viewport =
            'pan' in each
              ? panned(viewport, wholeUs, each.pan)
              : zoomed(viewport, wholeUs, each.zoom, fromUs + each.at * (toUs - fromUs));
          const now = windowOf(viewport, wholeUs);
          expect(now.fromUs).toBeGreaterThanOrEqual(0);
          expect(now.toUs).toBeLessThanOrEqual(wholeUs + 1);
          expect(now.toUs).toBeGreaterThan(now.fromUs);
        }
      }),
    );
    expect(within({ fromUs: -5, toUs: 2000 }, 1e6)).toEqual({ fromUs: 0, toUs: 2005 });
  });
});

describe('the keyboard', () => {
  const trace = new CongestionTrace();
  trace.put(traceOf([0, 1000, 500_000, 1_000_000]));
  const around = { trace, endUs: SECOND, wholeUs: SECOND, columns: 1000 };
  const pressed = (stand: Stand, ...keys: string[]): Stand | null =>
    keys.reduce<Stand | null>(
      (now, key) =>
        now &&
        standAfter({ key: key.replace('Shift+', ''), shiftKey: key.startsWith('Shift+') }, now, around),
      stand,
    );
  const start: Stand = { viewport: WHOLE, cursorUs: null };

  it('moves from sample to sample, and over pixels where samples are closer', () => {
    expect(pressed(start, 'ArrowLeft')?.cursorUs).toBe(500_000);
    expect(pressed(start, 'Home', 'ArrowRight')?.cursorUs).toBe(1000);
    expect(pressed(start, 'ArrowLeft', 'ArrowRight')?.cursorUs).toBe(SECOND);
  });

  it('stops at both ends and lets the cursor go', () => {
    expect(pressed(start, 'Home', 'ArrowLeft')?.cursorUs).toBe(0);
    expect(pressed(start, 'End', 'ArrowRight')?.cursorUs).toBe(SECOND);
    expect(pressed(start, 'Home', 'Escape')?.cursorUs).toBeNull();
  });

  it('zooms about the cursor and moves the window', () => {
    expect(pressed(start, 'Home', '+')?.viewport).toEqual({ fromUs: 0, toUs: 500_000 });
    expect(pressed(start, 'Home', '+', 'Shift+ArrowRight')?.viewport).toEqual({
      fromUs: 50_000,
      toUs: 550_000,
    });
    expect(pressed(start, '+', '0')?.viewport).toBe(WHOLE);
  });

  it('takes the window along when the cursor leaves it', () => {
    const stand = pressed({ viewport: { fromUs: 0, toUs: 400_000 }, cursorUs: 1000 }, 'ArrowRight');
    expect(stand).toEqual({ cursorUs: 500_000, viewport: { fromUs: 200_000, toUs: 600_000 } });
  });

  it('leaves other keys to others', () => {
    expect(pressed(start, 'q')).toBeNull();
  });
});

describe('the places of the panels', () => {
  it('lie below each other within the canvas', () => {
    for (const flows of [1, 2]) {
      const { strips, panels, bottom } = layoutOf(1000, 600, flows);
      const edges = [...strips, ...panels].flatMap(({ top, height }) => [top, top + height]);
      expect(edges).toEqual(edges.toSorted((a, b) => a - b));
      expect(bottom).toBeLessThanOrEqual(600);
    }
  });
});

describe('detail of a stored flow', () => {
  it('is asked for once for a window, and again for a closer one', () => {
    const detail = new Detail();
    const whole = { fromUs: 0, toUs: 10 * SECOND };
    const first = detail.next(whole, 1000)!;
    expect(first).toMatchObject({ fromUs: 0, points: 8000 });
    expect(detail.next(whole, 1000)).toBeNull();
    detail.have(first, 8000);
    expect(detail.next(whole, 1000)).toBeNull();
    expect(detail.next({ fromUs: 0, toUs: 6 * SECOND }, 1000)).toBeNull();
    expect(detail.next({ fromUs: 0, toUs: 4 * SECOND }, 1000)).not.toBeNull();
  });

  it('is not asked for where all there is came, or where the lab refused', () => {
    const detail = new Detail();
    const first = detail.next({ fromUs: 0, toUs: 1000 }, 100)!;
    detail.have(first, 20);
    expect(detail.next({ fromUs: 10, toUs: 11 }, 100)).toBeNull();
    const other = detail.next({ fromUs: 0, toUs: 9000 }, 100)!;
    detail.failed(other);
    expect(detail.next({ fromUs: 5000, toUs: 6000 }, 100)).toBeNull();
  });
});
