/** The bridge: hands the page a port to the lab and the menu's commands, and nothing else (src/shared/bridge.ts). */
import { contextBridge, ipcRenderer } from 'electron';
import { type DesktopBridge, LAB_PORT_MESSAGE, MENU_COMMAND, REQUEST_LAB_PORT } from '../shared/bridge.ts';

/** What the preload uses of its page; the rest of src/ is compiled without the DOM. */
declare const window: {
  readonly location: { readonly origin: string };
  postMessage(message: unknown, targetOrigin: string, transfer: readonly unknown[]): void;
};

// A context bridge cannot pass a port, so it goes through the window's own message event.
ipcRenderer.on(LAB_PORT_MESSAGE, (event) => {
  window.postMessage(LAB_PORT_MESSAGE, window.location.origin, event.ports);
});

const bridge: DesktopBridge = {
  requestLabPort: () => ipcRenderer.send(REQUEST_LAB_PORT),
  onCommand(listener) {
    const forward = (_event: unknown, id: unknown): void => {
      if (typeof id === 'string') listener(id);
    };
    ipcRenderer.on(MENU_COMMAND, forward);
    return () => ipcRenderer.off(MENU_COMMAND, forward);
  },
};

contextBridge.exposeInMainWorld('routelab', bridge);
