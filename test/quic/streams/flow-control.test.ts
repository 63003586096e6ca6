import { describe, expect, it } from 'vitest';
import { FlowControl } from '../../../src/main/quic/streams/flow-control.ts';
import { ReceiveWindow } from '../../../src/main/quic/streams/receive-window.ts';
import { TransportError } from '../../../src/main/quic/wire/errors.ts';

describe('receiving', () => {
  it('allows the window over all streams and not a byte more (RFC 9000 §4.1)', () => {
    const flow = new FlowControl(new ReceiveWindow(100));
    flow.receive(60);
    flow.receive(40);
    expect(() => flow.receive(1)).toThrow(
      expect.objectContaining({ code: TransportError.FLOW_CONTROL_ERROR }),
    );
  });

  it('grants more when half the window is consumed, and again after a loss', () => {
    const flow = new FlowControl(new ReceiveWindow(100));
    flow.receive(100);
    flow.consume(49);
    expect(flow.takeMaxData()).toBeNull();
    flow.consume(1);
    expect(flow.takeMaxData()).toBe(150);
    expect(flow.takeMaxData()).toBeNull();
    flow.receive(50);
    flow.onMaxDataLost();
    expect(flow.takeMaxData()).toBe(150);
  });
});

describe('sending', () => {
  it('spends credit, is blocked at the limit, and goes on when it is raised', () => {
    const flow = new FlowControl(new ReceiveWindow(100));
    expect(flow.sendCredit).toBe(0);
    expect(flow.blockedAt).toBe(0);
    flow.raiseMaxData(50);
    expect(flow.blockedAt).toBeNull();
    flow.onSent(50);
    expect(flow.sendCredit).toBe(0);
    expect(flow.blockedAt).toBe(50);
    flow.raiseMaxData(40);
    expect(flow.sendCredit).toBe(0);
    flow.raiseMaxData(70);
    expect(flow.sendCredit).toBe(20);
  });
});
