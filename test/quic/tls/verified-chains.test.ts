import { expect, it } from 'vitest';
import { VerifiedChains } from '../../../src/main/quic/tls/verified-chains.ts';

const chain = [Buffer.from('leaf'), Buffer.from('issuer')];
const NOW = 1_800_000_000_000;

it('stands for five minutes, and no longer than the certificates', () => {
  const chains = new VerifiedChains();
  chains.add('a', NOW, NOW + 1e9);
  expect(chains.has('a', NOW + 300_000)).toBe(true);
  expect(chains.has('a', NOW + 300_001)).toBe(false);
  chains.add('b', NOW, NOW + 1000);
  expect(chains.has('b', NOW + 1000)).toBe(true);
  expect(chains.has('b', NOW + 1001)).toBe(false);
  // A clock that was set back says nothing of what was found later.
  expect(chains.has('a', NOW - 1)).toBe(false);
});

it('is of one chain, one host and one trust: nothing of them can be moved from one to the other', () => {
  const key = VerifiedChains.key('ca', 'host', chain);
  expect(VerifiedChains.key('ca', 'host', [Buffer.from('leaf'), Buffer.from('issuer')])).toBe(key);
  const others = [
    VerifiedChains.key('cah', 'ost', chain),
    VerifiedChains.key('ca', 'other', chain),
    VerifiedChains.key('ca', 'host', [Buffer.from('leafissuer')]),
    VerifiedChains.key('ca', 'host', [Buffer.from('leafi'), Buffer.from('ssuer')]),
    VerifiedChains.key('ca', 'host', chain.toReversed()),
  ];
  for (const other of others) expect(other).not.toBe(key);
});

it('forgets the oldest beyond its capacity', () => {
  const chains = new VerifiedChains();
  for (let i = 0; i < 300; i++) chains.add(`${i}`, NOW, NOW + 1e9);
  expect(chains.has('0', NOW)).toBe(false);
  expect(chains.has('299', NOW)).toBe(true);
});
