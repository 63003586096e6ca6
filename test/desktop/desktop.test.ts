/**
 * The desktop's wiring, without Electron's runtime (it cannot be downloaded everywhere): the functions that set it up
 * are given stand-ins that keep Electron's contract, with real structured clone and real MessagePorts.
 */
import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import type {
  App,
  IpcMain,
  MessageChannelMain,
  MessagePortMain,
  Notification,
  Session,
  WebContents,
} from 'electron';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { APP_SCHEME, serveAppFile } from '../../src/main/desktop/app-protocol.ts';
import { serveLabPorts } from '../../src/main/desktop/lab-port.ts';
import { menuTemplate } from '../../src/main/desktop/menu.ts';
import { notifier } from '../../src/main/desktop/notifier.ts';
import {
  denyPermissions,
  isExternalAllowed,
  secureApp,
  webPreferences,
} from '../../src/main/desktop/security.ts';
import { windowOptions } from '../../src/main/desktop/window.ts';
import { LAB_PORT_MESSAGE, REQUEST_LAB_PORT } from '../../src/shared/bridge.ts';
import { COMMANDS } from '../../src/shared/commands.ts';

describe('windows', () => {
  it('are sandboxed, isolated and without Node', () => {
    expect(webPreferences('/preload.cjs')).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
    });
    expect(windowOptions('/preload.cjs', '/icon.png').webPreferences).toEqual(webPreferences('/preload.cjs'));
  });
});

describe('web contents', () => {
  class Contents extends EventEmitter {
    openHandler: ((details: { url: string }) => { action: string }) | null = null;
    setWindowOpenHandler(handler: (details: { url: string }) => { action: string }): void {
      this.openHandler = handler;
    }
  }

  const secured = (): { contents: Contents; opened: string[] } => {
    const app = new EventEmitter();
    const opened: string[] = [];
    secureApp(app as unknown as App, (url) => opened.push(url));
    const contents = new Contents();
    app.emit('web-contents-created', {}, contents as unknown as WebContents);
    return { contents, opened };
  };

  const prevented = (contents: Contents, event: string, url: string): boolean => {
    let stopped = false;
    contents.emit(event, {
      url,
      preventDefault() {
        stopped = true;
      },
    });
    return stopped;
  };

  it.each(['will-navigate', 'will-redirect', 'will-frame-navigate'])('stay on our own page (%s)', (event) => {
    const { contents } = secured();
    expect(prevented(contents, event, 'app://routelab/routes')).toBe(false);
    for (const url of [
      'https://example.com/',
      'file:///etc/passwd',
      'app://other/',
      'javascript:alert(1)',
      'nonsense',
    ]) {
      expect(prevented(contents, event, url), url).toBe(true);
    }
  });

  it('never attach a webview', () => {
    const { contents } = secured();
    expect(prevented(contents, 'will-attach-webview', '')).toBe(true);
  });

  it('open no window, and outside pages only from the allow-list', () => {
    const { contents, opened } = secured();
    for (const url of [
      'https://www.rfc-editor.org/rfc/rfc9000',
      'https://evil.example/',
      'file:///etc/passwd',
    ]) {
      expect(contents.openHandler!({ url })).toEqual({ action: 'deny' });
    }
    expect(opened).toEqual(['https://www.rfc-editor.org/rfc/rfc9000']);
  });

  it.each([
    'http://www.rfc-editor.org/',
    'https://www.rfc-editor.org:8443/',
    'https://www.rfc-editor.org.evil.example/',
    'smb://x',
    '',
  ])('does not hand %s to the system', (url) => expect(isExternalAllowed(url)).toBe(false));

  it('are granted no permission', () => {
    const granted: boolean[] = [];
    type Handler = (...args: unknown[]) => unknown;
    const handlers: Record<string, Handler> = {};
    denyPermissions({
      setPermissionRequestHandler: (handler: Handler) => Object.assign(handlers, { request: handler }),
      setPermissionCheckHandler: (handler: Handler) => Object.assign(handlers, { check: handler }),
      setDevicePermissionHandler: (handler: Handler) => Object.assign(handlers, { device: handler }),
    } as unknown as Session);
    handlers['request']!(null, 'geolocation', (answer: boolean) => granted.push(answer));
    granted.push(handlers['check']!(null, 'media') as boolean, handlers['device']!({}) as boolean);
    expect(granted).toEqual([false, false, false]);
  });
});

describe('the app protocol', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'routelab-pages-'));
    writeFileSync(join(folder, 'index.html'), '<!doctype html>page');
    writeFileSync(join(folder, 'app.js'), 'js');
    writeFileSync(join(folder, 'secret.key'), 'no');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const get = (url: string, method = 'GET'): Promise<Response> => serveAppFile(folder, { url, method });

  it('is standard and secure, so that pages have an origin', () => {
    expect(APP_SCHEME.privileges).toEqual({ standard: true, secure: true, supportFetchAPI: true });
  });

  it('serves the page for its routes, with the policy', async () => {
    for (const url of ['app://routelab/', 'app://routelab/routes', 'app://routelab/index.html']) {
      const response = await get(url);
      expect(await response.text()).toContain('page');
      expect(response.headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; script-src 'self';/,
      );
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    }
    expect((await get('app://routelab/app.js')).headers.get('content-type')).toContain('javascript');
  });

  it.each([
    ['app://other/', 404],
    ['app://routelab/missing.js', 404],
    ['app://routelab/secret.key', 404],
    ['app://routelab/..%2f..%2fetc%2fpasswd.js', 400],
    ['app://routelab/%00.js', 400],
    ['app://routelab/%E0%A4%A', 400],
    ['http://routelab/', 404],
  ])('refuses %s with %i', async (url, status) => {
    expect((await get(url)).status).toBe(status);
  });

  it('only reads', async () => {
    expect((await get('app://routelab/', 'POST')).status).toBe(405);
  });
});

describe('the lab port', () => {
  const frame = (url: string, parent: unknown = null) => ({ url, parent, postMessage: vi.fn() });

  const serving = () => {
    const ipcMain = new EventEmitter();
    const attached: MessagePortMain[] = [];
    serveLabPorts(
      ipcMain as unknown as IpcMain,
      () => new MessageChannel() as unknown as MessageChannelMain,
      (port) => attached.push(port),
    );
    return { ipcMain, attached };
  };

  it('goes to our own top frame', () => {
    const { ipcMain, attached } = serving();
    const sender = frame('app://routelab/');
    ipcMain.emit(REQUEST_LAB_PORT, { senderFrame: sender });
    expect(attached).toHaveLength(1);
    const [channel, message, ports] = sender.postMessage.mock.calls[0]!;
    expect([channel, message]).toEqual([LAB_PORT_MESSAGE, null]);
    expect(ports).toHaveLength(1);
    (attached[0] as unknown as { close(): void }).close();
  });

  it.each([
    ['another origin', frame('https://evil.example/')],
    ['a subframe', frame('app://routelab/', {})],
    ['a frame that is gone', null],
  ])('is refused to %s', (_who, sender) => {
    const { ipcMain, attached } = serving();
    ipcMain.emit(REQUEST_LAB_PORT, { senderFrame: sender });
    expect(attached).toHaveLength(0);
    if (sender) expect(sender.postMessage).not.toHaveBeenCalled();
  });
});

describe('the menu', () => {
  it('offers every command once and runs it by its id', () => {
    for (const platform of ['linux', 'darwin'] as const) {
      const run = vi.fn();
      const items = menuTemplate(platform, run).flatMap((menu) =>
        Array.isArray(menu.submenu) ? menu.submenu : [],
      );
      for (const { id } of COMMANDS) {
        const found = items.filter((item) => item.id === id);
        expect(found, id).toHaveLength(1);
        (found[0]!.click as () => void)();
        expect(run).toHaveBeenLastCalledWith(id);
      }
    }
  });
});

describe('the preload', () => {
  it('is small', () => {
    const source = readFileSync(new URL('../../src/preload/index.ts', import.meta.url), 'utf8');
    expect(source.split('\n').length).toBeLessThan(80);
  });

  it('exposes the bridge and passes port and commands on', async () => {
    const ipcRenderer = Object.assign(new EventEmitter(), { send: vi.fn() });
    const exposed: Record<string, unknown> = {};
    vi.doMock('electron', () => ({
      ipcRenderer,
      contextBridge: {
        exposeInMainWorld: (key: string, api: unknown) => Object.assign(exposed, { [key]: api }),
      },
    }));
    const postMessage = vi.fn();
    vi.stubGlobal('window', { postMessage, location: { origin: 'app://routelab' } });
    await import('../../src/preload/index.ts');
    const bridge = exposed['routelab'] as {
      requestLabPort(): void;
      onCommand(listener: (id: string) => void): () => void;
    };
    expect(Object.keys(bridge).sort()).toEqual(['onCommand', 'requestLabPort']);

    bridge.requestLabPort();
    expect(ipcRenderer.send).toHaveBeenCalledWith(REQUEST_LAB_PORT);
    const { port1, port2 } = new MessageChannel();
    ipcRenderer.emit(LAB_PORT_MESSAGE, { ports: [port1] });
    expect(postMessage).toHaveBeenCalledWith(LAB_PORT_MESSAGE, 'app://routelab', [port1]);
    port1.close();
    port2.close();

    const heard: string[] = [];
    const stop = bridge.onCommand((id) => heard.push(id));
    ipcRenderer.emit('routelab:command', {}, 'routes.add');
    ipcRenderer.emit('routelab:command', {}, { not: 'a string' });
    stop();
    ipcRenderer.emit('routelab:command', {}, 'routes.edit');
    expect(heard).toEqual(['routes.add']);
    vi.unstubAllGlobals();
    vi.doUnmock('electron');
  });
});

describe('the package', () => {
  it('is built with every fuse set', () => {
    const config = parse(readFileSync(new URL('../../electron-builder.yml', import.meta.url), 'utf8'));
    expect(config.asar).toBe(true);
    expect(config.electronFuses).toEqual({
      runAsNode: false,
      enableCookieEncryption: true,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
      loadBrowserProcessSpecificV8Snapshot: false,
      grantFileProtocolExtraPrivileges: false,
    });
  });
});

describe('notifications', () => {
  /** Electron's, as far as it is documented: `close()` ends one that is shown, and tells. */
  function desktop(isSupported = true) {
    const shown: Stand[] = [];
    class Stand extends EventEmitter {
      static isSupported = (): boolean => isSupported;
      readonly options: { title: string; body: string };
      constructor(options: { title: string; body: string }) {
        super();
        this.options = options;
      }
      show(): void {
        shown.push(this);
      }
      close(): void {
        shown.splice(shown.indexOf(this), 1);
        this.emit('close');
      }
    }
    const clicked = vi.fn();
    const notify = notifier(Stand as unknown as typeof Notification, clicked);
    return { shown, clicked, titles: () => shown.map(({ options }) => options.title), notify };
  }
  const notice = (alertId: number, title: string) => ({
    id: `${alertId}-${title}`,
    alertId,
    atMs: 0,
    title,
    body: 'RTT p95 of LTE',
  });

  it('show what is raised, and what is over in its place', () => {
    const { notify, shown, titles } = desktop();
    notify(notice(1, 'Slow'));
    notify(notice(2, 'Down'));
    expect(shown[0]!.options).toEqual({ title: 'Slow', body: 'RTT p95 of LTE' });
    notify(notice(1, 'Slow: over'));
    expect(titles()).toEqual(['Down', 'Slow: over']);
    // One that somebody closed is not closed again.
    shown[0]!.close();
    notify(notice(2, 'Down: over'));
    expect(titles()).toEqual(['Slow: over', 'Down: over']);
  });

  it('bring the window when they are clicked', () => {
    const { notify, shown, clicked } = desktop();
    notify(notice(1, 'Slow'));
    shown[0]!.emit('click');
    expect(clicked).toHaveBeenCalledOnce();
  });

  it('are left out where the desktop has none', () => {
    const { notify, shown } = desktop(false);
    notify(notice(1, 'Slow'));
    expect(shown).toEqual([]);
  });
});
