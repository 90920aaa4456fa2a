/** Pulls the messages of a snapshot whose body did not travel, and puts them in. Which they are says bodies.ts. */

import { delayMs } from "./backoff.ts";
import { upToDate, wantKey, wanted, withBodies } from "./bodies.ts";
import type { Message, MessageBatch, Snapshot } from "./wire.ts";

const PULLED_AT_ONCE = 100;

export interface BodyHooks {
  readonly read: (ids: readonly string[]) => Promise<MessageBatch>;
  readonly snapshot: () => Snapshot | null;
  /** Shows the snapshot with bodies put in. */
  readonly show: (snapshot: Snapshot) => void;
}

export class BodyPuller {
  readonly #hooks: BodyHooks;
  /** What was pulled once and did not help is not pulled again. */
  readonly #pulled = new Set<string>();
  #pulling = false;
  #stopped = true;
  #failures = 0;
  #atOnce = PULLED_AT_ONCE;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(hooks: BodyHooks) {
    this.#hooks = hooks;
  }

  start(): void {
    this.#stopped = false;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** One pull at a time; what it did not bring, or what was cut meanwhile, is asked for by the next. */
  pull(): void {
    const snapshot = this.#hooks.snapshot();
    const waits = this.#pulling || this.#timer !== undefined;
    if (waits || this.#stopped || snapshot === null) return;
    const wants = wanted(snapshot)
      .filter((message) => !this.#pulled.has(wantKey(message)))
      .slice(0, this.#atOnce);
    if (wants.length === 0) return;
    this.#pulling = true;
    for (const message of wants) this.#pulled.add(wantKey(message));
    this.#hooks.read(wants.map(({ id }) => id)).then(
      ({ messages }) => this.#onPulled(snapshot.epoch, wants, messages),
      () => this.#onFailed(wants),
    );
  }

  #onPulled(epoch: string, wants: readonly Message[], messages: readonly Message[]): void {
    this.#pulling = false;
    this.#failures = 0;
    this.#atOnce = PULLED_AT_ONCE;
    const now = this.#hooks.snapshot();
    if (now?.epoch === epoch) this.#hooks.show(withBodies(now, upToDate(now, wants, messages)));
    else this.pull();
  }

  #onFailed(wants: readonly Message[]): void {
    this.#pulling = false;
    // They may have been too much together.
    this.#atOnce = Math.max(1, Math.floor(this.#atOnce / 2));
    for (const message of wants) this.#pulled.delete(wantKey(message));
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.pull();
    }, delayMs(this.#failures++));
  }
}
