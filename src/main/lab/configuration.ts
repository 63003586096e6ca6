/**
 * The configuration of a lab: options over environment over lab.yaml over what the lab keeps over defaults. The file is read
 * again when it changes and when told to; one that is wrong changes nothing. What the lab keeps gives way to the file.
 */
import { z } from 'zod';
import { environmentLayer, misspelt } from '../../shared/config/environment.ts';
import { parseConfigFile } from '../../shared/config/file.ts';
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
import { ConfigurationFile } from './config-file.ts';
import type { Log } from './log.ts';

interface ConfigurationOptions {
  /** lab.yaml; `required` when somebody named it. */
  file?: { path: string; required: boolean } | null;
  env?: Readonly<Record<string, string | undefined>>;
  /** By path, each with the option that gave it. */
  options?: ReadonlyMap<string, { value: unknown; name: string }>;
}

/** What the lab keeps, by path, as it was set. */
type Kept = ReadonlyMap<string, unknown>;

/** All layers joined, and those kept values that go with the others. */
interface Joined {
  effective: Effective;
  inUse: Kept;
}

type Listener = (now: Settings, before: Settings) => void;

export class Configuration {
  readonly #file: ConfigurationFile | null;
  readonly #option: Layer;
  readonly #environment: Layer;
  readonly #misspelt: { name: string; meant: string }[];
  #fileLayer = emptyLayer('file');
  /** Some of it may not go with the file, as long as that is as it is. */
  #kept: Kept = new Map();
  #text: string | null = null;
  #readAtMs: number | null = null;
  #error: LabError | null = null;
  #joined: Joined;
  #log: Log | null = null;
  readonly #listeners = new Set<Listener>();
  readonly #checks = new Set<(settings: Settings) => void>();

  /** Throws RL_CONFIG_INVALID and RL_FILE_UNREADABLE. */
  constructor({ file = null, env = {}, options = new Map() }: ConfigurationOptions = {}) {
    this.#file = file === null ? null : new ConfigurationFile(file);
    this.#option = {
      ...emptyLayer('option'),
      values: new Map([...options].map(([path, { value }]) => [path, value])),
      nameOf: (path) => options.get(path)?.name ?? null,
    };
    this.#environment = environmentLayer(env);
    this.#misspelt = misspelt(env);
    this.#text = this.#file?.read() ?? null;
    this.#fileLayer = this.#parse(this.#text);
    this.#readAtMs = this.#text === null ? null : Date.now();
    this.#joined = this.#join(this.#fileLayer);
  }

  get values(): Settings {
    return this.#joined.effective.values;
  }

  /** Whether anything but the default says so. */
  isSet(path: string): boolean {
    return isSet(this.#joined.effective, path);
  }

  /** Whether there is a file to read, by whatever named it. */
  get hasFile(): boolean {
    return this.#file !== null;
  }

  get isFilePresent(): boolean {
    return this.#text !== null;
  }

  /** Where a field stands in lab.yaml, for messages. */
  placeOf(path: string): string {
    const line = this.#fileLayer.lineOf(path);
    return line === null ? path : `${this.#file!.name}:${line}: ${path}`;
  }

  /**
   * Takes on what the lab keeps, by path. Kept values that are not known, not acceptable any more or do not go with the file are left
   * out; that is said where it was started before.
   */
  setKept(kept: Kept): void {
    if (kept.size === 0) return;
    const isUsable = ([path, value]: [string, unknown]): boolean => {
      const usable = EDITABLE.has(path) && FIELDS.get(path)!.safeParse(value).success;
      if (!usable) this.#log?.warn({ setting: path }, 'a kept setting is not usable');
      return usable;
    };
    this.#kept = new Map([...kept].filter(isUsable));
    const before = this.values;
    this.#joined = this.#join(this.#fileLayer);
    this.#tell(before);
  }

  /** Takes on what the lab keeps, says from now on what happens, and reads the file when it changes. */
  start(log: Log, kept: Kept = new Map()): void {
    this.#log = log;
    for (const { name, meant } of this.#misspelt) log.warn({ name, meant }, 'a variable is none of ours');
    this.setKept(kept);
    this.#sayUnused(null);
    if (this.#file === null) return;
    if (this.#text !== null) log.info({ file: this.#file.path }, 'the configuration was read');
    this.#file.watch(
      () => this.reload(),
      ({ message }) =>
        log.warn({ reason: message }, 'changes of the configuration are not noticed by themselves'),
    );
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
      const text = this.#file.read();
      const isUnchanged = text === this.#text && this.#error === null;
      if (!isUnchanged) {
        const layer = this.#parse(text);
        const next = this.#join(layer);
        for (const check of this.#checks) check(next.effective.values);
        this.#error = null;
        this.#text = text;
        this.#fileLayer = layer;
        this.#take(next);
      }
      this.#readAtMs = text === null ? null : Date.now();
    } catch (thrown) {
      const error = toLabError(thrown);
      if (error.message === this.#error?.message) return;
      this.#error = error;
      this.#log?.error({ code: error.code, reason: error.message }, 'the old configuration stays in use');
    }
  }

  /**
   * Changes what the lab keeps; null goes back to the default. `store` is given all of it, and where it throws nothing is
   * changed. Throws RL_INPUT_INVALID.
   */
  change(values: Readonly<Record<string, unknown>>, store: (kept: Kept) => void): void {
    const kept = new Map(this.#joined.inUse);
    for (const [path, value] of Object.entries(values)) {
      const refuse = (message: string): LabError =>
        new LabError('RL_INPUT_INVALID', `${path}: ${message}`, { field: path });
      if (!EDITABLE.has(path)) throw refuse('not a setting that the lab keeps; set it in lab.yaml');
      const setting = this.#joined.effective.list.find((other) => other.path === path)!;
      if (!setting.editable) {
        const { name, line } = setting.source;
        throw refuse(`set by ${name ?? `line ${line} of ${this.#file?.name ?? 'lab.yaml'}`}`);
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
    const next = this.#joinAll(this.#fileLayer, kept);
    for (const check of this.#checks) check(next.values);
    store(kept);
    this.#kept = kept;
    this.#take({ effective: next, inUse: kept });
  }

  describe(): LabSettings {
    const file = this.#file && {
      path: this.#file.path,
      present: this.#text !== null,
      readAtMs: this.#readAtMs,
      error: this.#error?.toBody() ?? null,
    };
    return { file, settings: this.#joined.effective.list };
  }

  close(): void {
    this.#file?.close();
    this.#listeners.clear();
  }

  #take(next: Joined): void {
    const before = this.#joined.effective;
    this.#joined = next;
    const changed = next.effective.list.filter(({ value, source, secret }, index) =>
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
    this.#tell(before.values);
  }

  #tell(before: Settings): void {
    for (const listener of this.#listeners) listener(this.values, before);
  }

  #sayUnused(before: Effective | null): void {
    const now = this.#joined.effective;
    const unused = now.list
      .filter(
        ({ path, use }) => use === 'later' && isSet(now, path) && (before === null || !isSet(before, path)),
      )
      .map(({ path }) => path);
    if (unused.length > 0)
      this.#log?.warn({ settings: unused }, 'these settings are set, but nothing uses them yet');
  }

  /** With what the lab keeps, less what contradicts the other layers. Throws where those contradict each other. */
  #join(file: Layer): Joined {
    const inUse = new Map(this.#kept);
    for (;;) {
      try {
        const joined = { effective: this.#joinAll(file, inUse), inUse };
        const settings = [...this.#kept.keys()].filter((path) => !inUse.has(path));
        if (settings.length > 0)
          this.#log?.warn({ settings }, 'kept settings contradict the configuration and are not used');
        return joined;
      } catch (thrown) {
        // Values depend on each other within their section.
        const section = thrown instanceof LabError ? `${thrown.field?.split('.', 1)[0]}.` : null;
        const atFault = [...inUse.keys()].filter((path) => section !== null && path.startsWith(section));
        if (atFault.length === 0) throw thrown;
        for (const path of atFault) inUse.delete(path);
      }
    }
  }

  #joinAll(file: Layer, kept: Kept): Effective {
    try {
      return effective([this.#option, this.#environment, file, { ...emptyLayer('lab'), values: kept }]);
    } catch (thrown) {
      if (!(thrown instanceof z.ZodError)) throw thrown;
      const [issue] = thrown.issues;
      const path = issue!.path.map(String).join('.');
      const line = file.lineOf(path);
      const place = line === null ? '' : `${this.#file!.name}:${line}: `;
      throw new LabError(
        place === '' ? 'RL_INPUT_INVALID' : 'RL_CONFIG_INVALID',
        `${place}${path}: ${issue!.message}`,
        { field: path },
      );
    }
  }

  #parse(text: string | null): Layer {
    return text === null ? emptyLayer('file') : fileLayer(parseConfigFile(text, this.#file!.path));
  }
}

/** Whether anything but the default says so. */
const isSet = ({ list }: Effective, of: string): boolean =>
  list.some(({ path, source }) => path === of && source.kind !== 'default');
