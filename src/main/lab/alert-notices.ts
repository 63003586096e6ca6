/** What the desktop and permitted pages show of alerts: the same raises and ends, in the same words. */
import { type Alert, type AlertNotice, METRICS } from '../../shared/alerts.ts';

/** A page that reads the board later has missed it; as long as a lost connection needs to come back. */
const STANDS_MS = 60_000;

export class AlertNotices {
  /** Each with when it was added, by the monotonic clock: set clocks leave none standing. */
  #recent: { notice: AlertNotice; addedAtMs: number }[] = [];

  add(event: 'raised' | 'resolved', { id, rule, routeName }: Alert, nowMs: number): AlertNotice {
    const notice: AlertNotice = {
      id: `${id}-${event}`,
      alertId: id,
      atMs: nowMs,
      title: `${rule.name}${event === 'resolved' ? ': over' : ''}`,
      body: `${METRICS[rule.condition.metric].title}${routeName === null ? '' : ` of ${routeName}`}`,
    };
    this.#recent = [...this.#standing(), { notice, addedAtMs: performance.now() }];
    return notice;
  }

  /** Those that stand, oldest first. */
  get standing(): AlertNotice[] {
    return this.#standing().map(({ notice }) => notice);
  }

  #standing() {
    return this.#recent.filter(({ addedAtMs }) => performance.now() - addedAtMs < STANDS_MS);
  }
}
