/** What tests against real peers share. */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** Debian puts some peers where only root looks. */
export const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/usr/bin` };

export const isInstalled = (command: string): boolean =>
  spawnSync(command, ['--help'], { env }).error === undefined;

/** A UDP port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
