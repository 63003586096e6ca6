/** The contract over a MessagePort: what the desktop window speaks. */
import { RPCHandler } from '@orpc/server/message-port';
import type { LabRouter } from '../../lab/index.ts';
import { carryErrors, isRpcMessage } from './handler.ts';

/** What a port must do: worker_threads' MessagePort and Electron's MessagePortMain both do. */
interface Port {
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  postMessage(message: unknown): void;
  start(): void;
  close(): void;
}

/** Serves the lab on `port` until it closes; then everything its calls hold is freed. */
export function attachMessagePort(router: LabRouter, port: Port): void {
  const handler = new RPCHandler(router, { interceptors: [carryErrors] });
  handler.upgrade({
    postMessage: (message: unknown) => port.postMessage(message),
    on(event: string, listener: (event?: { data: unknown }) => void): void {
      if (event === 'close') {
        port.on('close', () => listener());
        return;
      }
      port.on('message', (message) => {
        const data = dataOf(message);
        if (isRpcMessage(data)) listener({ data });
        else port.close();
      });
    },
  });
  port.start();
}

/** Electron hands over a MessageEvent, worker_threads the data itself. */
const dataOf = (message: unknown): unknown =>
  typeof message === 'object' && message !== null && 'data' in message ? message.data : message;
