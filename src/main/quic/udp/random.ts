/** Random bytes of the system's source, fetched many at a time: a handshake takes a dozen small helpings. */
import { randomFillSync } from 'node:crypto';

const POOL = Buffer.allocUnsafeSlow(4096);
let used = POOL.length;

/** `n` bytes that nobody can predict, each handed out once and then forgotten here. */
export function pooledRandom(n: number): Buffer {
  const out = Buffer.allocUnsafeSlow(n);
  if (n > POOL.length / 4) return randomFillSync(out);
  if (used + n > POOL.length) {
    randomFillSync(POOL);
    used = 0;
  }
  POOL.copy(out, 0, used, used + n);
  POOL.fill(0, used, used + n);
  used += n;
  return out;
}
