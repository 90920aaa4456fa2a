/** What was written and is not answered yet, of all sessions: sent whether its session is open or not, kept over
 * reloads in a store. */

import type { Connection } from "./connection.ts";
import { CallError } from "./errors.ts";
import { Lane } from "./lane.ts";
import type { OutboxEntry, Post } from "./lane.ts";
import type { WireError } from "./wire.ts";

/** The part of the browser's `Storage` that is used. */
export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const KEY = "parley.outbox";

type Kept = Omit<OutboxEntry, "error"> & { readonly error: WireError | null };

export class Outbox {
  readonly #connection: Connection;
  readonly #post: Post;
  readonly #store: Store | null;
  readonly #lanes = new Map<string, Lane>();
  readonly #subscriptions: (() => void)[];

  constructor(connection: Connection, store: Store | null, post: Post) {
    this.#connection = connection;
    this.#post = post;
    this.#store = store;
    this.#subscriptions = [
      connection.states.listen((state) =>
        this.#each((lane) => (state === "connected" ? lane.sendNext() : lane.pause())),
      ),
    ];
    for (const entry of restored(store)) this.lane(entry.sessionId).put(entry);
  }

  /** The messages of one session. */
  lane(sessionId: string): Lane {
    const known = this.#lanes.get(sessionId);
    if (known !== undefined) return known;
    const lane = new Lane(this.#connection, sessionId, this.#post);
    lane.changes.listen(() => this.#save());
    this.#lanes.set(sessionId, lane);
    return lane;
  }

  close(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#each((lane) => lane.close());
  }

  #each(work: (lane: Lane) => void): void {
    for (const lane of this.#lanes.values()) work(lane);
  }

  #save(): void {
    const entries = [...this.#lanes.values()].flatMap((lane) => lane.unanswered);
    try {
      if (entries.length === 0) this.#store?.removeItem(KEY);
      else this.#store?.setItem(KEY, JSON.stringify(entries.map(toKept)));
    } catch {
      // A full store costs the safety over a reload, not the message.
    }
  }
}

/** The tab's own store, where there is one and the user allows it. */
export function sessionStore(): Store | null {
  try {
    return globalThis.sessionStorage;
  } catch {
    return null;
  }
}

function toKept({ error, ...entry }: OutboxEntry): Kept {
  if (error === null) return { ...entry, error };
  const { code, message, retryable, details } = error;
  return { ...entry, error: { code, message, retryable, details } };
}

/** What another version left there, or somebody else, is no reason to fail. */
function restored(store: Store | null): readonly OutboxEntry[] {
  try {
    const kept: unknown = JSON.parse(store?.getItem(KEY) ?? "[]");
    if (!Array.isArray(kept)) return [];
    return kept.filter(isKept).map((entry) => ({
      ...entry,
      state: entry.state === "failed" ? "failed" : "queued_offline",
      error: entry.error === null ? null : new CallError(entry.error),
    }));
  } catch {
    return [];
  }
}

function isKept(value: unknown): value is Kept {
  const { sessionId, clientMessageId } = (value ?? {}) as Partial<Record<string, unknown>>;
  return typeof sessionId === "string" && typeof clientMessageId === "string";
}
