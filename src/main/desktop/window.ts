/** The one window: its options, its recovery when the page's process dies. */
import type { BrowserWindow, BrowserWindowConstructorOptions } from 'electron';
import { APP_ORIGIN } from './app-protocol.ts';
import { webPreferences } from './security.ts';

/** Reloads a crashed page at most this often, so that a page that always crashes does not spin. */
const RELOAD_EVERY_MS = 10_000;

export const windowOptions = (preload: string, icon: string): BrowserWindowConstructorOptions => ({
  width: 1440,
  height: 900,
  minWidth: 1024,
  minHeight: 700,
  show: false,
  title: 'RouteLab',
  icon,
  webPreferences: webPreferences(preload),
});

export function openWindow(
  Window: new (options: BrowserWindowConstructorOptions) => BrowserWindow,
  paths: { preload: string; icon: string },
  log: { warn(fields: object, message: string): void },
): BrowserWindow {
  const window = new Window(windowOptions(paths.preload, paths.icon));
  let reloadedAtMs = Number.NEGATIVE_INFINITY;
  window.once('ready-to-show', () => window.show());
  window.webContents.on('render-process-gone', (_event, { reason, exitCode }) => {
    if (reason === 'clean-exit') return;
    log.warn({ reason, exitCode }, 'the page’s process ended');
    if (performance.now() - reloadedAtMs < RELOAD_EVERY_MS) return;
    reloadedAtMs = performance.now();
    window.reload();
  });
  void window.loadURL(`${APP_ORIGIN}/`);
  return window;
}
