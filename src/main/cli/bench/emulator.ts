/**
 * `routelab bench emulator`: the UDP relay against the same Link in virtual time, datagram by datagram. The kernel
 * tells when each left and came, where it can; elsewhere moments at which the measuring process was not running are left out,
 * never those of the relay.
 */
import { loadavg } from 'node:os';
import type { LinkSettings } from '../../../shared/domain.ts';
import { quantile } from '../../../shared/samples.ts';
import { Link } from '../../path/link.ts';
import { Rng } from '../../path/rng.ts';
import { progress } from '../output.ts';
import { type Bench, type Carried, CLEAR, carry, openBench, SEED } from './carry.ts';
import { Endpoints } from './context.ts';
import { arrivalBps, type Load } from './one-way.ts';
import { against, figure, missing, type Row } from './rows.ts';

const REACH = {
  p50Us: { max: 300 },
  p99Us: { max: 2000 },
  ratePercent: { max: 2 },
  lossErrors: { max: 3 },
} as const;
const PAYLOAD_BYTES = 1350;
const PACKET_BITS = (PAYLOAD_BYTES + 28) * 8;
const ROUTES = 8;
const CORES = '0,1';

/** Paths whose delays are held against virtual time: none has a full queue, where one late packet decides on another. */
const DELAYS: readonly { name: string; link: Partial<LinkSettings>; load: Load }[] = [
  { name: '20 ms, 500 packets/s', link: { delayMs: 20 }, load: { packets: 5000, bytes: 200, everyUs: 2000 } },
  {
    name: '250 ms, 20 packets/s',
    link: { delayMs: 250 },
    load: { packets: 300, bytes: 200, everyUs: 50_000 },
  },
  {
    name: '20 Mbit/s, 40 ± 5 ms, 1 %',
    link: { rateBps: 20e6, delayMs: 40, jitterMs: 5, lossRatio: 0.01 },
    load: { packets: 10_000, bytes: PAYLOAD_BYTES, everyUs: PACKET_BITS / 18 },
  },
  {
    name: '100 Mbit/s, 10 ms, bursts of loss',
    link: { rateBps: 100e6, delayMs: 10, loss: { model: 'gilbert', p: 0.01, r: 0.3, h: 0, k: 1 } },
    load: { packets: 30_000, bytes: PAYLOAD_BYTES, everyUs: PACKET_BITS / 90 },
  },
];
const RATES_MBPS = [1, 10, 50, 100, 200];
/** Of the rate that a relay without impairments carries. */
const SHARES = [1, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5];

/** How late packets came, microseconds ascending, and whether the same were lost, against `link` in virtual time. */
function againstLink(link: Partial<LinkSettings>, bytes: number, carried: readonly Carried[]) {
  const lateUs: number[] = [];
  let packets = 0;
  let unlike = 0;
  let lost = 0;
  carried.forEach(({ warm, sentUs, arrivedUs, unsure }, path) => {
    // As the relay does: a generator for each direction, up first.
    const virtual = new Link<number>({ ...CLEAR, ...link }, Rng.fromSeed(SEED + path).split());
    sentUs.forEach((atUs, number) => {
      virtual.send(number + 1, bytes + 28, atUs);
    });
    const dueUs = new Map<number, number>();
    while (virtual.deadlineUs < Number.POSITIVE_INFINITY) {
      const atUs = virtual.deadlineUs;
      for (let item = virtual.receive(atUs); item !== undefined; item = virtual.receive(atUs))
        dueUs.set(item - 1, atUs);
    }
    arrivedUs.forEach((atUs, number) => {
      if (number < warm) return;
      packets++;
      const due = dueUs.get(number);
      if (atUs === null) lost++;
      if ((atUs === null) !== (due === undefined)) unlike++;
      else if (atUs !== null && due !== undefined && !unsure.has(number)) lateUs.push(atUs - due);
    });
  });
  return { lateUs: lateUs.sort((a, b) => a - b), unlike, lost, packets };
}

/** What a link loses in the long run, and by how much `n` packets of it may differ: a standard error. */
function expectedLoss(
  { lossRatio = 0, loss }: Partial<LinkSettings>,
  n: number,
): { ratio: number; error: number } {
  if (loss?.model !== 'gilbert')
    return { ratio: lossRatio, error: Math.sqrt((lossRatio * (1 - lossRatio)) / n) };
  const ratio = loss.p / (loss.p + loss.r);
  // Losses in a burst come together: the chain's correlation falls by 1 − p − r a packet.
  const spread = (2 - loss.p - loss.r) / (loss.p + loss.r);
  return { ratio, error: Math.sqrt((ratio * (1 - ratio) * spread) / n) };
}

/** Of a load through relays with `link`, and through forwarders that hold nothing: what this machine does to both, now. */
async function delayRows(
  bench: Bench,
  name: string,
  link: Partial<LinkSettings>,
  load: Load,
  options: Parameters<typeof carry>[3] = {},
): Promise<Row[]> {
  const { lateUs, unlike, lost, packets } = againstLink(
    link,
    load.bytes,
    await carry(bench, link, load, options),
  );
  const busy = `load ${loadavg()[0]!.toFixed(1)}`;
  const plain = againstLink({}, load.bytes, await carry(bench, null, load, options)).lateUs;
  if (lateUs.length === 0 || plain.length === 0)
    return [{ ...missing(`delay error, ${name}`, 'µs', 'nothing arrived', REACH.p50Us), ok: false }];
  const p99Us = quantile(lateUs, 0.99);
  const plainUs = quantile(plain, 0.99);
  const rows: Row[] = [
    { ...figure(`delay error p50, ${name}`, quantile(lateUs, 0.5), 'µs', REACH.p50Us), note: busy },
    { ...figure(`delay error p99, ${name}`, p99Us, 'µs', REACH.p99Us), note: busy },
    against(
      `delay error p99, ${name}`,
      p99Us,
      'µs',
      `dgram sockets that pass on at once (${plainUs.toFixed(0)})`,
      p99Us / plainUs,
    ),
  ];
  const { ratio, error } = expectedLoss(link, packets);
  if (ratio === 0 && lost === 0) return rows;
  const errors = error === 0 ? Number.POSITIVE_INFINITY : Math.abs(lost / packets - ratio) / error;
  const note = `${lost} of ${packets} lost, ${unlike === 0 ? 'the same' : `${unlike} others than`} as in virtual time`;
  return [...rows, { ...figure(`loss, ${name}`, errors, 'standard errors', REACH.lossErrors), note }];
}

/** By how many percent what arrives differs from a rate that is offered a tenth more, before a buffer of 0.1 s. */
async function rateError(
  bench: Bench,
  bps: number,
  seconds: number,
  options: Parameters<typeof carry>[3] = {},
): Promise<number> {
  const link = { rateBps: bps, delayMs: 5, bufferBytes: Math.max(30_000, Math.round(bps / 80)) };
  const load = {
    packets: Math.max(200, Math.round((bps * 1.1 * seconds) / PACKET_BITS)),
    bytes: PAYLOAD_BYTES,
    everyUs: (PACKET_BITS * 1e6) / (bps * 1.1),
  };
  const errors = (await carry(bench, link, load, options)).map(
    ({ warm, arrivedUs }) => 100 * Math.abs(arrivalBps(arrivedUs.slice(warm), PAYLOAD_BYTES) / bps - 1),
  );
  return Math.max(...errors);
}

async function rates(bench: Bench, seconds: number, step: (now: string) => void): Promise<Row[]> {
  const capacityBps = await bench.relay.ask('capacity', undefined as never);
  const rows: Row[] = [];
  for (const mbps of RATES_MBPS) {
    step(`${mbps} Mbit/s`);
    const error = await rateError(bench, mbps * 1e6, seconds);
    rows.push(figure(`rate error at ${mbps} Mbit/s`, error, '%', REACH.ratePercent));
  }
  let highestBps: number | null = null;
  for (const share of SHARES) {
    step('the highest rate');
    if ((await rateError(bench, share * capacityBps, seconds)) > REACH.ratePercent.max) continue;
    highestBps = share * capacityBps;
    break;
  }
  const note = `${(capacityBps / 1e6).toFixed(0)} Mbit/s carried without impairments`;
  const name = 'highest rate within 2 %';
  return [
    ...rows,
    highestBps === null
      ? missing(name, 'Mbit/s', `none above half of ${note}`)
      : { ...figure(name, highestBps / 1e6, 'Mbit/s'), note },
  ];
}

/** Routes at once on two processors, part of one of which the measuring takes. */
async function together(bench: Bench, packets: number): Promise<Row[]> {
  const pinned = await Promise.all([
    bench.relay.ask('pin', { cores: CORES }),
    bench.ends?.ask('pin', { cores: CORES }) ?? true,
  ]);
  const all = pinned.every(Boolean);
  const options = { paths: ROUTES, cores: all ? CORES : null };
  const link = { rateBps: 20e6, delayMs: 20, lossRatio: 0.01 };
  const load = { packets, bytes: PAYLOAD_BYTES, everyUs: PACKET_BITS / 19 };
  const where = all ? `processors ${CORES}` : 'any processors, as there is no taskset';
  const name = `${ROUTES} routes at 20 Mbit/s on ${where}`;
  const rows = await delayRows(bench, name, link, load, options);
  const error = await rateError(bench, 20e6, 2, options);
  return [...rows, figure(`worst rate error, ${name}`, error, '%', REACH.ratePercent)];
}

export async function benchEmulator({ quick }: { quick: boolean }): Promise<Row[]> {
  const endpoints = new Endpoints();
  const bar = progress('emulator', DELAYS.length + RATES_MBPS.length + 3);
  let done = 0;
  const step = (now: string): void => bar.update(++done, now);
  try {
    const bench = await openBench(endpoints);
    const rows: Row[] = [figure('load average before', loadavg()[0]!, '')];
    for (const { name, link, load } of DELAYS) {
      step(name);
      const scaled = { ...load, packets: Math.ceil(load.packets / (quick ? 20 : 1)) };
      rows.push(...(await delayRows(bench, name, link, scaled)));
    }
    rows.push(...(await rates(bench, quick ? 0.2 : 2, step)));
    step('routes at once');
    rows.push(...(await together(bench, quick ? 500 : 10_000)));
    return [...rows, figure('load average after', loadavg()[0]!, '')];
  } finally {
    endpoints.stop();
    bar.stop();
  }
}
