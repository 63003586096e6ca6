/** Calls `apply` at most once per animation frame, after any number of requests in between. */
export function perFrame(apply: () => void): { request(): void; cancel(): void } {
  let frame: number | null = null;
  return {
    request() {
      frame ??= requestAnimationFrame(() => {
        frame = null;
        apply();
      });
    },
    cancel() {
      if (frame !== null) cancelAnimationFrame(frame);
      frame = null;
    },
  };
}
