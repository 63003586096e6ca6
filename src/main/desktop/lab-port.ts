/** Gives our own page, and nobody else, a port to the lab. */
import type { IpcMain, IpcMainEvent, MessageChannelMain, MessagePortMain } from 'electron';
import { LAB_PORT_MESSAGE, REQUEST_LAB_PORT } from '../../shared/bridge.ts';
import { isOwnPage } from './security.ts';

/** Electron security §17: only the top frame of our own page may ask. */
const isTrustedSender = (event: Pick<IpcMainEvent, 'senderFrame'>): boolean => {
  const frame = event.senderFrame;
  return frame !== null && frame.parent === null && isOwnPage(frame.url);
};

export function serveLabPorts(
  ipcMain: Pick<IpcMain, 'on'>,
  createChannel: () => MessageChannelMain,
  attach: (port: MessagePortMain) => void,
): void {
  ipcMain.on(REQUEST_LAB_PORT, (event) => {
    if (!isTrustedSender(event)) return;
    const { port1, port2 } = createChannel();
    attach(port1);
    event.senderFrame!.postMessage(LAB_PORT_MESSAGE, null, [port2]);
  });
}
