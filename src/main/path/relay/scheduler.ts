/**
 * Runs tasks at absolute moments, a thousand times finer than `setTimeout` alone can: it sleeps on a timer until
 * shortly before the earliest deadline, then spins on `setImmediate`, which takes about 1 µs a turn and still
 * polls sockets. A timer may fire 1 ms early or some milliseconds late, so the clock decides, never the timer.
 */
import { DeadlineQueue } from './deadline-queue.ts';

/** Monotonic microseconds: the clock of relays and of the deadlines given to the scheduler. */
export const nowUs = (): number => performance.now() * 1000;

/** Spinning starts this long before a deadline: what a timer is seldom later than. */
const SPIN_US = 1500;
/** What `setTimeout` takes; a longer wait is slept in parts. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Tasks run in one turn before sockets are polled again. */
const TASKS_PER_TURN = 64;

interface Task {
  owner: object;
  run: () => void;
}

class Scheduler {
  readonly #queue = new DeadlineQueue<Task>();
  #spinning = false;
  #timer: NodeJS.Timeout | null = null;
  /** The deadline that `#timer` wakes up for. */
  #timerForUs = Number.POSITIVE_INFINITY;

  /** Runs `run` once `dueUs` has come, never before it and never within this call. */
  at(dueUs: number, owner: object, run: () => void): void {
    this.#queue.push(dueUs, { owner, run });
    if (!this.#spinning && dueUs < this.#timerForUs) this.#arm();
  }

  /** Forgets the tasks of `owner`. */
  cancel(owner: object): void {
    this.#queue.remove((task) => task.owner === owner);
    if (!this.#spinning) this.#arm();
  }

  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerForUs = Number.POSITIVE_INFINITY;
    const dueUs = this.#queue.nextDueUs;
    if (dueUs === null) return;
    const sleepMs = Math.floor((dueUs - SPIN_US - nowUs()) / 1000);
    if (sleepMs < 1) {
      this.#spinning = true;
      setImmediate(this.#turn);
    } else {
      this.#timerForUs = dueUs;
      this.#timer = setTimeout(this.#turn, Math.min(sleepMs, LONGEST_TIMER_MS));
    }
  }

  readonly #turn = (): void => {
    this.#spinning = true;
    for (let tasks = 0; tasks < TASKS_PER_TURN; tasks++) {
      const dueUs = this.#queue.nextDueUs;
      if (dueUs === null || dueUs > nowUs()) break;
      this.#queue.pop()!.run();
    }
    this.#spinning = false;
    this.#arm();
  };
}

/** One for all relays of the thread: two that spin would only delay each other. */
export const scheduler = new Scheduler();
