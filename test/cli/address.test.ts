import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../src/main/cli/address.ts';

const parse = (text: string) => parseAddress(text, 'target', { lowestPort: 1 });

describe('addresses', () => {
  it('reads names, IPv4 and bracketed IPv6 addresses with a port', () => {
    expect(parse('localhost:4433')).toEqual({ host: 'localhost', port: 4433 });
    expect(parse('192.0.2.1:1')).toEqual({ host: '192.0.2.1', port: 1 });
    expect(parse('[::1]:65535')).toEqual({ host: '::1', port: 65535 });
  });

  it('takes a bare port where a default host is given', () => {
    expect(parseAddress('4433', '--listen', { defaultHost: '127.0.0.1', lowestPort: 0 })).toEqual({
      host: '127.0.0.1',
      port: 4433,
    });
  });

  it.each([
    '',
    'localhost',
    '4433',
    ':4433',
    '[]:4433',
    '::1:4433',
    'a:b',
    'a:0',
    'a:65536',
    'a:44 33',
    'a b:1',
    '=a:1',
    '[::1]',
  ])('refuses %j and names the field', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'RL_INPUT_INVALID', field: 'target' }));
  });

  it('reads back what it writes', () => {
    const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65535 }), (host, port) => {
        expect(parse(formatAddress({ host, port }))).toEqual({ host, port });
      }),
    );
  });

  it('throws nothing but its own error', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parse(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'RL_INPUT_INVALID' });
        }
      }),
    );
  });
});
