/** The lab itself, its demo, and what it can offer. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { EmulatorCapacity, LabInfo, Profile, Route } from '../domain.ts';
import { ControllerInfo } from '../probes.ts';

export const lab = {
  info: oc
    .route({ method: 'GET', path: '/info', summary: 'What this lab is', tags: ['lab'] })
    .output(LabInfo),
};

export const demo = {
  start: oc
    .route({
      method: 'POST',
      path: '/demo/start',
      summary: 'Start the demo lab: six emulated routes',
      tags: ['demo'],
    })
    .output(z.array(Route)),
  stop: oc
    .route({
      method: 'POST',
      path: '/demo/stop',
      summary: 'Stop the demo lab and remove its routes',
      tags: ['demo'],
    })
    .output(z.object({ stopped: z.literal(true) })),
};

export const controllers = {
  list: oc
    .route({
      method: 'GET',
      path: '/controllers',
      summary: 'Congestion controllers and their parameters',
      tags: ['controllers'],
    })
    .output(z.array(ControllerInfo)),
};

export const profiles = {
  list: oc
    .route({
      method: 'GET',
      path: '/profiles',
      summary: 'Network profiles a route can be emulated with',
      tags: ['profiles'],
    })
    .output(z.array(Profile)),
  /** Measured when it is asked for, at most every ten minutes; the best counts. */
  capacity: oc
    .route({
      method: 'GET',
      path: '/profiles/capacity',
      summary: 'How fast a path the emulator carries on this machine',
      tags: ['profiles'],
    })
    .output(EmulatorCapacity),
};
