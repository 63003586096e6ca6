import 'react';

declare module 'react' {
  interface CSSProperties {
    /** Custom properties are set like any other. */
    [token: `--${string}`]: string | number | undefined;
  }
}
