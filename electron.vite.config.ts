/**
 * The desktop’s build: main (with the worker entries beside it), preload, and the renderer. Dependencies of main
 * stay outside the bundle and are packaged as they are, native ones among them.
 */
import { defineConfig } from 'electron-vite';
import renderer from './src/renderer/vite.config.ts';

export default defineConfig({
  main: {
    build: {
      outDir: 'out/main',
      target: 'node24',
      sourcemap: true,
      rolldownOptions: {
        input: {
          desktop: 'src/main/desktop/main.ts',
          'workers/probe': 'src/main/workers/probe.ts',
          'workers/endpoint': 'src/main/workers/endpoint.ts',
          'workers/relay': 'src/main/workers/relay.ts',
          'workers/simulate': 'src/main/workers/simulate.ts',
          'workers/measure': 'src/main/workers/measure.ts',
          'workers/upkeep': 'src/main/workers/upkeep.ts',
          'workers/flow': 'src/main/workers/flow.ts',
        },
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'shared/[name]-[hash].js' },
      },
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      target: 'node24',
      // A sandboxed preload can require nothing but electron, so it is one CommonJS file.
      externalizeDeps: false,
      rolldownOptions: {
        input: 'src/preload/index.ts',
        output: { format: 'cjs', entryFileNames: 'index.cjs' },
      },
    },
  },
  renderer,
});
