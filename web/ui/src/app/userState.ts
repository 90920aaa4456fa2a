/** The user's own state as the page uses it: tabs, what was open last, preferences, how the panel stands. */

import { Signal } from "@parley/client";

export interface UserState {
  readonly version: number;
  readonly activeSessions: readonly string[];
  readonly tabs: Readonly<Record<string, number>>;
  readonly lastSessionId: string | null;
  readonly ui: Readonly<Record<string, unknown>>;
  readonly preferences: Readonly<Record<string, unknown>>;
}

/** A merge patch (RFC 7396): null takes a key away. */
export type StatePatch = Readonly<Record<string, unknown>>;

export interface UserStateStore {
  readonly value: UserState;
  readonly changes: Signal<unknown>;
  update(patch: StatePatch): unknown;
}

const NOTHING_YET: UserState = {
  version: 0,
  activeSessions: [],
  tabs: {},
  lastSessionId: null,
  ui: {},
  preferences: {},
};

/** Of this page alone. */
export class PageState implements UserStateStore {
  readonly changes = new Signal<unknown>();
  #value = NOTHING_YET;

  get value(): UserState {
    return this.#value;
  }

  update(patch: StatePatch): void {
    this.#value = merged(this.#value, patch) as UserState;
    this.changes.emit(null);
  }
}

function merged(value: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(value) ? { ...value } : {};
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) Reflect.deleteProperty(result, key);
    else result[key] = merged(result[key], change);
  }
  return result;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
