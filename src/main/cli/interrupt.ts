/** One Ctrl-C may come twice: from the terminal, and from the launcher that passes it on. */
const SAME_MS = 500;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Ctrl-C (and SIGTERM, and the terminal closing) as an AbortSignal: the first one asks for a clean end, a later one does
 * not wait for it. `onHangup` tells whether a SIGHUP was meant for something else. `dispose` gives the signals back to Node.
 */
export function onInterrupt(onHangup: () => boolean = () => false): {
  signal: AbortSignal;
  dispose: () => void;
} {
  const controller = new AbortController();
  let firstAtMs = 0;
  const interrupt = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGHUP' && onHangup()) return;
    if (!controller.signal.aborted) {
      firstAtMs = performance.now();
      controller.abort();
    } else if (performance.now() - firstAtMs > SAME_MS) {
      process.exit(130);
    }
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const signal of SIGNALS) process.off(signal, interrupt);
    },
  };
}

/** Resolves on the first Ctrl-C; a second one does not wait for what follows. */
export function untilInterrupted(): Promise<void> {
  const { signal } = onInterrupt();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
}
