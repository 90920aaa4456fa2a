/** Pulls a session's events by REST up to what was announced: the work of signal mode. One pull at a time. */

import { delayMs } from "./backoff.ts";
import { CallError } from "./errors.ts";
import type { EventPage } from "./wire.ts";

/** Between two pulls, so that what is announced meanwhile comes with one. */
export const PULL_PAUSE_MS = 50;

export interface PullerHooks {
  /** The events after a position. */
  readonly read: (after: number) => Promise<EventPage>;
  readonly position: () => number;
  /** Takes what was read; false when it was of no use: then the pulling ends. */
  readonly take: (page: EventPage) => boolean;
  readonly refused: (error: CallError) => void;
}

export class EventPuller {
  readonly #hooks: PullerHooks;
  #target = 0;
  #failures = 0;
  /** Counts the resets. An answer from before one is of no interest. */
  #round = 0;
  #reading = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(hooks: PullerHooks) {
    this.#hooks = hooks;
  }

  /** Whether something was announced that is not here yet. */
  get behind(): boolean {
    return this.#hooks.position() < this.#target;
  }

  /** There are events up to `seq`. */
  announce(seq: number): void {
    this.#target = Math.max(this.#target, seq);
    if (this.#timer === undefined) this.#pull();
  }

  /** Forgets what was announced, and whatever is on its way. */
  reset(): void {
    this.#round += 1;
    this.#reading = false;
    this.#target = 0;
    this.#failures = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #pull(): void {
    if (this.#reading || !this.behind) return;
    this.#reading = true;
    const round = this.#round;
    this.#hooks.read(this.#hooks.position()).then(
      (page) => round === this.#round && this.#onPage(page),
      (error: unknown) => round === this.#round && this.#onFailed(error),
    );
  }

  #onPage(page: EventPage): void {
    this.#reading = false;
    this.#failures = 0;
    // What was announced and is not there belonged to another past: the next join tells.
    if (page.events.length === 0) this.#target = 0;
    if (!this.#hooks.take(page)) return;
    if (page.hasMore) this.announce(page.head);
    else this.#pullAfter(PULL_PAUSE_MS);
  }

  #onFailed(error: unknown): void {
    this.#reading = false;
    if (error instanceof CallError && !error.retryable) this.#hooks.refused(error);
    else this.#pullAfter(delayMs(this.#failures++));
  }

  #pullAfter(pauseMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pull();
    }, pauseMs);
  }
}
