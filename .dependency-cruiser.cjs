/**
 * The floors of DESIGN.md §1: a room imports only from floors below it (or from itself).
 * The table is the single source; a rule is generated for each room.
 */
const floors = [
  ['src/shared'],
  ['src/main/congestion', 'src/main/path'],
  ['src/main/recovery'],
  ['src/main/quic', 'src/main/simulate'],
  ['src/main/probe', 'src/main/store', 'src/main/telemetry', 'src/main/report'],
  ['src/main/workers'],
  ['src/main/lab'],
  ['src/main/serve', 'src/main/desktop', 'src/main/cli', 'src/preload', 'src/renderer'],
];

const room = (dir) => `^${dir}/`;
const forbidden = [];
floors.forEach((rooms, floor) => {
  for (const dir of rooms) {
    const allowed = [...floors.slice(0, floor).flat(), dir];
    // The command line starts the headless host, and the desktop embeds its endpoint: the top floor's sideways imports.
    if (dir === 'src/main/cli' || dir === 'src/main/desktop') allowed.push('src/main/serve');
    if (dir === 'src/preload' || dir === 'src/renderer') allowed.splice(0, allowed.length, 'src/shared', dir);
    forbidden.push({
      name: `floor-${dir.replace('src/', '').replaceAll('/', '-')}`,
      comment: `${dir} may import only from: ${allowed.join(', ')}`,
      severity: 'error',
      from: { path: room(dir) },
      to: { path: '^src/', pathNot: allowed.map(room) },
    });
  }
});

/** Sans-IO rooms: no clock, socket, thread or file. */
const pure = [
  'src/main/congestion',
  'src/main/path(?!/relay)',
  'src/main/recovery',
  'src/main/quic(?!/udp)',
  'src/main/simulate',
];
forbidden.push(
  {
    name: 'sans-io',
    comment: 'Protocol and controller code does no I/O: sockets, timers, files and threads live elsewhere.',
    severity: 'error',
    from: { path: pure.map((dir) => `^${dir}`) },
    to: {
      dependencyTypes: ['core'],
      path: '^(node:)?(dgram|net|fs|fs/promises|worker_threads|timers|timers/promises|http|https|child_process|dns|perf_hooks)$',
    },
  },
  {
    name: 'shared-is-pure',
    comment: 'src/shared runs everywhere: no Node module.',
    severity: 'error',
    from: { path: '^src/(shared|renderer)/', pathNot: '^src/renderer/vite\\.config\\.ts$' },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'electron-only-in-desktop',
    comment: 'Only src/main/desktop and the preload import electron.',
    severity: 'error',
    from: { path: '^src/', pathNot: '^src/(main/desktop|preload)/' },
    to: { path: '(^|node_modules/)electron(/|$)' },
  },
  {
    name: 'lab-by-its-index',
    comment: 'Hosts know the lab by src/main/lab/index.ts alone.',
    severity: 'error',
    from: { path: '^src/main/(serve|desktop|cli)/' },
    to: { path: '^src/main/lab/', pathNot: '^src/main/lab/index\\.ts$' },
  },
  {
    name: 'quic-by-its-sessions',
    comment: 'Rooms above speak to QUIC through udp/ (and make certificates with tls/authority.ts).',
    severity: 'error',
    from: {
      path: '^src/main/(probe|store|telemetry|workers|lab|serve|desktop|cli)/',
      // Looks at what is on the wire between two other programs.
      pathNot: '^src/main/cli/interop/middlebox\\.ts$',
    },
    to: {
      path: '^src/main/quic/(wire|streams|connection|tls)/',
      pathNot: '^src/main/quic/tls/authority\\.ts$',
    },
  },
  {
    name: 'no-circular',
    severity: 'error',
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
);

module.exports = {
  forbidden,
  options: {
    doNotFollow: { path: 'node_modules' },
    // dependency-cruiser reads TypeScript through tsc below 7, or through swc.
    parser: 'swc',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: require('node:path').join(__dirname, 'tsconfig.json') },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.json'],
    },
  },
};
