/**
 * The contract: every request and stream the UI, the CLI and the API use, once. Three carriers serve it:
 * Electron MessagePort and WebSocket (RPC), and REST described by OpenAPI. Input is parsed on arrival at each.
 */
import { alertRules, alerts, webhooks } from './alerts.ts';
import { dataSources } from './data-sources.ts';
import { experiments } from './experiments.ts';
import { controllers, demo, lab, profiles } from './lab.ts';
import { matrix } from './matrix.ts';
import { monitoring } from './monitoring.ts';
import { probes } from './probes.ts';
import { routes } from './routes.ts';
import { settings } from './settings.ts';

export const contract = {
  lab,
  routes,
  probes,
  controllers,
  profiles,
  demo,
  experiments,
  matrix,
  alertRules,
  alerts,
  webhooks,
  monitoring,
  settings,
  dataSources,
};

export type Contract = typeof contract;
