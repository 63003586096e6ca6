/**
 * Runs tasks at absolute moments, a thousand times finer than `setTimeout` alone can: it sleeps until shortly before
 * the earliest deadline, then spins on `setImmediate`, which still polls sockets. It is
 * woken by an alarm thread, or by a timer until that has started. Either may be early or late, so the clock decides.
 */

import { DeadlineQueue } from '../deadline-queue.ts';
import { Alarm } from './alarm.ts';
import { nowUs } from './clock.ts';

/** Spinning starts this long before a deadline: what an alarm, and what a timer, is seldom later than. */
const ALARM_SPIN_US = 300;
const TIMER_SPIN_US = 1500;
/** After a sleep so long that processors idle deeply, threads take twice as long to wake. */
const DEEP_SLEEP_US = 10_000;
const DEEP_ALARM_SPIN_US = 600;
/** What `setTimeout` takes; a longer wait is slept in parts. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** A turn stays this long for a deadline: each `setImmediate` leaves garbage, which is collected while packets wait. */
const TURN_US = 20;
/** Tasks run in one turn before sockets are polled again. */
const TASKS_PER_TURN = 64;

interface Task {
  owner: object;
  run: () => void;
}

class Scheduler {
  readonly #queue = new DeadlineQueue<Task>();
  #alarm: Alarm | null = null;
  #spinning = false;
  #timer: NodeJS.Timeout | null = null;
  /** The deadline that the alarm or timer wakes up for. */
  #wakesForUs = Number.POSITIVE_INFINITY;
  #polled: () => boolean = () => true;

  /** `polled` is called before each turn, when the sockets have been polled; the turn is put off while it answers false. */
  onPolled(polled: () => boolean): void {
    this.#polled = polled;
  }

  /** Runs `run` once `dueUs` has come, never before it and never within this call. */
  at(dueUs: number, owner: object, run: () => void): void {
    this.#queue.push(dueUs, { owner, run });
    if (!this.#spinning && dueUs < this.#wakesForUs) this.#arm();
  }

  /** Has a turn once the sockets have been polled. */
  soon(): void {
    if (!this.#spinning) this.#spin();
  }

  /** Forgets the tasks of `owner`. */
  cancel(owner: object): void {
    this.#queue.remove((task) => task.owner === owner);
    if (!this.#spinning) this.#arm();
  }

  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#wakesForUs = Number.POSITIVE_INFINITY;
    const dueUs = this.#queue.nextDueUs;
    if (dueUs === null) return;
    this.#alarm ??= new Alarm(this.#onAlarm);
    const waitUs = dueUs - nowUs();
    const alarmSpinUs = waitUs > DEEP_SLEEP_US ? DEEP_ALARM_SPIN_US : ALARM_SPIN_US;
    const spinUs = this.#alarm.isReady ? alarmSpinUs : TIMER_SPIN_US;
    const sleepUs = waitUs - spinUs;
    if (sleepUs <= 0) {
      this.#spin();
      return;
    }
    this.#wakesForUs = dueUs;
    if (this.#alarm.isReady) this.#alarm.set(dueUs - spinUs);
    else this.#timer = setTimeout(this.#onTimer, Math.min(Math.floor(sleepUs / 1000), LONGEST_TIMER_MS));
  }

  readonly #onAlarm = (): void => {
    // While spinning, or on a timer from before the alarm was ready, somebody else looks at the clock.
    if (!this.#spinning && this.#timer === null) this.#spin();
  };

  readonly #onTimer = (): void => {
    if (!this.#spinning) this.#spin();
  };

  /** The next turn, after the sockets of this one. */
  readonly #spin = (): void => {
    this.#spinning = true;
    setImmediate(this.#turn);
  };

  readonly #turn = (): void => {
    if (!this.#polled()) {
      this.#spin();
      return;
    }
    const endUs = nowUs() + TURN_US;
    for (let tasks = 0; tasks < TASKS_PER_TURN; tasks++) {
      const dueUs = this.#queue.nextDueUs;
      if (dueUs === null) break;
      let atUs = nowUs();
      while (atUs < dueUs && atUs < endUs) atUs = nowUs();
      if (atUs < dueUs) break;
      this.#queue.pop()!.run();
    }
    this.#spinning = false;
    this.#arm();
  };
}

/** One for all relays of the thread: two that spin would only delay each other. */
export const scheduler = new Scheduler();
