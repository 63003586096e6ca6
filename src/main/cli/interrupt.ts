/**
 * Ctrl-C (and SIGTERM) as an AbortSignal: the first one asks for a clean end, a second one does not wait for it.
 * `dispose` gives the signals back to Node.
 */
export function onInterrupt(): { signal: AbortSignal; dispose: () => void } {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return {
    signal: controller.signal,
    dispose: () => {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
    },
  };
}

/** Resolves on the first Ctrl-C; a second one does not wait for what follows. */
export function untilInterrupted(): Promise<void> {
  const { signal } = onInterrupt();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
}
