/**
 * Moments as people and programs write them, for the command line and the API: `now`, `90s ago`, `1h30m ago`, `now-2d`,
 * RFC 3339 (`2026-11-21T13:00:00Z`, `…+02:00`), and unix time in seconds, or in milliseconds from 10¹¹ on, which as seconds
 * would be the year 5138.
 */
import { LabError } from './errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const SPAN = /(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d|w)\s*/gi;
const AGO = /^(?:now\s*-\s*(?<since>.+)|(?<before>.+?)\s+ago)$/i;
/** A `+` in a query that nobody encoded arrives as a space. */
const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+\- ](?:[01]\d|2[0-3]):[0-5]\d)$/;
const SECONDS_BELOW = 1e11;
/** The last moment that a Date has. */
const LAST_MS = 8.64e15;

/** Unix milliseconds. Throws RL_INPUT_INVALID naming `field`. */
export function parseTime(text: string, field: string, nowMs: number): number {
  const ms = timeMs(text.trim(), nowMs);
  if (ms !== null && ms >= 0 && ms <= LAST_MS) return ms;
  throw new LabError(
    'RL_INPUT_INVALID',
    `${field}: "${text}" is no time; write now, "1h ago", 2026-11-21T13:00:00Z or unix seconds`,
    { field },
  );
}

function timeMs(text: string, nowMs: number): number | null {
  if (/^now$/i.test(text)) return nowMs;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) < SECONDS_BELOW ? Number(text) * 1000 : Number(text);
  const ago = AGO.exec(text)?.groups;
  if (ago !== undefined) {
    const spanMs = parseSpan((ago['since'] ?? ago['before'])!);
    return spanMs === null ? null : nowMs - spanMs;
  }
  return rfc3339Ms(text);
}

/** `1h30m` in milliseconds; null for what is no span. */
function parseSpan(text: string): number | null {
  if (text.replace(SPAN, '') !== '') return null;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(SPAN)) ms += Number(count) * UNIT_MS[unit!.toLowerCase()]!;
  return ms;
}

function rfc3339Ms(text: string): number | null {
  const match = RFC_3339.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  // Date.parse takes the 30th of February for the 2nd of March.
  const isDate = day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (month < 1 || month > 12 || !isDate || hour > 23 || minute > 59 || second > 59) return null;
  const iso = `${text.slice(0, 10)}T${text.slice(11).replace(' ', '+')}`.toUpperCase();
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? null : ms;
}
