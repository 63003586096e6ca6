/**
 * The configuration of a lab: options over environment over lab.yaml over what the lab keeps over defaults. The file is read
 * again when it changes, replaced ones included, and when told to; one that is wrong changes nothing.
 */
import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { z } from 'zod';
import { environmentLayer, misspelt } from '../../shared/config/environment.ts';
import { MAX_FILE_BYTES, parseConfigFile } from '../../shared/config/file.ts';
import {
  EDITABLE,
  type Effective,
  effective,
  emptyLayer,
  FIELDS,
  fileLayer,
  type Layer,
  type Settings,
  useOf,
} from '../../shared/config/settings.ts';
import type { LabSettings } from '../../shared/contract/settings.ts';
import { LabError, toLabError } from '../../shared/errors.ts';
import type { Log } from './log.ts';

interface ConfigurationOptions {
  /** lab.yaml; `required` when somebody named it. */
  file?: { path: string; required: boolean } | null;
  env?: Readonly<Record<string, string | undefined>>;
  /** By path, each with the option that gave it. */
  options?: ReadonlyMap<string, { value: unknown; name: string }>;
}

/** Editors and tools write in several steps. */
const SETTLE_MS = 100;

type Listener = (now: Settings, before: Settings) => void;

export class Configuration {
  readonly #file: { path: string; required: boolean } | null;
  readonly #option: Layer;
  readonly #environment: Layer;
  readonly #misspelt: { name: string; meant: string }[];
  #fileLayer = emptyLayer('file');
  #kept = emptyLayer('lab');
  #text: string | null = null;
  #readAtMs: number | null = null;
  #error: LabError | null = null;
  #effective: Effective;
  #log: Log | null = null;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;
  readonly #listeners = new Set<Listener>();
  readonly #checks = new Set<(settings: Settings) => void>();

  /** Throws RL_CONFIG_INVALID and RL_FILE_UNREADABLE. */
  constructor({ file = null, env = {}, options = new Map() }: ConfigurationOptions = {}) {
    this.#file = file === null ? null : { ...file, path: resolve(file.path) };
    this.#option = {
      ...emptyLayer('option'),
      values: new Map([...options].map(([path, { value }]) => [path, value])),
      nameOf: (path) => options.get(path)?.name ?? null,
    };
    this.#environment = environmentLayer(env);
    this.#misspelt = misspelt(env);
    this.#text = this.#read();
    this.#fileLayer = this.#parse(this.#text);
    this.#readAtMs = this.#text === null ? null : Date.now();
    this.#effective = this.#join(this.#fileLayer, this.#kept);
  }

  get values(): Settings {
    return this.#effective.values;
  }

  /** Whether anything but the default says so. */
  isSet(path: string): boolean {
    return this.#effective.list.some((setting) => setting.path === path && setting.source.kind !== 'default');
  }

  get isFilePresent(): boolean {
    return this.#text !== null;
  }

  /** Where a field stands in lab.yaml, for messages. */
  placeOf(path: string): string {
    const line = this.#fileLayer.lineOf(path);
    return line === null ? path : `${basename(this.#file!.path)}:${line}: ${path}`;
  }

  /** Says from now on what happens, and reads the file when it changes. */
  start(log: Log): void {
    this.#log = log;
    for (const { name, meant } of this.#misspelt) log.warn({ name, meant }, 'a variable is none of ours');
    this.#sayUnused(null);
    if (this.#file === null) return;
    if (this.#text !== null) log.info({ file: this.#file.path }, 'the configuration was read');
    const { path } = this.#file;
    const names: ReadonlySet<string | null> = new Set([basename(path), '..data', null]);
    try {
      // The folder, not the file: one that is renamed into place is another file.
      this.#watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
        if (names.has(name)) this.#reloadSoon();
      });
      this.#watcher.on('error', (error) => this.#unwatched(error));
    } catch (error) {
      this.#unwatched(error as Error);
    }
  }

  /** Calls `listener` after each change. */
  onChange(listener: Listener): void {
    this.#listeners.add(listener);
  }

  /** `check` throws for settings that cannot be taken on; the old ones stay then. */
  require(check: (settings: Settings) => void): void {
    check(this.values);
    this.#checks.add(check);
  }

  /** Reads the file again. What is wrong with it is logged and kept for `describe`; never throws. */
  reload(): void {
    if (this.#file === null) return;
    try {
      const text = this.#read();
      const layer = this.#parse(text);
      const next = this.#join(layer, this.#kept);
      for (const check of this.#checks) check(next.values);
      const unchanged = text === this.#text && this.#error === null;
      this.#error = null;
      this.#readAtMs = text === null ? null : Date.now();
      this.#text = text;
      this.#fileLayer = layer;
      if (!unchanged) this.#take(next);
    } catch (thrown) {
      const error = toLabError(thrown);
      if (error.message === this.#error?.message) return;
      this.#error = error;
      this.#log?.error({ code: error.code, reason: error.message }, 'the old configuration stays in use');
    }
  }

  /** What the lab keeps, by path. What is not known or not acceptable any more is left out, and said. */
  setKept(values: ReadonlyMap<string, unknown>): void {
    const usable = [...values].filter(([path, value]) => {
      const known = EDITABLE.has(path) && FIELDS.get(path)!.safeParse(value).success;
      if (!known) this.#log?.warn({ setting: path }, 'a kept setting is not usable');
      return known;
    });
    this.#keep(new Map(usable));
  }

  /** Changes what the lab keeps, and returns all of it. Null goes back to the default. Throws RL_INPUT_INVALID. */
  change(values: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> {
    const kept = new Map(this.#kept.values);
    for (const [path, value] of Object.entries(values)) {
      const refuse = (message: string): LabError =>
        new LabError('RL_INPUT_INVALID', `${path}: ${message}`, { field: path });
      if (!EDITABLE.has(path)) throw refuse('not a setting that the lab keeps; set it in lab.yaml');
      const setting = this.#effective.list.find((other) => other.path === path)!;
      if (!setting.editable) {
        const { name, line } = setting.source;
        throw refuse(`set by ${name ?? `line ${line} of ${basename(this.#file?.path ?? 'lab.yaml')}`}`);
      }
      if (value === null) kept.delete(path);
      else {
        const checked = FIELDS.get(path)!.safeParse(value);
        if (!checked.success)
          throw refuse(
            `is ${JSON.stringify(value)}; ${checked.error.issues[0]!.message.replace(/^[A-Z][a-z ]+: /, '')}`,
          );
        kept.set(path, value);
      }
    }
    this.#keep(kept);
    return kept;
  }

  describe(): LabSettings {
    const file = this.#file && {
      path: this.#file.path,
      present: this.#text !== null,
      readAtMs: this.#readAtMs,
      error: this.#error?.toBody() ?? null,
    };
    return { file, settings: this.#effective.list };
  }

  close(): void {
    this.#watcher?.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #keep(values: ReadonlyMap<string, unknown>): void {
    const kept = { ...emptyLayer('lab'), values };
    const next = this.#join(this.#fileLayer, kept);
    this.#kept = kept;
    this.#take(next);
  }

  #take(next: Effective): void {
    const before = this.#effective;
    this.#effective = next;
    const changed = next.list.filter(({ value, source, secret }, index) =>
      secret
        ? source.kind !== before.list[index]!.source.kind
        : JSON.stringify(value) !== JSON.stringify(before.list[index]!.value),
    );
    const paths = changed.map(({ path }) => path);
    if (paths.length > 0) this.#log?.info({ changed: paths }, 'the configuration changed');
    const waiting = paths.filter((path) => useOf(path) === 'restart');
    if (waiting.length > 0)
      this.#log?.warn({ settings: waiting }, 'these settings apply from the next start');
    this.#sayUnused(before);
    for (const listener of this.#listeners) listener(next.values, before.values);
  }

  #sayUnused(before: Effective | null): void {
    const isSet = (list: Effective['list'] | undefined, path: string): boolean =>
      list?.some((setting) => setting.path === path && setting.source.kind !== 'default') ?? false;
    const unused = this.#effective.list
      .filter(
        ({ path, use }) => use === 'later' && isSet(this.#effective.list, path) && !isSet(before?.list, path),
      )
      .map(({ path }) => path);
    if (unused.length > 0)
      this.#log?.warn({ settings: unused }, 'these settings are set, but nothing uses them yet');
  }

  #join(file: Layer, kept: Layer): Effective {
    try {
      return effective([this.#option, this.#environment, file, kept]);
    } catch (thrown) {
      if (!(thrown instanceof z.ZodError)) throw thrown;
      const [issue] = thrown.issues;
      const path = issue!.path.map(String).join('.');
      const line = file.lineOf(path);
      const place = line === null ? '' : `${basename(this.#file!.path)}:${line}: `;
      throw new LabError(
        place === '' ? 'RL_INPUT_INVALID' : 'RL_CONFIG_INVALID',
        `${place}${path}: ${issue!.message}`,
        {
          field: path,
        },
      );
    }
  }

  #reloadSoon(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.reload(), SETTLE_MS);
  }

  #unwatched(error: Error): void {
    this.#log?.warn({ reason: error.message }, 'changes of the configuration are read on SIGHUP only');
  }

  #parse(text: string | null): Layer {
    return text === null ? emptyLayer('file') : fileLayer(parseConfigFile(text, this.#file!.path));
  }

  /** Null where no file needs to be and none is. */
  #read(): string | null {
    if (this.#file === null) return null;
    const { path, required } = this.#file;
    try {
      const { size } = statSync(path);
      if (size > MAX_FILE_BYTES)
        throw new LabError('RL_CONFIG_INVALID', `${path}: larger than ${MAX_FILE_BYTES / 1024} KiB`);
      return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
    } catch (thrown) {
      if (thrown instanceof LabError) throw thrown;
      const { code, message } = thrown as NodeJS.ErrnoException;
      if (code === 'ENOENT' && !required) return null;
      throw code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
        ? new LabError('RL_CONFIG_INVALID', `${path}: not UTF-8`)
        : new LabError('RL_FILE_UNREADABLE', `${path} cannot be read: ${message}`, {
            field: '--config',
            cause: thrown,
          });
    }
  }
}
