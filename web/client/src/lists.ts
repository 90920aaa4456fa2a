/** The two watched lists, all sessions and the running ones, as the server keeps them. Never sorts for the eye. */

import { delayMs } from "./backoff.ts";
import type { Connection } from "./connection.ts";
import { Signal } from "./signal.ts";
import type { ListChange, Session } from "./wire.ts";

export type Sessions = ReadonlyMap<string, Session>;

interface Feed {
  readonly call: "watch_sessions" | "watch_running";
  readonly event: "session" | "running";
}

export const ALL_SESSIONS: Feed = { call: "watch_sessions", event: "session" };
export const RUNNING_SESSIONS: Feed = { call: "watch_running", event: "running" };

export class SessionList {
  readonly changes = new Signal<Sessions>();
  readonly #connection: Connection;
  readonly #feed: Feed;
  readonly #subscriptions: readonly (() => void)[];
  #sessions: Sessions = new Map();
  #hasMore = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: Connection, feed: Feed) {
    this.#connection = connection;
    this.#feed = feed;
    this.#subscriptions = [
      connection.on(feed.event, (change) => this.#show(changed(this.#sessions, change))),
      connection.opened.listen(() => this.#watch()),
      connection.silent.listen(() => this.#watch()),
    ];
  }

  /** Follows nothing any more. */
  close(): void {
    clearTimeout(this.#timer);
    for (const unsubscribe of this.#subscriptions) unsubscribe();
  }

  /** Whether there are older sessions than those that the server listed; REST has them. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  get sessions(): Sessions {
    return this.#sessions;
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#connection.ask(
      this.#feed.call,
      {},
      ({ sessions, hasMore }) => {
        this.#failures = 0;
        this.#hasMore = hasMore;
        this.#show(new Map(sessions.map((session) => [session.id, session])));
      },
      () => this.#watchLater(),
    );
  }

  /** A lost connection is no reason to ask: the next one does. */
  #watchLater(): void {
    if (this.#connection.state !== "connected") return;
    this.#timer = setTimeout(() => this.#watch(), delayMs(this.#failures++));
  }

  #show(sessions: Sessions): void {
    this.#sessions = sessions;
    this.changes.emit(sessions);
  }
}

function changed(sessions: Sessions, { session, removed }: ListChange): Sessions {
  const next = new Map(sessions);
  if (session) next.set(session.id, session);
  if (removed) next.delete(removed);
  return next;
}
