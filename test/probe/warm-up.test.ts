import { it } from 'vitest';
import { warmUp } from '../../src/main/probe/warm-up.ts';

it('leaves no socket open behind it', async () => {
  await warmUp();
  // Closed sockets go with the next turns of the loop.
  while (process.getActiveResourcesInfo().includes('UDPWRAP')) await new Promise(setImmediate);
});
