/** The desktop host, as a list of what it is made of. The lab is the same one that the headless host serves. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Menu,
  MessageChannelMain,
  Notification,
  protocol,
  session,
  shell,
} from 'electron';
import { MENU_COMMAND } from '../../shared/bridge.ts';
import type { Settings } from '../../shared/config/settings.ts';
import { toLabError } from '../../shared/errors.ts';
import { Configuration, createLab } from '../lab/index.ts';
import { attachMessagePort } from '../serve/carriers/message-port.ts';
import { serveLab } from '../serve/index.ts';
import { createLog } from '../telemetry/log.ts';
import { APP_SCHEME, handleAppProtocol } from './app-protocol.ts';
import { type DesktopArguments, desktopArguments } from './arguments.ts';
import { serveLabPorts } from './lab-port.ts';
import { menuTemplate } from './menu.ts';
import { notifier } from './notifier.ts';
import { denyPermissions, secureApp } from './security.ts';
import { openWindow } from './window.ts';

/** The build's folder: this file is out/main/desktop.js. */
const out = join(import.meta.dirname, '..');
const paths = {
  preload: join(out, 'preload/index.cjs'),
  pages: join(out, 'renderer'),
  icon: join(out, '../resources/icon.png'),
};

/** Exit code of the command line for bad usage: the launcher does not try another host then. */
const USAGE = 2;

async function start({ dataDir, config, port }: DesktopArguments): Promise<void> {
  const configuration = new Configuration({
    file: config,
    env: process.env,
    options: new Map(port === null ? [] : [['server.port', { value: port, name: '--port' }]]),
  });
  const levelOf = ({ server, logging }: Settings) => (server.debug ? 'debug' : logging.level);
  const { logging } = configuration.values;
  const log = createLog({ level: levelOf(configuration.values), format: logging.format });
  configuration.onChange((now) => {
    log.level = levelOf(now);
  });
  secureApp(app, (url) => void shell.openExternal(url));
  await app.whenReady();
  // Tells `npm start` that Electron itself can run here: what fails from now on is no reason for the headless lab.
  const readyFile = process.env['ROUTELAB_READY_FILE'];
  if (readyFile !== undefined) writeFileSync(readyFile, '');
  denyPermissions(session.defaultSession);
  handleAppProtocol(protocol, paths.pages);

  const lab = await createLab({
    dataDir,
    configuration,
    host: 'desktop',
    workerUrl: (name) => new URL(`workers/${name}.js`, import.meta.url),
    log,
    notify: notifier(Notification, () => show()),
  });
  serveLabPorts(
    ipcMain,
    () => new MessageChannelMain(),
    (port) => attachMessagePort(lab.router, port),
  );

  // The embedded endpoint, for Prometheus and scripts. The window does not need it: it has its port to the lab.
  const endpoint = await serveLab(lab, {
    host: configuration.values.server.host,
    port: configuration.values.server.port,
    log,
    uiDir: paths.pages,
  }).catch((error: unknown) => {
    const { code, message } = toLabError(error);
    log.warn({ code }, `the metrics endpoint is off: ${message}`);
    return null;
  });

  const open = (): BrowserWindow => openWindow(BrowserWindow, paths, log);
  let window = open();
  /** On macOS the app goes on without its window: whoever asks for it gets another. */
  const show = (): BrowserWindow => {
    if (window.isDestroyed()) window = open();
    if (window.isMinimized()) window.restore();
    window.focus();
    return window;
  };
  Menu.setApplicationMenu(
    Menu.buildFromTemplate(
      menuTemplate(process.platform, (id) => {
        const page = show().webContents;
        if (page.isLoading()) page.once('did-finish-load', () => page.send(MENU_COMMAND, id));
        else page.send(MENU_COMMAND, id);
      }),
    ),
  );
  app.on('second-instance', show);
  app.on('activate', show);
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  let closing = false;
  let closed = false;
  app.on('before-quit', (event) => {
    if (closed) return;
    // The last samples are written before the process ends; a second wish to quit waits for the first.
    event.preventDefault();
    if (closing) return;
    closing = true;
    void Promise.resolve(endpoint?.close())
      .then(() => lab.close())
      .finally(() => {
        closed = true;
        app.quit();
      });
  });
}

/** From a checkout Electron is given the folder of the app before its options. */
const argv = process.argv.slice(app.isPackaged ? 1 : 2);
let given: DesktopArguments | null = null;
try {
  given = desktopArguments(argv, process.env);
} catch (thrown) {
  const { code, message } = toLabError(thrown);
  process.stderr.write(
    `error ${code}: ${message}\nhint: The desktop takes --data DIR, --config FILE and --port N.\n`,
  );
  app.exit(USAGE);
}
protocol.registerSchemesAsPrivileged([APP_SCHEME]);
if (given === null) {
  // On its way out.
} else if (app.requestSingleInstanceLock()) {
  start(given).catch((error: unknown) => {
    const { code, message, hint } = toLabError(error);
    dialog.showErrorBox(`RouteLab cannot start (${code})`, `${message}\n\n${hint}`);
    app.exit(1);
  });
} else {
  app.quit();
}
