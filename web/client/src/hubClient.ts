/** Everything one signed-in client has of the server: the connection, REST, the lists, and sessions on request. */

import { Connection } from "./connection.ts";
import { ALL_SESSIONS, RUNNING_SESSIONS, SessionList } from "./lists.ts";
import { Outbox, sessionStore } from "./outbox.ts";
import type { Store } from "./outbox.ts";
import { Rest } from "./rest.ts";
import { LiveSession } from "./session.ts";
import type { SessionOptions } from "./session.ts";
import { Signal } from "./signal.ts";
import { openSocket } from "./socket.ts";
import type { SocketLike } from "./socket.ts";
import { UserStateStore } from "./userState.ts";
import type { ModelInfo } from "./wire.ts";

export interface HubClientOptions {
  readonly store?: Store | null;
}

export interface ConnectOptions extends HubClientOptions {
  readonly url?: string;
  readonly token?: string | null;
}

export class HubClient {
  readonly connection: Connection;
  readonly rest: Rest;
  readonly all: SessionList;
  readonly running: SessionList;
  readonly unauthenticated = new Signal<null>();
  #userId: string | null = null;
  #models: Promise<readonly ModelInfo[]> | null = null;

  readonly outbox: Outbox;
  /** What all of the user's clients share: tabs, preferences, what was open last. */
  readonly userState: UserStateStore;

  /** `store` keeps what was written over a reload: by default the browser tab's own, null for none. */
  constructor(socket: SocketLike, rest: Rest, { store = sessionStore() }: HubClientOptions = {}) {
    this.connection = new Connection(socket);
    this.rest = rest;
    this.outbox = new Outbox(this.connection, store, (id, message) => rest.sendMessage(id, message));
    this.userState = new UserStateStore(this.connection, {
      read: () => rest.userState(),
      patch: (patch, version) => rest.patchUserState(patch, version),
    });
    this.all = new SessionList(this.connection, ALL_SESSIONS);
    this.running = new SessionList(this.connection, RUNNING_SESSIONS);
    this.connection.unauthenticated.listen(() => this.unauthenticated.emit(null));
    rest.unauthenticated.listen(() => this.unauthenticated.emit(null));
  }

  /** Who this client is to the server; null until `identify` was answered. */
  get userId(): string | null {
    return this.#userId;
  }

  /** Rejects with `unauthenticated` when a token is wanted. */
  async identify(): Promise<void> {
    this.#userId = (await this.rest.me()).userId;
  }

  /** The models to choose from, asked for once; after a failure again with the next call. */
  models(): Promise<readonly ModelInfo[]> {
    this.#models ??= this.rest.models().then(
      ({ models }) => models,
      (error: unknown) => {
        this.#models = null;
        throw error;
      },
    );
    return this.#models;
  }

  /** A session to be opened, and closed by whoever opened it. */
  session(sessionId: string, options: SessionOptions = {}): LiveSession {
    return new LiveSession(this, sessionId, options);
  }

  /** Connects, and keeps connected, until `stop` or `close`. */
  start(): void {
    this.connection.start();
  }

  stop(): void {
    this.connection.stop();
  }

  /** Ends it for good: nothing listens and nothing waits afterwards. Sessions are closed by whoever opened them. */
  close(): void {
    this.all.close();
    this.running.close();
    this.outbox.close();
    this.userState.close();
    this.connection.close();
  }
}

/** A hub of the server at `url` (by default the one that served the page), connecting at once. */
export function connect({ url, token = null, ...options }: ConnectOptions = {}): HubClient {
  const hub = new HubClient(openSocket(token, url), new Rest(token, url), options);
  hub.start();
  return hub;
}
