/** The user's own state, shared by all of their clients: shown as if written at once, written with the version it was
 * made for, merged onto the newer one when somebody was quicker. */

import { delayMs } from "./backoff.ts";
import type { Connection } from "./connection.ts";
import { CallError } from "./errors.ts";
import { DEFAULT_STATE, inOne, patched } from "./mergePatch.ts";
import { Signal } from "./signal.ts";
import type { UserState, UserStatePatch } from "./wire.ts";

/** A patch, or what makes one of the state as it is then. It may be asked several times: say what shall be, not what
 * shall be turned round. */
export type StateChange = UserStatePatch | ((state: UserState) => UserStatePatch);

/** What the store asks of REST. */
export interface UserStateCalls {
  readonly read: () => Promise<UserState>;
  readonly patch: (patch: UserStatePatch, version: number) => Promise<UserState>;
}

interface Change {
  readonly patchOf: (state: UserState) => UserStatePatch;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class UserStateStore {
  readonly changes = new Signal<UserState>();
  readonly #calls: UserStateCalls;
  readonly #subscriptions: readonly (() => void)[];
  /** The newest that the server told. */
  #base: UserState = DEFAULT_STATE;
  #known = false;
  /** What is not written yet, in order; the first `#sent` of them are on their way. */
  #pending: readonly Change[] = [];
  #sent = 0;
  #value: UserState = DEFAULT_STATE;
  /** The first state of a connection replaces what is here, unless it is older than what it answered itself. */
  #first = true;
  #answered = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(connection: Connection, calls: UserStateCalls) {
    this.#calls = calls;
    this.#subscriptions = [
      connection.on("user_state", (state) => this.#onPushed(state)),
      connection.opened.listen(() => this.#onOpened()),
    ];
  }

  /** With what this client changed and the server has not confirmed yet. The defaults until the server told. */
  get value(): UserState {
    return this.#value;
  }

  /** Whether the server has told what it is. */
  get known(): boolean {
    return this.#known;
  }

  /** Shows the change at once and writes it; changes that are made meanwhile go together. Rejects when the server
   * refuses it for good, and then it is undone; need not be awaited. */
  update(change: StateChange): Promise<void> {
    const patchOf = typeof change === "function" ? change : keepingOthers(change, this.#value);
    const written = new Promise<void>((resolve, reject) => {
      this.#pending = [...this.#pending, { patchOf, resolve, reject }];
    });
    written.catch(() => undefined);
    this.#show();
    this.#write();
    return written;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const unsubscribe of this.#subscriptions) unsubscribe();
  }

  #onOpened(): void {
    this.#first = true;
    this.#answered = 0;
    this.#write();
  }

  #onPushed(state: UserState): void {
    const replaces = this.#first && state.version >= this.#answered;
    this.#first = false;
    if (replaces || state.version > this.#base.version) this.#take(state);
  }

  #take(state: UserState): void {
    this.#base = state;
    this.#known = true;
    this.#show();
  }

  #show(): void {
    const value = this.#pending.reduce((state, { patchOf }) => patched(state, patchOf(state)), this.#base);
    if (JSON.stringify(value) === JSON.stringify(this.#value)) return;
    this.#value = value;
    this.changes.emit(value);
  }

  /** One request at a time, with everything that waits. */
  #write(): void {
    if (this.#sent > 0 || this.#pending.length === 0 || this.#closed) return;
    clearTimeout(this.#timer);
    this.#sent = this.#pending.length;
    this.#attempt(this.#pending).then(
      () => this.#onWritten(),
      (error: unknown) => this.#onRefused(error),
    );
  }

  async #attempt(changes: readonly Change[]): Promise<void> {
    if (!this.#known) this.#take(await this.#calls.read());
    let patch: UserStatePatch = {};
    let state = this.#base;
    for (const { patchOf } of changes) {
      const next = patchOf(state);
      state = patched(state, next);
      patch = inOne(patch, next);
    }
    if (Object.keys(patch).length === 0) return;
    this.#onAnswer(await this.#calls.patch(patch, this.#base.version));
  }

  #onAnswer(state: UserState): void {
    this.#answered = Math.max(this.#answered, state.version);
    if (state.version > this.#base.version) this.#base = state;
  }

  #onWritten(): void {
    this.#failures = 0;
    for (const { resolve } of this.#settled()) resolve();
    this.#show();
    this.#write();
  }

  #onRefused(error: unknown): void {
    const outdated = error instanceof CallError && error.code === "version_mismatch";
    if (error instanceof CallError && !error.retryable && !outdated) return this.#undo(error);
    this.#sent = 0;
    if (outdated) this.#onOutdated(error);
    this.#timer = this.#closed ? undefined : setTimeout(() => this.#write(), delayMs(this.#failures++) / 4);
  }

  /** The refusal says what the state is. It is right even if its version is lower. */
  #onOutdated({ details }: CallError): void {
    const state = details["state"] as UserState | undefined;
    if (state === undefined) this.#known = false;
    else this.#take(state);
  }

  #undo(error: CallError): void {
    this.#failures = 0;
    for (const { reject } of this.#settled()) reject(error);
    this.#show();
    this.#write();
  }

  /** Takes those that were on their way out of what waits. */
  #settled(): readonly Change[] {
    const settled = this.#pending.slice(0, this.#sent);
    this.#pending = this.#pending.slice(this.#sent);
    this.#sent = 0;
    return settled;
  }
}

/** A merge patch replaces a list as a whole. What is meant is what it adds and takes away, whatever others added. */
function keepingOthers(patch: UserStatePatch, seen: UserState): Change["patchOf"] {
  const { activeSessions } = patch;
  if (!activeSessions) return () => patch;
  const added = activeSessions.filter((id) => !seen.activeSessions.includes(id));
  const removed = new Set(seen.activeSessions.filter((id) => !activeSessions.includes(id)));
  return (state) => {
    const kept = state.activeSessions.filter((id) => !removed.has(id));
    return { ...patch, activeSessions: [...new Set([...kept, ...added])].sort() };
  };
}
