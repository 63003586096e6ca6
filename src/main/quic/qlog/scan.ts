/**
 * Cuts a qlog file into its records as its text comes in: a JSON document whose `events` may be far larger than memory, a JSON
 * text sequence (RFC 7464) or one record a line. Only what is not finished yet is kept.
 */
import { LabError } from '../../../shared/errors.ts';

/** Longest single event, and longest rest of a document without its events, characters. */
const MAX_CHARS = 1_048_576;
/** Events are the value of this key, in containers no deeper than document, traces, trace. */
const EVENTS_KEY = '"events"';
const EVENTS_DEPTH = 4;

const RECORD_SEPARATOR = 0x1e;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

export interface ScanListener {
  /** The events of a trace begin; `text` is the document so far, made whole with an empty list of events. */
  onEvents(text: string): void;
  onEvent(text: string): void;
  /** A document without its events, or a record of its own. */
  onRecord(text: string): void;
}

/** Throws LabError RL_INPUT_INVALID, field `text`; so may its listener. */
export class QlogScanner {
  readonly #listener: ScanListener;
  /** What closes the containers that are open. */
  readonly #closers: number[] = [];
  /** What is being read: nothing yet, a record, something between events, an event. */
  #within: 'nothing' | 'record' | 'events' | 'event' = 'nothing';
  /** Number of containers around the events being read. */
  #eventsDepth = 0;
  #inString = false;
  #isEscaped = false;
  /** The newest string, its quotes included, and the key it was if a colon followed. */
  #string = '';
  #key = '';
  #record = '';
  #event = '';
  /** Whether it is a JSON text sequence. */
  #isSequence = false;

  constructor(listener: ScanListener) {
    this.#listener = listener;
  }

  push(text: string): void {
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === RECORD_SEPARATOR) {
        this.#restart();
        continue;
      }
      if (this.#inString) {
        this.#readString(text, at, code);
        continue;
      }
      switch (code) {
        case QUOTE:
          this.#requireWithin('record', 'event');
          this.#inString = true;
          this.#string = '"';
          break;
        case COLON:
          this.#key = this.#string;
          break;
        case COMMA:
          if (this.#within === 'nothing') throw invalid('a JSON record should begin where a comma stands');
          this.#key = '';
          break;
        case OPEN_BRACE:
        case OPEN_BRACKET: {
          const isBeginning = this.#within === 'nothing' || this.#within === 'events';
          if (isBeginning) from = at;
          if (this.#open(code)) {
            this.#keep(text, from, at + 1);
            this.#listener.onEvents(`${this.#record}${this.#ending()}`);
            this.#within = 'events';
          }
          break;
        }
        case CLOSE_BRACE:
        case CLOSE_BRACKET:
          if (this.#within === 'events') {
            this.#within = 'record';
            from = at;
          }
          if (this.#close(code)) {
            this.#keep(text, from, at + 1);
            this.#finish();
          }
          break;
        default:
          if (!isSpace(code)) this.#requireWithin('record', 'event');
      }
    }
    if (this.#within === 'record' || this.#within === 'event') this.#keep(text, from, text.length);
  }

  /** No more text comes. */
  end(): void {
    // RFC 7464 §2.3: what a program that died did not write to its end is left out.
    if (this.#closers.length > 0 && !this.#isSequence) throw invalid('it is cut off');
  }

  #readString(text: string, at: number, code: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (code === BACKSLASH) this.#isEscaped = true;
    else if (code === QUOTE) this.#inString = false;
    if (this.#string.length <= EVENTS_KEY.length) this.#string += text[at]!;
  }

  #requireWithin(...places: string[]): void {
    if (!places.includes(this.#within)) throw invalid('a JSON record should begin where other text stands');
  }

  /** Whether it is the list of events that opens. */
  #open(code: number): boolean {
    const isEvents =
      code === OPEN_BRACKET &&
      this.#within === 'record' &&
      this.#key === EVENTS_KEY &&
      this.#closers.length < EVENTS_DEPTH;
    if (this.#within === 'nothing') {
      if (code === OPEN_BRACKET) throw invalid('it is a list');
      this.#within = 'record';
    } else if (this.#within === 'events') this.#within = 'event';
    this.#closers.push(code === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET);
    this.#key = '';
    if (isEvents) this.#eventsDepth = this.#closers.length;
    return isEvents;
  }

  /** Whether a record or an event is over with it. */
  #close(code: number): boolean {
    if (this.#closers.pop() !== code) throw invalid('its brackets do not match');
    return (
      this.#closers.length === 0 || (this.#within === 'event' && this.#closers.length === this.#eventsDepth)
    );
  }

  #keep(text: string, from: number, to: number): void {
    if (this.#within === 'event') this.#event += text.slice(from, to);
    else this.#record += text.slice(from, to);
    if (this.#event.length > MAX_CHARS || this.#record.length > MAX_CHARS)
      throw invalid(`one part of it is longer than ${MAX_CHARS} characters`);
  }

  #finish(): void {
    if (this.#within === 'event') {
      const event = this.#event;
      this.#event = '';
      this.#within = 'events';
      this.#listener.onEvent(event);
    } else {
      const record = this.#record;
      this.#record = '';
      this.#within = 'nothing';
      this.#listener.onRecord(record);
    }
  }

  /** What makes a document whole as far as it was read. */
  #ending(): string {
    return String.fromCharCode(...this.#closers.toReversed());
  }

  /** A record begins, whatever was being read. */
  #restart(): void {
    this.#isSequence = true;
    this.#closers.length = 0;
    this.#within = 'nothing';
    this.#inString = false;
    this.#isEscaped = false;
    this.#record = '';
    this.#event = '';
  }
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/** What is wrong with the text of a qlog file. */
export const invalid = (why: string, cause?: unknown): LabError =>
  new LabError('RL_INPUT_INVALID', `This is no qlog file that can be read: ${why}`, {
    field: 'text',
    hint: 'Give a qlog file as its implementation wrote it: JSON, or JSON-SEQ (.sqlog).',
    cause,
  });
