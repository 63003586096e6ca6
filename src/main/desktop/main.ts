/** The desktop host, as a list of what it is made of. The lab is the same one that the headless host serves. */
import { join } from 'node:path';
import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Menu,
  MessageChannelMain,
  protocol,
  session,
  shell,
} from 'electron';
import { MENU_COMMAND } from '../../shared/bridge.ts';
import { toLabError } from '../../shared/errors.ts';
import { createLab } from '../lab/index.ts';
import { attachMessagePort } from '../serve/carriers/message-port.ts';
import { serveLab } from '../serve/index.ts';
import { defaultDataDir } from '../store/data-dir.ts';
import { createLog } from '../telemetry/log.ts';
import { APP_SCHEME, handleAppProtocol } from './app-protocol.ts';
import { serveLabPorts } from './lab-port.ts';
import { menuTemplate } from './menu.ts';
import { denyPermissions, secureApp } from './security.ts';
import { openWindow } from './window.ts';

const ENDPOINT_PORT = 8080;

/** The build's folder: this file is out/main/desktop.js. */
const out = join(import.meta.dirname, '..');
const paths = {
  preload: join(out, 'preload/index.cjs'),
  pages: join(out, 'renderer'),
  icon: join(out, '../resources/icon.png'),
};

async function start(): Promise<void> {
  const log = createLog({ level: 'info', format: 'json' });
  secureApp(app, (url) => void shell.openExternal(url));
  await app.whenReady();
  denyPermissions(session.defaultSession);
  handleAppProtocol(protocol, paths.pages);

  const lab = await createLab({
    dataDir: process.env['ROUTELAB_DATA'] ?? defaultDataDir(),
    host: 'desktop',
    workerUrl: (name) => new URL(`workers/${name}.js`, import.meta.url),
    log,
  });
  serveLabPorts(
    ipcMain,
    () => new MessageChannelMain(),
    (port) => attachMessagePort(lab.router, port),
  );

  // The embedded endpoint, for Prometheus and scripts. The window does not need it: it has its port to the lab.
  const endpoint = await serveLab(lab, {
    host: '127.0.0.1',
    port: ENDPOINT_PORT,
    log,
    uiDir: paths.pages,
  }).catch((error: unknown) => {
    const { code, message } = toLabError(error);
    log.warn({ code }, `the metrics endpoint is off: ${message}`);
    return null;
  });

  const open = (): BrowserWindow => openWindow(BrowserWindow, paths, log);
  let window = open();
  Menu.setApplicationMenu(
    Menu.buildFromTemplate(menuTemplate(process.platform, (id) => window.webContents.send(MENU_COMMAND, id))),
  );
  app.on('second-instance', () => {
    if (window.isMinimized()) window.restore();
    window.focus();
  });
  app.on('activate', () => {
    if (BrowserWindow.getAllWindows().length === 0) window = open();
  });
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  let closed = false;
  app.on('before-quit', (event) => {
    if (closed) return;
    // The last samples are written before the process ends.
    event.preventDefault();
    void Promise.resolve(endpoint?.close())
      .then(() => lab.close())
      .finally(() => {
        closed = true;
        app.quit();
      });
  });
}

protocol.registerSchemesAsPrivileged([APP_SCHEME]);
if (app.requestSingleInstanceLock()) {
  start().catch((error: unknown) => {
    const { code, message, hint } = toLabError(error);
    dialog.showErrorBox(`RouteLab cannot start (${code})`, `${message}\n\n${hint}`);
    app.exit(1);
  });
} else {
  app.quit();
}
