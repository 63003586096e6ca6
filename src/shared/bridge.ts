/**
 * What the desktop's preload gives the renderer as `window.routelab`, and nothing else. In the browser there is
 * no bridge and the renderer talks to the lab over a WebSocket.
 */

/**
 * `data` of the message event by which a port to the lab reaches the renderer: the preload posts it to its own
 * window, with the MessagePort as the only entry of `ports`. A context bridge cannot hand over a port itself.
 */
export const LAB_PORT_MESSAGE = 'routelab:port';
/** IPC channel on which the preload asks for a port. */
export const REQUEST_LAB_PORT = 'routelab:request-port';
/** IPC channel on which the menu's commands arrive. */
export const MENU_COMMAND = 'routelab:command';

export interface DesktopBridge {
  /** Asks the main process for a new port to the lab; it arrives as LAB_PORT_MESSAGE. */
  requestLabPort(): void;
  /** Calls `listener` with the id of a command (`shared/commands.ts`) chosen in the menu. Returns the way to stop. */
  onCommand(listener: (id: string) => void): () => void;
}
