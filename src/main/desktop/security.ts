/** What every window and web content is held to, whatever page it shows (Electron's security recommendations). */
import type { App, Session, WebContents, WebPreferences } from 'electron';
import { APP_ORIGIN } from './app-protocol.ts';

export const webPreferences = (preload: string): WebPreferences => ({
  preload,
  sandbox: true,
  contextIsolation: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  webSecurity: true,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  webviewTag: false,
  navigateOnDragDrop: false,
  safeDialogs: true,
  spellcheck: false,
});

/** Pages the system's browser may be asked to open. */
const EXTERNAL_HOSTS: ReadonlySet<string> = new Set(['www.rfc-editor.org', 'datatracker.ietf.org']);

export function isExternalAllowed(url: string): boolean {
  const parsed = URL.parse(url);
  return (
    parsed !== null && parsed.protocol === 'https:' && parsed.port === '' && EXTERNAL_HOSTS.has(parsed.host)
  );
}

/** Whether a frame shows our own page. */
export const isOwnPage = (url: string): boolean => {
  const parsed = URL.parse(url);
  return parsed !== null && `${parsed.protocol}//${parsed.host}` === APP_ORIGIN;
};

/** No content of any window navigates away, opens windows, embeds webviews or leaves but by the allow-list. */
function secureContents(contents: WebContents, openExternal: (url: string) => void): void {
  const stay = (event: { preventDefault(): void; url: string }): void => {
    if (!isOwnPage(event.url)) event.preventDefault();
  };
  contents.on('will-navigate', stay);
  contents.on('will-redirect', stay);
  contents.on('will-frame-navigate', stay);
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    if (isExternalAllowed(url)) openExternal(url);
    return { action: 'deny' };
  });
}

/** The page needs none of the powers a site can ask for. */
export function denyPermissions(
  session: Pick<
    Session,
    'setPermissionRequestHandler' | 'setPermissionCheckHandler' | 'setDevicePermissionHandler'
  >,
): void {
  session.setPermissionRequestHandler((_contents, _permission, callback) => callback(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
}

export function secureApp(app: Pick<App, 'on'>, openExternal: (url: string) => void): void {
  app.on('web-contents-created', (_event, contents) => secureContents(contents, openExternal));
}
