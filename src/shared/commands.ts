/**
 * Every command a user can give, once: buttons, the palette, the keyboard sheet and the desktop's menu are all
 * made from this list. What a command does is bound by the page that can do it.
 */

export interface CommandDescriptor {
  readonly id: string;
  /** Imperative, sentence case. */
  readonly title: string;
  /** Heading in the palette and the keyboard sheet, and the menu it stands in. */
  readonly group: CommandGroup;
  /**
   * `Mod` is Ctrl, and Cmd on macOS; then a KeyboardEvent `key`. Shortcuts without `Mod` do not apply while
   * text is being typed, so a desktop menu shows but does not register them.
   */
  readonly shortcut?: string;
}

export const COMMAND_GROUPS = [
  'Routes',
  'Probe',
  'Experiments',
  'Monitoring',
  'Selection',
  'Chart',
  'Settings',
  'View',
  'Lab',
  'Help',
] as const;
type CommandGroup = (typeof COMMAND_GROUPS)[number];

export const COMMANDS = [
  { id: 'routes.add', title: 'Add a route', group: 'Routes', shortcut: 'a' },
  { id: 'routes.edit', title: 'Edit the selected route', group: 'Routes', shortcut: 'e' },
  { id: 'routes.toggle', title: 'Start or stop the selected route', group: 'Routes', shortcut: 's' },
  { id: 'routes.startAll', title: 'Start all routes', group: 'Routes' },
  { id: 'routes.stopAll', title: 'Stop all routes', group: 'Routes' },
  { id: 'probe.new', title: 'Set up a probe', group: 'Probe', shortcut: 'n' },
  { id: 'probe.start', title: 'Start the probe', group: 'Probe', shortcut: 'Mod+Enter' },
  { id: 'probe.cancel', title: 'Cancel the shown probe', group: 'Probe', shortcut: 'x' },
  { id: 'probe.again', title: 'Run the shown probe again', group: 'Probe', shortcut: 'g' },
  { id: 'probe.settings', title: 'Take over the settings of the shown probe', group: 'Probe' },
  { id: 'probe.import', title: 'Import a qlog file', group: 'Probe', shortcut: 'o' },
  { id: 'probe.alone', title: 'Compare with no other run', group: 'Probe' },
  { id: 'experiments.open', title: 'Open the selected experiment', group: 'Experiments', shortcut: 'Enter' },
  {
    id: 'experiments.list',
    title: 'Back to the list of experiments',
    group: 'Experiments',
    shortcut: 'Backspace',
  },
  { id: 'experiments.find', title: 'Filter the experiments', group: 'Experiments', shortcut: '/' },
  {
    id: 'experiments.mark',
    title: 'Mark the selected experiment to compare',
    group: 'Experiments',
    shortcut: 'd',
  },
  { id: 'experiments.compare', title: 'Compare the marked experiments', group: 'Experiments', shortcut: 'b' },
  { id: 'experiments.all', title: 'Show parameters that agree too', group: 'Experiments' },
  {
    id: 'experiments.pin',
    title: 'Pin the experiment as baseline of its kind',
    group: 'Experiments',
    shortcut: 'y',
  },
  { id: 'experiments.again', title: 'Run the experiment again', group: 'Experiments', shortcut: 'w' },
  { id: 'experiments.cells', title: 'Measure a matrix or a scenario', group: 'Experiments', shortcut: 'z' },
  { id: 'experiments.resume', title: 'Measure what is missing of the experiment', group: 'Experiments' },
  { id: 'experiments.cancel', title: 'Cancel what is under way of the experiment', group: 'Experiments' },
  {
    id: 'experiments.import',
    title: 'Import an experiment from a file',
    group: 'Experiments',
    shortcut: 'f',
  },
  { id: 'alerts.addRule', title: 'Add an alert rule', group: 'Monitoring', shortcut: 'u' },
  { id: 'alerts.editRule', title: 'Edit the selected alert rule', group: 'Monitoring', shortcut: 'i' },
  { id: 'alerts.toggleRule', title: 'Switch the selected alert rule on or off', group: 'Monitoring' },
  { id: 'alerts.mute', title: 'Mute or unmute the selected alert rule', group: 'Monitoring', shortcut: 'q' },
  { id: 'alerts.acknowledge', title: 'Acknowledge all firing alerts', group: 'Monitoring', shortcut: 'h' },
  { id: 'alerts.addWebhook', title: 'Add a webhook', group: 'Monitoring' },
  { id: 'alerts.notify', title: 'Notify in this browser', group: 'Monitoring' },
  { id: 'selection.remove', title: 'Remove what is selected', group: 'Selection', shortcut: 'Delete' },
  { id: 'selection.undo', title: 'Undo the last removal', group: 'Selection', shortcut: 'Mod+z' },
  { id: 'selection.next', title: 'Select the next', group: 'Selection', shortcut: 'j' },
  { id: 'selection.previous', title: 'Select the previous', group: 'Selection', shortcut: 'k' },
  { id: 'chart.compare', title: 'Compare all routes', group: 'Chart', shortcut: 'c' },
  { id: 'chart.log', title: 'Logarithmic axes', group: 'Chart', shortcut: 'l' },
  { id: 'chart.table', title: 'View the chart as a table', group: 'Chart', shortcut: 't' },
  { id: 'chart.window.1m', title: 'Show the last minute', group: 'Chart', shortcut: '1' },
  { id: 'chart.window.5m', title: 'Show the last 5 minutes', group: 'Chart', shortcut: '2' },
  { id: 'chart.window.15m', title: 'Show the last 15 minutes', group: 'Chart', shortcut: '3' },
  { id: 'chart.window.1h', title: 'Show the last hour', group: 'Chart', shortcut: '4' },
  { id: 'chart.window.1d', title: 'Show the last day', group: 'Chart', shortcut: '5' },
  { id: 'chart.window.7d', title: 'Show the last 7 days', group: 'Chart', shortcut: '6' },
  { id: 'chart.window.30d', title: 'Show the last 30 days', group: 'Chart', shortcut: '7' },
  { id: 'trace.zoomIn', title: 'Show half the time span', group: 'Chart' },
  { id: 'trace.zoomOut', title: 'Show twice the time span', group: 'Chart' },
  { id: 'trace.whole', title: 'Show the whole flow', group: 'Chart' },
  { id: 'settings.save', title: 'Save the settings', group: 'Settings', shortcut: 'Mod+s' },
  { id: 'settings.discard', title: 'Discard what was not saved', group: 'Settings' },
  { id: 'settings.reset', title: 'Set everything kept here back to its default', group: 'Settings' },
  { id: 'view.routes', title: 'Show the Routes page', group: 'View', shortcut: 'r' },
  { id: 'view.probe', title: 'Show the Probe page', group: 'View', shortcut: 'p' },
  { id: 'view.experiments', title: 'Show the Experiments page', group: 'View', shortcut: 'v' },
  { id: 'view.monitoring', title: 'Show the Monitoring page', group: 'View', shortcut: 'm' },
  { id: 'view.settings', title: 'Show the Settings page', group: 'View', shortcut: ',' },
  { id: 'view.palette', title: 'Search commands', group: 'View', shortcut: 'Mod+k' },
  { id: 'view.light', title: 'Light appearance', group: 'View' },
  { id: 'view.dark', title: 'Dark appearance', group: 'View' },
  { id: 'view.system', title: 'Appearance of the system', group: 'View' },
  { id: 'view.mask', title: 'Mask addresses of routes', group: 'View' },
  { id: 'demo.start', title: 'Start the demo lab', group: 'Lab' },
  { id: 'demo.stop', title: 'Stop the demo lab and remove its routes', group: 'Lab' },
  { id: 'lab.reconnect', title: 'Reconnect to the lab now', group: 'Lab' },
  { id: 'lab.signOut', title: 'Sign out of this lab', group: 'Lab' },
  { id: 'help.keys', title: 'Keyboard shortcuts', group: 'Help', shortcut: '?' },
] as const satisfies readonly CommandDescriptor[];

export type CommandId = (typeof COMMANDS)[number]['id'];
