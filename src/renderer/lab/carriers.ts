/** The two ways to the lab: a WebSocket from a browser page, a MessagePort from the desktop's window. */
import { type ClientLink, ORPCError } from '@orpc/client';
import { RPCLink as PortLink } from '@orpc/client/message-port';
import { RPCLink as SocketLink } from '@orpc/client/websocket';
import { type DesktopBridge, LAB_PORT_MESSAGE } from '../../shared/bridge.ts';
import { LabError } from '../../shared/errors.ts';
import { RPC_BEARER, RPC_PATH, RPC_PROTOCOL, RPC_UNAUTHORIZED } from '../../shared/rpc-socket.ts';
import { unreachable } from './errors.ts';
import { storedToken } from './token.ts';

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

const CONNECT_TIMEOUT_MS = 10_000;

/** Told why: RL_LAB_UNREACHABLE, or RL_UNAUTHORIZED when the lab wants another token than this tab has. */
type OnClose = (error: LabError) => void;

/**
 * Opens the carrier this page has. `onClose` is called once, when an opened carrier closes from the other side. Throws what
 * `onClose` is told.
 */
export const openCarrier = (onClose: OnClose): Promise<Carrier> =>
  window.routelab ? openPort(window.routelab, onClose) : openSocket(onClose);

function openSocket(onClose: OnClose): Promise<Carrier> {
  const url = new URL(RPC_PATH, window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const token = storedToken();
  // The upgrade of a browser carries no Authorization header.
  const socket = new WebSocket(url, token === null ? [RPC_PROTOCOL] : [RPC_PROTOCOL, RPC_BEARER + token]);
  // Made before the socket opens, so that its own listeners are in place for the first message.
  const link = new SocketLink({ websocket: socket });
  return new Promise((resolve, reject) => {
    let opened = false;
    const timer = setTimeout(() => socket.close(), CONNECT_TIMEOUT_MS);
    // A lab that wants another token opens the socket too, and closes it at once: one that answers took this one.
    const answered = (): void => {
      opened = true;
      clearTimeout(timer);
      resolve({ link, close: () => socket.close() });
    };
    socket.addEventListener('open', () => {
      link.call(['lab', 'info'], undefined, { context: {} }).then(answered, (error) => {
        if (error instanceof ORPCError) answered();
      });
    });
    socket.addEventListener('close', ({ code }) => {
      clearTimeout(timer);
      const error =
        code === RPC_UNAUTHORIZED
          ? new LabError('RL_UNAUTHORIZED', 'This lab wants a bearer token.')
          : unreachable('no answer');
      if (opened) onClose(error);
      else reject(error);
    });
  });
}

function openPort(bridge: DesktopBridge, onClose: OnClose): Promise<Carrier> {
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
      port.addEventListener('close', () => onClose(unreachable('the desktop closed the port')), {
        once: true,
      });
      port.start();
      resolve({ link, close: () => port.close() });
    };
    window.addEventListener('message', receive);
    bridge.requestLabPort();
  });
}
