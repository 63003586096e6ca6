/** The tables of webhooks and of what was sent to them. A secret leaves only by `addressee`, for the signature. */
import { Delivery, type Webhook, type WebhookInput, type WebhookPatch } from '../../shared/alerts.ts';
import { LabError } from '../../shared/errors.ts';
import type { WriteHandle } from './handles.ts';

type StoredWebhook = Omit<Webhook, 'isPrivate'>;

export interface WebhookTable {
  list(): StoredWebhook[];
  /** Throws RL_NOT_FOUND. */
  get(id: number): StoredWebhook;
  /** Where its messages go now; null when there is no such webhook. */
  addressee(id: number): Pick<WebhookInput, 'url' | 'secret' | 'timeoutS'> | null;
  create(input: WebhookInput): StoredWebhook;
  /** Throws RL_NOT_FOUND. */
  update(id: number, patch: WebhookPatch): StoredWebhook;
  /** Throws RL_NOT_FOUND. */
  remove(id: number): void;
  /** Throws RL_NOT_FOUND when no such webhook was removed. */
  restore(id: number): StoredWebhook;
  /** Those that the raise of an alert was sent to. */
  toldOf(alertId: number): ReadonlySet<number>;
  send(webhookId: number, alertId: number | null, event: Delivery['event']): Delivery;
  /** Notes what has become of a delivery so far. */
  progress(id: number, progress: Pick<Delivery, 'state' | 'attempts' | 'status' | 'error'>): Delivery;
  /** Newest first, those with a smaller id than `before`. */
  deliveries(limit: number, before: number): Delivery[];
}

type Row = {
  id: number;
  name: string;
  url: string;
  enabled: number;
  least_severity: StoredWebhook['leastSeverity'];
  timeout_s: number;
  secret: string | null;
};
type DeliveryRow = {
  id: number;
  webhook_id: number;
  alert_id: number | null;
  event: string;
  state: string;
  attempts: number;
  status: number | null;
  error: string | null;
  created_at_ms: number;
  ended_at_ms: number | null;
};

const fromRow = (row: Row): StoredWebhook => ({
  id: row.id,
  name: row.name,
  url: row.url,
  enabled: row.enabled === 1,
  leastSeverity: row.least_severity,
  timeoutS: row.timeout_s,
  hasSecret: row.secret !== null,
});

const deliveryOf = (row: DeliveryRow): Delivery =>
  Delivery.parse({
    id: row.id,
    webhookId: row.webhook_id,
    alertId: row.alert_id,
    event: row.event,
    state: row.state,
    attempts: row.attempts,
    status: row.status,
    error: row.error,
    createdAtMs: row.created_at_ms,
    endedAtMs: row.ended_at_ms,
  });

export function webhookTable(db: WriteHandle, nowMs: () => number): WebhookTable {
  const list = db.query<[], Row>('SELECT * FROM webhook WHERE removed_at_ms IS NULL ORDER BY id');
  const find = db.query<[number], Row>('SELECT * FROM webhook WHERE id = ? AND removed_at_ms IS NULL');
  const insert = db.command<[Omit<Row, 'id'>]>(
    `INSERT INTO webhook (name, url, enabled, least_severity, timeout_s, secret)
     VALUES (@name, @url, @enabled, @least_severity, @timeout_s, @secret)`,
  );
  const overwrite = db.command<[Row]>(
    `UPDATE webhook SET name = @name, url = @url, enabled = @enabled, least_severity = @least_severity,
       timeout_s = @timeout_s, secret = @secret WHERE id = @id`,
  );
  const setRemoved = db.command<[number, number]>('UPDATE webhook SET removed_at_ms = ? WHERE id = ?');
  const restore = db.command<[number]>(
    'UPDATE webhook SET removed_at_ms = NULL WHERE id = ? AND removed_at_ms IS NOT NULL',
  );
  const told = db.column<[number], number>(
    "SELECT webhook_id FROM delivery WHERE alert_id = ? AND event = 'raised'",
  );
  const insertDelivery = db.command<[number, number | null, string, number]>(
    `INSERT INTO delivery (webhook_id, alert_id, event, state, attempts, created_at_ms)
     VALUES (?, ?, ?, 'waiting', 0, ?)`,
  );
  const findDelivery = db.query<[number], DeliveryRow>('SELECT * FROM delivery WHERE id = ?');
  const progress = db.command<[string, number, number | null, string | null, number | null, number]>(
    'UPDATE delivery SET state = ?, attempts = ?, status = ?, error = ?, ended_at_ms = ? WHERE id = ?',
  );
  const deliveries = db.query<[number, number], DeliveryRow>(
    'SELECT * FROM delivery WHERE id < ? ORDER BY id DESC LIMIT ?',
  );

  const row = (id: number): Row => {
    const found = find.get(id);
    if (found !== undefined) return found;
    throw new LabError('RL_NOT_FOUND', `There is no webhook ${id}`, { field: 'id' });
  };
  const toRow = ({ name, url, enabled, leastSeverity, timeoutS, secret }: WebhookInput): Omit<Row, 'id'> => ({
    name,
    url,
    enabled: Number(enabled),
    least_severity: leastSeverity,
    timeout_s: timeoutS,
    secret,
  });

  return {
    list: () => list.all().map(fromRow),
    get: (id) => fromRow(row(id)),
    addressee: (id) => {
      const found = find.get(id);
      return found === undefined ? null : { url: found.url, secret: found.secret, timeoutS: found.timeout_s };
    },
    create: (input) => fromRow(row(insert.run(toRow(input)).id)),
    update: (id, patch) =>
      db.transaction(() => {
        const before = row(id);
        const { id: _, hasSecret, ...fields } = fromRow(before);
        const given = Object.entries(patch).filter(([, value]) => value !== undefined);
        const after = { ...fields, secret: before.secret, ...Object.fromEntries(given) };
        overwrite.run({ ...toRow(after), id });
        return fromRow(row(id));
      }),
    remove: (id) => {
      row(id);
      setRemoved.run(nowMs(), id);
    },
    restore: (id) => {
      if (restore.run(id).changes > 0) return fromRow(row(id));
      throw new LabError('RL_NOT_FOUND', `There is no removed webhook ${id}`, { field: 'id' });
    },
    toldOf: (alertId) => new Set(told.all(alertId)),
    send: (webhookId, alertId, event) =>
      deliveryOf(findDelivery.get(insertDelivery.run(webhookId, alertId, event, nowMs()).id)!),
    progress: (id, { state, attempts, status, error }) => {
      progress.run(state, attempts, status, error, state === 'waiting' ? null : nowMs(), id);
      return deliveryOf(findDelivery.get(id)!);
    },
    deliveries: (limit, before) => deliveries.all(before, limit).map(deliveryOf),
  };
}

/** When a store is opened, nothing is under way: what was died with its lab. */
export function interruptDeliveries(db: WriteHandle, nowMs: number): void {
  db.command<[number]>(
    "UPDATE delivery SET state = 'interrupted', ended_at_ms = ? WHERE state = 'waiting'",
  ).run(nowMs);
}
