/** Settings both ends share, and their checks. */
import { isIPv6 } from 'node:net';
import { LabError } from '../../../shared/errors.ts';
import type { CongestionController } from '../../congestion/controller.ts';
import { createController } from '../../congestion/index.ts';
import { type CipherSuite, supportedSuites } from '../tls/suites.ts';
import type { ControllerChoice } from './api.ts';
import { largestDatagram } from './interface-mtu.ts';

/** UDP payload of full packets: fits a 1500-byte link over IPv6 with room for tunnels. */
export const DEFAULT_DATAGRAM_BYTES = 1350;
export const DEFAULT_IDLE_TIMEOUT_MS = 30_000;
/** Asked of the kernel, which may grant less: bursts must survive until the loop reads again. */
export const SOCKET_BUFFER = 4 * 1024 * 1024;

/** host:port as one writes it, IPv6 in brackets. */
export const formatAddress = (host: string, port: number): string =>
  isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;

/** @throws LabError RL_INPUT_INVALID */
export function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return;
  throw new LabError('RL_INPUT_INVALID', `Port ${port} is not a whole number from 0 to 65535`, {
    field: 'port',
  });
}

/** Datagrams larger than two bytes of Length can say are not made. */
export const LARGEST_DATAGRAM = 16_383;

/** Up to which size path MTU discovery tries datagrams from `local` to `remote`. */
export const discoveryLimit = (local: string, remote: string): number =>
  Math.min(LARGEST_DATAGRAM, largestDatagram(local, remote));

/** RFC 9000 §14: at least 1200; the upper end is what two bytes of Length can say. @throws LabError RL_INPUT_INVALID */
export function checkDatagramBytes(bytes: number = DEFAULT_DATAGRAM_BYTES): number {
  if (Number.isInteger(bytes) && bytes >= 1200 && bytes <= LARGEST_DATAGRAM) return bytes;
  throw new LabError('RL_INPUT_INVALID', `Datagrams of ${bytes} bytes are not within 1200 to 16383`, {
    field: 'datagramBytes',
  });
}

/** Makes a connection's controller; one is made at once to see that it can be. @throws LabError RL_INPUT_INVALID */
export function controllerMaker(
  choice: ControllerChoice | undefined,
  datagramBytes: number,
): () => CongestionController {
  const make = (): CongestionController =>
    createController(choice?.name ?? 'cubic', {
      datagramBytes,
      parameters: choice?.parameters,
      random: Math.random,
    });
  make();
  return make;
}

/** The cipher suites of these names, in their order; undefined for undefined. @throws LabError RL_INPUT_INVALID */
export function chosenSuites(names: readonly string[] | undefined): CipherSuite[] | undefined {
  if (names?.length === 0) throw noSuite('none is named');
  const supported = supportedSuites();
  return names?.map((name) => {
    const suite = supported.find((candidate) => candidate.name === name);
    if (!suite) throw noSuite(`there is no ${name} here, only ${supported.map((s) => s.name).join(', ')}`);
    return suite;
  });
}

const noSuite = (why: string): LabError =>
  new LabError('RL_INPUT_INVALID', `The cipher suites cannot be used: ${why}`, { field: 'cipherSuites' });
