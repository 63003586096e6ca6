/** A server of the lab's own: one QUIC endpoint on loopback, in a worker of its own, with a certificate of the lab's CA. */
import { issueCertificate } from '../quic/tls/authority.ts';
import type { EndpointWorkerMethods } from '../workers/protocol.ts';
import type { LabWorker } from './worker.ts';

export const OWN_HOST = '127.0.0.1';
export const OWN_SERVER_NAME = 'localhost';
const CERTIFICATE_DAYS = 30;

interface Address {
  host: string;
  port: number;
}

export class OwnEndpoint {
  readonly #worker: Pick<LabWorker<EndpointWorkerMethods>, 'request'>;
  readonly #authority: { certPem: string; keyPem: string };
  readonly #onListening: (port: number) => void;
  #address: Promise<Address> | null = null;

  /** `onListening` is told the port each time the server starts: it takes a free one. */
  constructor(options: {
    worker: Pick<LabWorker<EndpointWorkerMethods>, 'request'>;
    authority: { certPem: string; keyPem: string };
    onListening: (port: number) => void;
  }) {
    this.#worker = options.worker;
    this.#authority = options.authority;
    this.#onListening = options.onListening;
  }

  get running(): boolean {
    return this.#address !== null;
  }

  /** Where the server listens; starts it when it does not. */
  address(): Promise<Address> {
    this.#address ??= this.#listen().catch((error: unknown) => {
      this.#address = null;
      throw error;
    });
    return this.#address;
  }

  /** The worker is gone and the server with it. */
  lost(): void {
    this.#address = null;
  }

  async stop(): Promise<void> {
    if (this.#address === null) return;
    this.#address = null;
    await this.#worker.request('close', null);
  }

  async #listen(): Promise<Address> {
    const { certPem, keyPem } = await issueCertificate(this.#authority, {
      names: [OWN_SERVER_NAME],
      days: CERTIFICATE_DAYS,
      nowMs: Date.now(),
    });
    const address = await this.#worker.request('listen', {
      host: OWN_HOST,
      port: 0,
      certificate: certPem,
      privateKey: keyPem,
    });
    this.#onListening(address.port);
    return address;
  }
}
