/** The two ways to the lab: a WebSocket from a browser page, a MessagePort from the desktop's window. */
import type { ClientLink } from '@orpc/client';
import { RPCLink as PortLink } from '@orpc/client/message-port';
import { RPCLink as SocketLink } from '@orpc/client/websocket';
import { type DesktopBridge, LAB_PORT_MESSAGE } from '../../shared/bridge.ts';
import { LabError } from '../../shared/errors.ts';
import { unreachable } from './errors.ts';
import { isRefused, storedToken } from './token.ts';

declare global {
  interface Window {
    /** Present in the desktop only. */
    routelab?: DesktopBridge;
  }
}

type LabLink = ClientLink<Record<never, never>>;

export interface Carrier {
  link: LabLink;
  close(): void;
}

/** As serve/carriers/websocket.ts has it. */
const PROTOCOL = 'routelab';
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Opens the carrier this page has. `onClose` is called once, when an opened carrier closes from the other side.
 * Throws RL_LAB_UNREACHABLE, and RL_UNAUTHORIZED when the lab wants another token than this tab has.
 */
export const openCarrier = (onClose: () => void): Promise<Carrier> =>
  window.routelab ? openPort(window.routelab, onClose) : openSocket(onClose);

function openSocket(onClose: () => void): Promise<Carrier> {
  const url = new URL('/api/rpc', window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const token = storedToken();
  // The upgrade of a browser carries no Authorization header.
  const socket = new WebSocket(url, token === null ? [PROTOCOL] : [PROTOCOL, `bearer.${token}`]);
  // Made before the socket opens, so that its own listeners are in place for the first message.
  const link = new SocketLink({ websocket: socket });
  return new Promise((resolve, reject) => {
    let opened = false;
    const timer = setTimeout(() => socket.close(), CONNECT_TIMEOUT_MS);
    socket.addEventListener('open', () => {
      opened = true;
      clearTimeout(timer);
      resolve({ link, close: () => socket.close() });
    });
    socket.addEventListener('close', () => {
      clearTimeout(timer);
      if (opened) onClose();
      else void refusal(token).then(reject);
    });
  });
}

/** Why a socket did not open: the browser does not tell. */
const refusal = async (token: string | null): Promise<LabError> =>
  (await isRefused(token)) === true
    ? new LabError('RL_UNAUTHORIZED', 'This lab wants a bearer token.')
    : unreachable('no answer');

function openPort(bridge: DesktopBridge, onClose: () => void): Promise<Carrier> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer);
      window.removeEventListener('message', receive);
    };
    const timer = setTimeout(() => {
      settle();
      reject(unreachable('the desktop gave no port'));
    }, CONNECT_TIMEOUT_MS);
    const receive = (event: MessageEvent): void => {
      if (event.source !== window || event.data !== LAB_PORT_MESSAGE) return;
      const port = event.ports[0];
      if (!port) return;
      settle();
      const link = new PortLink({ port });
      port.addEventListener('close', onClose, { once: true });
      port.start();
      resolve({ link, close: () => port.close() });
    };
    window.addEventListener('message', receive);
    bridge.requestLabPort();
  });
}
