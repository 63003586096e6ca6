/** Where the probe of a run connects to: its target, behind an emulated path of its own where it asks for one. */
import type { Emulation, Route } from '../../shared/domain.ts';
import type { ProbeInput, ProbeTarget } from '../../shared/probes.ts';
import type { ConnectOptions } from '../quic/udp/api.ts';
import type { RelayWorkerMethods } from '../workers/protocol.ts';
import { emulationSeed } from './manifest.ts';
import { OWN_SERVER_NAME, type OwnEndpoint } from './own-endpoint.ts';
import type { LabWorker } from './worker.ts';

type Address = { host: string; port: number };

/** What can be said of a target before anything is opened. */
export interface ProbePlace {
  /** As a person would call it. */
  label: string;
  emulation: Emulation | null;
  insecure: boolean;
  /** Whether it leads to a server of the lab's own. */
  own: boolean;
  /** Of the emulated path's random choices, unless another is asked for; null where there is no such path. */
  seed: number | null;
}

export interface ProbePathOptions {
  relay: Pick<LabWorker<RelayWorkerMethods>, 'request'>;
  /** Throws RL_INPUT_INVALID for a path that cannot be emulated here. */
  requireEmulable: (emulation: Emulation) => Promise<void>;
  /** The server of emulated targets. */
  endpoint: OwnEndpoint;
  demoAddress: () => Promise<Address>;
  /** Throws RL_NOT_FOUND. */
  routeOf: (id: string) => Route;
  /** PEM certificates trusted beside the system's. */
  ca: readonly string[];
}

export class ProbePaths {
  readonly #options: ProbePathOptions;

  constructor(options: ProbePathOptions) {
    this.#options = options;
  }

  /** Throws RL_NOT_FOUND for a route that is not there. */
  placeOf({ target }: ProbeInput): ProbePlace {
    switch (target.kind) {
      case 'address': {
        const host = target.host.includes(':') ? `[${bare(target.host)}]` : target.host;
        const { insecure } = target;
        return { label: `${host}:${target.port}`, emulation: null, insecure, own: false, seed: null };
      }
      case 'route': {
        const { name, emulation, insecure, demo } = this.#options.routeOf(target.id);
        const seed = emulation === null ? null : emulationSeed(target.id);
        return { label: name, emulation, insecure, own: demo, seed };
      }
      case 'emulated': {
        const { emulation } = target;
        const seed = emulationSeed(emulation.profile);
        return { label: emulation.profile, emulation, insecure: false, own: true, seed };
      }
    }
  }

  /** `seed` is that of the emulated path, null where there is none. Throws what the relay and the endpoint throw, and RL_NOT_FOUND. */
  async open(
    runId: number,
    input: ProbeInput,
    seed: number | null,
  ): Promise<Pick<ConnectOptions, 'host' | 'port' | 'serverName' | 'trust'>> {
    const { ca, relay, requireEmulable } = this.#options;
    const { emulation, insecure } = this.placeOf(input);
    if (emulation !== null) await requireEmulable(emulation);
    const { to, serverName } = await this.#leadsTo(input.target);
    const at =
      emulation === null || seed === null
        ? to
        : await relay.request('open', { id: relayId(runId), to, emulation, seed });
    return { ...at, serverName, trust: { ca, system: true, insecure } };
  }

  /** Rejects when the relay is gone, and with it the path. */
  async close(runId: number, { emulation }: ProbePlace): Promise<void> {
    if (emulation !== null) await this.#options.relay.request('close', { id: relayId(runId) });
  }

  async #leadsTo(target: ProbeTarget): Promise<{ to: Address; serverName: string }> {
    const { endpoint, routeOf, demoAddress } = this.#options;
    if (target.kind === 'emulated') return { to: await endpoint.address(), serverName: OWN_SERVER_NAME };
    const place = target.kind === 'route' ? routeOf(target.id) : { ...target, demo: false };
    const host = bare(place.host);
    return {
      to: place.demo ? await demoAddress() : { host, port: place.port },
      serverName: place.serverName ?? host,
    };
  }
}

const relayId = (runId: number): string => `probe-run-${runId}`;

/** `[::1]` is how an IPv6 address is written, `::1` what it is. */
const bare = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');
