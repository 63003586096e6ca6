import { describe, expect, it } from 'vitest';
import {
  isClientInitiated,
  isUnidirectional,
  LocalStreams,
  RemoteStreams,
} from '../../../src/main/quic/streams/stream-limits.ts';
import { TransportError } from '../../../src/main/quic/wire/errors.ts';

it('stream IDs tell who opened them and their direction (RFC 9000 table 1)', () => {
  expect([0, 1, 2, 3].map(isClientInitiated)).toEqual([true, false, true, false]);
  expect([0, 1, 2, 3].map(isUnidirectional)).toEqual([false, false, true, true]);
  // Beyond 32 bits too.
  expect(isClientInitiated(2 ** 40 + 1)).toBe(false);
  expect(isUnidirectional(2 ** 40 + 2)).toBe(true);
});

describe('streams we open', () => {
  it('count up in steps of four to the peer’s limit', () => {
    const streams = new LocalStreams('server', true, 2);
    expect([streams.open(), streams.open(), streams.open()]).toEqual([3, 7, null]);
    expect(streams.blockedAt).toBe(2);
    streams.raiseMax(1);
    expect(streams.blockedAt).toBe(2);
    streams.raiseMax(3);
    expect(streams.blockedAt).toBeNull();
    expect(streams.open()).toBe(11);
  });

  it('are told from those that are not open yet', () => {
    const streams = new LocalStreams('client', false, 5);
    expect(streams.isOpened(0)).toBe(false);
    streams.open();
    expect(streams.isOpened(0)).toBe(true);
    expect(streams.isOpened(4)).toBe(false);
  });
});

describe('streams the peer opens', () => {
  it('open with all lower ones of their type (RFC 9000 §3.2), once', () => {
    const streams = new RemoteStreams('client', false, 10);
    expect(streams.open(8)).toEqual([0, 4, 8]);
    expect(streams.open(4)).toEqual([]);
    expect(streams.open(12)).toEqual([12]);
  });

  it('end at the limit granted (RFC 9000 §4.6)', () => {
    const streams = new RemoteStreams('server', true, 2);
    expect(() => streams.open(11)).toThrow(
      expect.objectContaining({ code: TransportError.STREAM_LIMIT_ERROR }),
    );
    expect(() => streams.open(Number.MAX_SAFE_INTEGER)).toThrow();
    expect(streams.open(7)).toEqual([3, 7]);
  });

  it('make room for others as they close, and the limit is told again after a loss', () => {
    const streams = new RemoteStreams('client', false, 4);
    streams.open(12);
    streams.onClosed();
    expect(streams.takeMaxStreams()).toBeNull();
    streams.onClosed();
    expect(streams.takeMaxStreams()).toBe(6);
    expect(streams.takeMaxStreams()).toBeNull();
    expect(streams.open(20)).toEqual([16, 20]);
    streams.onMaxStreamsLost();
    expect(streams.takeMaxStreams()).toBe(6);
  });
});
